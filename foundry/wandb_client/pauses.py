"""How long to wait before a service is asked again."""

from __future__ import annotations

from collections.abc import Iterator


def doubling_pauses(first: float, longest: float) -> Iterator[float]:
    """Seconds between attempts, without end: twice as long each time, up to the longest."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)
