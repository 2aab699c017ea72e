"""What planted faults and mutants showed: the content of `faults.json`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from foundry import files
from foundry.acceptance.faults.fault import Guard

FIGURES_NAME = "faults.json"

Verdict = Literal[
    "caught",
    "caught by time-out",
    "survived",
    "does not apply",
    "does not load",
    "guard not found",
    "guard cannot run here",
    "guard red without the fault",
    "not tried",
]
"""What became of a planted fault. Only the first two say that its guard keeps its promise."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaultFigure(_Frozen):
    """What became of one planted fault.

    Attributes:
        seconds: how long the trial took; 0 where there was none.
        step: keyword and sentence of the step that noticed it; empty where none did.
        message: the first line of what the guard said, or why there is no verdict on it.
    """

    name: str
    story: str
    module: str
    guard: Guard
    verdict: Verdict
    seconds: float = 0.0
    step: str = ""
    message: str = ""

    @property
    def is_caught(self) -> bool:
        """Whether the guard noticed the fault."""
        return self.verdict in ("caught", "caught by time-out")


class FaultFigures(_Frozen):
    """What a catalogue of planted faults showed.

    Attributes:
        seed: of the order in which they were tried, where the time was limited.
        budget_seconds: the time allowed; None where it was not limited.
        seconds: the time taken.
        mutants: None where none were tried.
    """

    format: Literal[1] = 1
    seed: int
    budget_seconds: float | None = None
    seconds: float
    faults: tuple[FaultFigure, ...] = ()
    mutants: MutantFigures | None = None

    @property
    def counts(self) -> Counter[str]:
        """How many faults have each verdict."""
        return Counter(fault.verdict for fault in self.faults)

    @property
    def not_caught(self) -> tuple[FaultFigure, ...]:
        """The faults that were tried, or could not be, and that no guard has noticed."""
        return tuple(fault for fault in self.faults if not fault.is_caught and fault.verdict != "not tried")


MutantVerdict = Literal["killed", "survived", "does not load", "equivalent"]
"""What became of a mutant. One that does not load, or is known to change nothing, is not counted."""


class MutantFigure(_Frozen):
    """What became of one random mutant.

    Attributes:
        line: of the source file, from 1.
        source: that line, without its indentation.
        scenarios: how many were run against it.
        killer: the place of the scenario that noticed it; empty where none did.
    """

    module: str
    line: int
    source: str
    operator: str
    mutation: str
    verdict: MutantVerdict
    scenarios: int
    killer: str = ""
    message: str = ""


class MutantFigures(_Frozen):
    """What a sample of random mutants showed.

    Attributes:
        seed: of the sample.
        sampled: how many were to be tried; fewer were where the time was over before.
    """

    seed: int
    budget_seconds: float | None = None
    seconds: float
    sampled: int
    mutants: tuple[MutantFigure, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many mutants have each verdict."""
        return Counter(mutant.verdict for mutant in self.mutants)

    @property
    def num_counted(self) -> int:
        """How many could be noticed."""
        return self.counts["killed"] + self.counts["survived"]

    @property
    def killed_share(self) -> float:
        """The share of them that were noticed; 1 where there were none."""
        return self.counts["killed"] / self.num_counted if self.num_counted else 1.0

    @property
    def survivors(self) -> tuple[MutantFigure, ...]:
        """Those that no scenario noticed."""
        return tuple(mutant for mutant in self.mutants if mutant.verdict == "survived")


def write_figures(figures: FaultFigures, path: Path) -> None:
    """Write the figures as JSON, in one rename."""
    files.write_json(path, figures.model_dump(mode="json"))
