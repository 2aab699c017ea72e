"""Tells a waiting user how far a long act has come."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS_BETWEEN_REPORTS = 2.0

Report = Callable[[str], None]
"""Takes one line for the user."""


class Progress:
    """Passes lines on to the user, not more often than every two seconds, so that quick acts stay silent."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self.started = time.monotonic()
        self._last = self.started

    def update(self, line: str) -> None:
        """Report `line` if the last report, or the start, is long enough ago."""
        now = time.monotonic()
        if self._report is not None and now - self._last >= SECONDS_BETWEEN_REPORTS:
            self._last = now
            self._report(line)

    def note(self, line: str) -> None:
        """Report a line that the user must see in any case."""
        if self._report is not None:
            self._report(line)

    @property
    def seconds(self) -> float:
        """Time since the start; never 0."""
        return max(time.monotonic() - self.started, 1e-9)
