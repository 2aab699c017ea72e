"""What has become of each selected scenario so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import allure_commons
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Status, StatusDetails
from behave.model import Scenario

from foundry.acceptance.formatter import epic_of, history_id, new_result, place_of, row_of, rule_of, tags_of
from foundry.acceptance.record import ScenarioRecord
from foundry.acceptance.selection import SelectedFeature
from foundry.acceptance.worker import Outcome


class Ledger:
    """The scenarios of a run by their places, and the records of those that have ended."""

    def __init__(self, selected: Sequence[SelectedFeature], project: Path) -> None:
        self.selected = selected
        self.records: dict[str, ScenarioRecord] = {}
        self._project = project
        self._scenarios = {place_of(scenario): scenario for item in selected for scenario in item.scenarios}
        self._features = {place_of(scenario): item for item in selected for scenario in item.scenarios}
        self._left = {id(item): len(item.scenarios) for item in selected}

    def __len__(self) -> int:
        """How many scenarios were selected."""
        return len(self._scenarios)

    def scenario(self, place: str) -> Scenario:
        """The scenario at a place, as `place_of` has it."""
        return self._scenarios[place]

    @property
    def missing(self) -> list[str]:
        """The places of the scenarios that have not ended."""
        return [place for place in self._scenarios if place not in self.records]

    @property
    def num_not_kept(self) -> int:
        """How many scenarios failed or broke so far."""
        return sum(not record.is_kept for record in self.records.values())

    def enter(self, outcome: Outcome, *, worker: int = 0, started: float = 0.0) -> ScenarioRecord:
        """Record what became of a scenario; `started` is in seconds since the run began."""
        scenario = self._scenarios[outcome.place]
        rule = rule_of(scenario)
        record = ScenarioRecord(
            key=history_id(scenario),
            place=self._relative(outcome.place),
            epic=epic_of(scenario.feature),
            feature=scenario.feature.name,
            rule=rule.name if rule else "",
            name=scenario.name,
            row=row_of(scenario),
            tags=tuple(tags_of(scenario)),
            status=outcome.status,
            reason=outcome.reason,
            failure=outcome.failure,
            started=round(started, 3),
            seconds=round(outcome.seconds, 4),
            worker=worker,
            workspace=outcome.workspace,
        )
        self.records[outcome.place] = record
        self._left[id(self._features[outcome.place])] -= 1
        return record

    def finished_feature(self, place: str) -> SelectedFeature | None:
        """The feature of the scenario at `place`, if all its selected scenarios have ended."""
        item = self._features[place]
        return None if self._left[id(item)] else item

    def in_order(self) -> Iterator[ScenarioRecord]:
        """The records, in the order of the files."""
        places = sorted(self.records, key=lambda place: (place.rpartition(":")[0], int(place.rpartition(":")[2])))
        return (self.records[place] for place in places)

    def _relative(self, place: str) -> str:
        path, _, line = place.rpartition(":")
        inside = Path(path).is_relative_to(self._project)
        return f"{Path(path).relative_to(self._project) if inside else path}:{line}"


def report_to_allure(scenario: Scenario, outcome: Outcome, folder: Path, worker: int) -> None:
    """Write the result of a scenario that no worker has finished into Allure's folder; 0 where none has begun it."""
    result = new_result(scenario, str(worker or ""))
    result.start -= round(1000 * outcome.seconds)
    result.stop = result.start + round(1000 * outcome.seconds)
    failure = outcome.failure
    result.status = Status.BROKEN if failure else Status.SKIPPED
    result.statusDetails = StatusDetails(
        message=failure.message if failure else outcome.reason, trace=failure.trace if failure else None
    )
    logger = AllureFileLogger(folder)
    allure_commons.plugin_manager.register(logger)
    try:
        allure_commons.plugin_manager.hook.report_result(result=result)
    finally:
        allure_commons.plugin_manager.unregister(logger)
