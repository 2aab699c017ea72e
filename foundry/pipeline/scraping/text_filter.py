"""What every text passes before it is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class TextFilter(Protocol):
    """Replaces what must not be stored, and counts it."""

    def redact(self, text: str, place: str) -> str:
        """The text without secrets; `place` is the path of a file, or what else they are counted under."""

    def email(self, address: str) -> str:
        """What is stored of a mail address."""

    def tally(self) -> dict[str, dict[str, int]]:
        """How many of each kind were replaced, by place."""


MakeFilter = Callable[[], TextFilter]
"""Makes a filter that has counted nothing yet."""
