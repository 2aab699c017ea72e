"""What earlier acceptance runs showed: a file with one record a line, the oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from foundry import files
from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord
from foundry.errors import UserError

HISTORY_NAME = "history.jsonl"
MAX_RUNS = 20


@dataclass(frozen=True)
class History:
    """The records of earlier runs, the oldest first."""

    runs: tuple[AcceptanceRecord, ...] = ()

    @property
    def last(self) -> AcceptanceRecord | None:
        """The newest run."""
        return self.runs[-1] if self.runs else None

    def last_like(self, record: AcceptanceRecord, *, measured: bool = False) -> AcceptanceRecord | None:
        """The newest run that had the same selection and was not broken off.

        What failed the last time is another set each time, so that no run of it is like another.

        Args:
            measured: of those that measured coverage.
        """
        if record.last_failed:
            return None
        alike = [run for run in self.runs if run.selection == record.selection and not run.ended_early]
        return next((run for run in reversed(alike) if run.coverage or not measured), None)

    def seconds(self) -> Mapping[str, float]:
        """How long each scenario took when it ran last, by its key."""
        ran = [scenario for run in self.runs for scenario in run.scenarios if scenario.status != "skipped"]
        return {scenario.key: scenario.seconds for scenario in ran}

    def not_kept(self) -> frozenset[str]:
        """The keys of the scenarios that were not kept when they ran last, in whichever run that was."""
        last = {
            scenario.key: scenario.status
            for run in self.runs
            for scenario in run.scenarios
            if scenario.status != "skipped"
        }
        return frozenset(key for key, status in last.items() if status != "passed")

    def with_run(self, record: AcceptanceRecord) -> History:
        """This history and one run more; the oldest are forgotten, but for the newest run of each selection."""
        runs = (*self.runs, record)
        newest = {run.selection: run for run in runs if not run.ended_early}
        first_recent = len(runs) - MAX_RUNS
        return History(
            tuple(run for place, run in enumerate(runs) if place >= first_recent or newest.get(run.selection) is run)
        )


def read_history(path: Path) -> History:
    """The history in the file `path`; empty where there is no such file.

    Raises:
        UserError: it cannot be read, or a line is no record of this version.
    """
    if not path.exists():
        return History()
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # signs inside of texts part lines for `splitlines`
        return History(tuple(AcceptanceRecord.model_validate_json(line) for line in lines if line))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        why = f"{error.error_count()} errors" if isinstance(error, ValidationError) else str(error)
        raise UserError(f"{path}: no history of this version ({why}); remove the file to begin a new one") from None


def write_history(history: History, path: Path) -> None:
    """Write the history in one rename; what only the bundle of a run tells of its scenarios is left out."""
    files.write_text(path, "".join(_line(run) + "\n" for run in history.runs))


def _line(record: AcceptanceRecord) -> str:
    lean = record.model_copy(update={"scenarios": tuple(map(_lean, record.scenarios))})
    return lean.model_dump_json(exclude_defaults=True)


def _lean(scenario: ScenarioRecord) -> ScenarioRecord:
    failure = scenario.failure and scenario.failure.model_copy(update={"trace": ""})
    return scenario.model_copy(
        update={"rule": "", "row": {}, "tags": (), "reason": "", "workspace": "", "failure": failure}
    )
