"""Ctrl-C and SIGTERM while workers run: noted, so that the run can end with what it has."""

from __future__ import annotations

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Notes the first signal that asks to stop while the block runs; the next one leaves at once.

    Attributes:
        signal_number: of that signal; 0 as long as there was none.
    """

    def __init__(self) -> None:
        self.signal_number = 0

    def __enter__(self) -> StopRequest:
        self._previous = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signal_number:
            raise KeyboardInterrupt
        self.signal_number = number

    @property
    def name(self) -> str:
        """The name of the signal; empty where there was none."""
        return signal.Signals(self.signal_number).name if self.signal_number else ""
