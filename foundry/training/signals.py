"""SIGTERM and Ctrl-C: in a step, the first asks to stop after it, and the second ends the process at once.

Where no step is under way, the first ends the process at once, with a sentence that says how to go on.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from foundry.errors import LeftAtOnce
from foundry.training.processes import Processes

STANDARD_ERROR = 2
STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Remembers the first request to stop.

    Attributes:
        received: the number of the signal; None while there was none.
    """

    def __init__(self, processes: Processes) -> None:
        self.received: int | None = None
        self._processes = processes

    @property
    def agreed(self) -> int | None:
        """The signal that any process of the launch has received; each of them asks at the same time."""
        return self._processes.largest(self.received or 0) or None

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Keep the signal, and let the next one end the process as the system would: whatever runs, at once.

        Nothing can be half-written by that, since nothing exists on disk before it is whole. Who sits at a terminal is
        told at once, past Python's streams, in one of whose calls this may have come.
        """
        self.received = number
        for other in STOPPING:
            signal.signal(other, signal.SIG_DFL)
        if self._processes.is_first and os.isatty(STANDARD_ERROR):
            name = signal.Signals(number).name
            sentence = f"\r\n{name}: the step is finished and saved first; a second one leaves at once\r\n"
            os.write(STANDARD_ERROR, sentence.encode())


@contextmanager
def stop_requests(processes: Processes) -> Iterator[StopRequest]:
    """While the block runs, SIGINT and SIGTERM ask for a stop; in the main thread only, where Python allows it."""
    request = StopRequest(processes)
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        previous = {number: signal.signal(number, request.handle) for number in STOPPING}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def left_at_once() -> Iterator[None]:
    """Leave the block on SIGTERM as Ctrl-C does, and give both the same kind of message.

    Raises:
        LeftAtOnce: a signal came where `stop_requests` was not at work.
    """
    received = [int(signal.SIGINT)]

    def leave(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt(signal.Signals(number).name)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        raise LeftAtOnce(received[-1]) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
