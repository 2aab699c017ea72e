"""How long planted faults may take: as one types it, and what is left of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from foundry.errors import UserError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def budget_seconds(text: str) -> float:
    """The seconds in `90s`, `10m` or `1h`.

    Raises:
        UserError: it is written in another way, or is no time at all.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not found or float(found[1]) == 0:
        raise UserError(f"--budget {text}: no length of time; write a number above 0 and s, m or h, such as 90s or 10m")
    return float(found[1]) * UNITS[found[2]]


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Allowance:
    """The time that is allowed from now on.

    Attributes:
        seconds: None where it is not limited.
        is_stopped: tells whether somebody has asked to stop.
    """

    seconds: float | None = None
    is_stopped: Callable[[], bool] = _never
    started: float = field(default_factory=time.monotonic)

    @property
    def used(self) -> float:
        """The seconds since it began."""
        return time.monotonic() - self.started

    def is_over(self) -> bool:
        """Whether nothing new may be begun."""
        return self.is_stopped() or (self.seconds is not None and self.used > self.seconds)
