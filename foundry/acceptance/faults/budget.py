"""How long planted faults may take, as one types it."""

from __future__ import annotations

import re

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
