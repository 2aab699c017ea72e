"""What an acceptance run leaves for those who read it: one JSON file with the outcome of each scenario."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from foundry import files
from foundry.acceptance.formatter import Verdict
from foundry.errors import UserError

RECORD_NAME = "acceptance.json"

FailureKind = Literal["assertion", "exception", "time-out", "worker death", "environment", "undefined step"]
"""Why a scenario was not kept. `environment`: a hook or the clean-up failed."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Failure(_Frozen):
    """Why a scenario did not pass.

    Attributes:
        exception: the class of what was raised, or the signal or exit code that ended the worker; empty for a time-out.
        where: `file:line` of the innermost frame in the project, relative to it; empty where there is none.
        step: keyword and sentence of the step that failed; empty where no step did.
    """

    kind: FailureKind
    exception: str = ""
    where: str = ""
    step: str = ""
    message: str = ""
    trace: str = ""


class ScenarioRecord(_Frozen):
    """What became of one scenario.

    Attributes:
        key: Allure's history id: the same in every run, on every host, wherever the scenario stands in its file.
        place: `features/x.feature:12`, relative to the project.
        row: the values of its row of examples.
        reason: why it was skipped; empty where it was not.
        started: seconds since the run began.
        worker: the number of the process that ran it, from 1; 0 where none did.
        workspace: where a failed scenario left its files; empty where none were left.
    """

    key: str
    place: str
    epic: str
    feature: str
    rule: str = ""
    name: str
    row: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    status: Verdict
    reason: str = ""
    failure: Failure | None = None
    started: float = 0.0
    seconds: float = 0.0
    worker: int = 0
    workspace: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it passed, or was skipped."""
        return self.status in ("passed", "skipped")

    @property
    def title(self) -> str:
        """Its name, with the values of its row of examples that are not in it."""
        row = ", ".join(value for value in self.row.values() if value not in self.name)
        return f"{self.name} ({row})" if row else self.name

    @property
    def why(self) -> str:
        """Why it did not pass, in one line; empty where it did."""
        return (self.failure.message if self.failure else self.reason).partition("\n")[0]


class CoverageTally(_Frozen):
    """How much of the product the scenarios ran, in per cent of its lines and of its branches."""

    lines: float
    branches: float


class FaultTally(_Frozen):
    """How many named faults were planted, and the names of those that no scenario noticed.

    Attributes:
        not_tried: how many more there was no time for.
        mutants: how many random mutants of the core were tried that a scenario could notice.
    """

    planted: int
    survived: tuple[str, ...] = ()
    not_tried: int = 0
    mutants: int = 0
    mutants_killed: int = 0


class AcceptanceRecord(_Frozen):
    """One acceptance run, or several shards of one that were merged.

    Attributes:
        commit: what `report.source_version` says of the tree.
        started: UTC, ISO 8601.
        last_failed: it was about what was not kept in the run before.
        contract: what was named of the team's own: `config`, `repository`, `model`, `device`.
        shard: `2/5`; empty for a whole run.
        modules: the group of modules whose coverage was measured, such as `2/5`; empty where it was not of a group.
        seed: of the shuffled order; None where the order was that of the durations.
        ended_early: why selected scenarios did not run (`interrupted by SIGINT`, `--fail-fast`); empty otherwise.
        complaints: what went wrong outside the scenarios.
        coverage: None where it was not measured.
        faults: None where none were planted.
    """

    format: Literal[1] = 1
    foundry: str
    commit: str
    python: str
    started: str
    seconds: float
    paths: tuple[str, ...]
    tags: tuple[str, ...] = ()
    last_failed: bool = False
    contract: dict[str, str] = {}
    shard: str = ""
    modules: str = ""
    seed: int | None = None
    workers: int
    ended_early: str = ""
    complaints: tuple[str, ...] = ()
    coverage: CoverageTally | None = None
    faults: FaultTally | None = None
    scenarios: tuple[ScenarioRecord, ...]

    @property
    def selection(self) -> str:
        """What was asked for, as one would type it."""
        options = [*(f"--tags={tag!r}" for tag in self.tags), *(["--last-failed"] if self.last_failed else [])]
        options += [f"--{name}={value!r}" for name, value in self.contract.items()]
        options += [f"--shard {self.shard}"] if self.shard else []
        options += [f"--modules {self.modules}"] if self.modules else []
        return " ".join([*self.paths, *options])

    @property
    def counts(self) -> Counter[str]:
        """How many scenarios have each status."""
        return Counter(scenario.status for scenario in self.scenarios)

    @property
    def failed(self) -> tuple[ScenarioRecord, ...]:
        """The scenarios that were not kept."""
        return tuple(scenario for scenario in self.scenarios if not scenario.is_kept)

    @property
    def is_kept(self) -> bool:
        """Whether every promise that was to be run was run, and is kept."""
        return bool(self.counts["passed"]) and not (self.failed or self.complaints or self.ended_early)


def write_record(record: AcceptanceRecord, path: Path) -> None:
    """Write the record in one rename."""
    files.write_text(path, json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def read_record(path: Path) -> AcceptanceRecord:
    """The record in the file `path`.

    Raises:
        UserError: there is none, or it is not one that this version has written.
    """
    try:
        return AcceptanceRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); `foundry accept` writes such a file") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path}: no record of this version ({where}: {first['msg']}); run `foundry accept` again"
        ) from None
