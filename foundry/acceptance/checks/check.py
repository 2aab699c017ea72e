"""One thing that was looked at before an acceptance run, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foundry.terminal import printable

CheckState = Literal["ok", "missing", "failed"]
"""`missing`: something that one may do without is not there. `failed`: it is there and not right, or is needed."""

NOTHING = "none"

MARKS: dict[CheckState, str] = {"ok": "✓", "missing": "–", "failed": "✗"}


@dataclass(frozen=True)
class Check:
    """What was found of one thing that an acceptance run, or some of its scenarios, need.

    Attributes:
        found: versions, names or amounts; `NOTHING` where there is nothing.
        reason: why it is not as it should be; empty where it is.
        remedy: a command to type, or a setting to change; empty where nothing is to be done.
        needed: without it no run begins.
        tag: of the scenarios that are skipped without it; empty where no scenario is.
    """

    name: str
    state: CheckState
    found: str
    reason: str = ""
    remedy: str = ""
    needed: bool = False
    tag: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether it is as it should be."""
        return self.state == "ok"

    @property
    def stops(self) -> bool:
        """Whether no run may begin."""
        return self.needed and not self.is_ok

    def __str__(self) -> str:
        """What is wrong with it, or what it is, in one line."""
        problem = f": {self.reason}" if self.reason else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return printable(f"{self.name}: {self.found}{problem}{remedy}").replace("\n", " ")


def as_lines(checks: Sequence[Check]) -> list[str]:
    """The checks as a table with a line each; what is not right has its reason and its remedy after it."""
    width = max((len(check.name) for check in checks), default=0)
    return [f"{MARKS[check.state]} {check.name.ljust(width)}  {_told(check)}" for check in checks]


def _told(check: Check) -> str:
    parts = [check.found] if check.is_ok else [check.found.removesuffix(NOTHING), check.reason]
    skipped = f" (@{check.tag} scenarios are skipped)" if check.tag and not check.is_ok else ""
    remedy = f" → {check.remedy}" if check.remedy else ""
    return printable(": ".join(part for part in parts if part) + skipped + remedy).replace("\n", " ")
