"""The release bundle that the steps of a scenario look at, made once by real runs of the sample suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from foundry.acceptance.history import History
from foundry.acceptance.record import AcceptanceRecord, read_record
from foundry.testing.sample_runs import shared_suite

RUNS = ("features disasters", "features disasters")
"""The runs of the sample suite, one after the other into the same bundle."""


@dataclass
class OpenBundle:
    """The bundle, or the part of one, that a scenario looks at.

    Attributes:
        suite: the project that it was made in.
        other: a second bundle, to compare with.
        text: a part that was made by itself, or what a program has printed.
        before: files, as they were.
    """

    suite: Path = Path()
    folder: Path = Path()
    other: Path = Path()
    record: AcceptanceRecord | None = None
    text: str = ""
    exit_code: int = 0
    before: dict[str, bytes] = field(default_factory=dict)
    history: History = field(default_factory=History)
    lines: list[str] = field(default_factory=list)

    def read(self, name: str) -> str:
        """A file of the bundle; where a part was made by itself, that one."""
        return self.text or (self.folder / name).read_text(encoding="utf-8")

    @property
    def told(self) -> AcceptanceRecord:
        """The record of the bundle."""
        assert self.record is not None, "no record was opened"
        return self.record


def sample_record(project: Path) -> AcceptanceRecord:
    """The record of a real run of the sample suite."""
    return read_record(shared_suite(project, RUNS) / "release" / "acceptance.json")
