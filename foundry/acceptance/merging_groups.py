"""Makes one whole of runs of the same scenarios that measured the coverage of different groups of modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord
from foundry.errors import UserError

FROM_BEST = ("skipped", "passed", "failed", "broken")
"""A scenario that passed on one host and was skipped on another has passed; one that failed anywhere has failed."""


def merged_groups(runs: Sequence[tuple[Path, AcceptanceRecord]]) -> AcceptanceRecord:
    """The record of runs that each ran every scenario; of each scenario the worst outcome counts.

    Raises:
        UserError: they ran different scenarios.
    """
    (first_folder, first), *others = runs
    outcomes = {scenario.key: scenario for scenario in first.scenarios}
    for folder, record in others:
        if {scenario.key for scenario in record.scenarios} != outcomes.keys():
            raise UserError(
                f"{first_folder} and {folder} ran different scenarios; merge groups of modules of one suite"
            )
        for scenario in record.scenarios:
            outcomes[scenario.key] = max(outcomes[scenario.key], scenario, key=_badness)
    records = [record for _, record in runs]
    early = [f"modules {record.modules}: {record.ended_early}" for record in records if record.ended_early]
    return first.model_copy(
        update={
            "python": ", ".join(sorted({record.python for record in records})),
            "started": min(record.started for record in records),
            "seconds": max(record.seconds for record in records),
            "modules": "",
            "ended_early": "; ".join(early),
            "complaints": tuple(
                f"modules {record.modules}: {complaint}" for record in records for complaint in record.complaints
            ),
            "scenarios": tuple(outcomes[scenario.key] for scenario in first.scenarios),
        }
    )


def counted_folders(runs: Sequence[tuple[Path, AcceptanceRecord]]) -> dict[str, Path]:
    """The folder of the run whose outcome of a scenario counts, by its key: the first with the worst."""
    worst: dict[str, tuple[int, Path]] = {}
    for folder, record in runs:
        for scenario in record.scenarios:
            if scenario.key not in worst or _badness(scenario) > worst[scenario.key][0]:
                worst[scenario.key] = (_badness(scenario), folder)
    return {key: folder for key, (_, folder) in worst.items()}


def _badness(scenario: ScenarioRecord) -> int:
    return FROM_BEST.index(scenario.status)
