"""Which scenarios to run against a mutant: those that run its line, the fastest first, then their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from foundry.acceptance.formatter import history_id
from foundry.acceptance.record import AcceptanceRecord
from foundry.acceptance.selection import SelectedFeature

MOST_SECONDS = 60.0
"""How long the scenarios for one mutant take in the unchanged project; the slowest beyond that are not run."""
NEIGHBOURS_SECONDS = 30.0
"""The same for the other scenarios of their features."""
SECONDS_A_STEP = 0.2


@dataclass(frozen=True)
class TimedScenario:
    """A scenario that is kept, and how long it takes.

    Attributes:
        key: what tells it from all others, see `ScenarioRecord`.
        place: `features/x.feature:12`, relative to the project.
    """

    key: str
    place: str
    seconds: float

    @property
    def feature(self) -> str:
        """The path of its feature file."""
        return self.place.rpartition(":")[0]


@dataclass(frozen=True)
class Covering:
    """Knows scenarios and, where coverage was measured, which of them run a line.

    Attributes:
        lines: the keys of the scenarios that run each line of each source file, by its path relative to the project;
            empty where that was not measured.
    """

    scenarios: tuple[TimedScenario, ...]
    lines: Mapping[str, Mapping[int, frozenset[str]]] = field(default_factory=dict)

    def for_line(self, module: str, line: int) -> list[TimedScenario]:
        """The scenarios that run a line, the fastest first, as many as there is time for.

        The other scenarios of their features follow: what the scenarios of a feature share, such as a process that
        works for all of them, was seen to run for one of them only. Without a measurement these are the scenarios of
        the features in the folder of the module's name, else all.
        """
        if self.lines:
            keys = self.lines.get(module, {}).get(line, frozenset())
            running = [scenario for scenario in self.scenarios if scenario.key in keys]
            return [*_within_time(running), *self._neighbours(running)]
        near = [scenario for scenario in self.scenarios if _is_near(module, scenario)]
        return _within_time(near or self.scenarios)

    def _neighbours(self, running: Sequence[TimedScenario]) -> list[TimedScenario]:
        features = {scenario.feature for scenario in running}
        others = [it for it in self.scenarios if it.feature in features and it not in running]
        quick = [scenario for scenario in others if scenario.seconds <= NEIGHBOURS_SECONDS]
        return _within_time(quick, NEIGHBOURS_SECONDS)


def covering_of(record: AcceptanceRecord, lines: Mapping[str, Mapping[int, frozenset[str]]]) -> Covering:
    """What an acceptance run has shown: only scenarios that it found kept can notice anything."""
    passed = (scenario for scenario in record.scenarios if scenario.status == "passed")
    return Covering(tuple(TimedScenario(it.key, it.place, it.seconds) for it in passed), lines)


def estimated(project: Path, selected: Sequence[SelectedFeature]) -> Covering:
    """What is known of scenarios that nobody has run yet: the number of their steps tells how long they may take."""
    scenarios = []
    for item in selected:
        path = Path(item.feature.filename).absolute().relative_to(project)
        for scenario in item.scenarios:
            seconds = SECONDS_A_STEP * len(list(scenario.all_steps))
            scenarios.append(TimedScenario(history_id(scenario), f"{path.as_posix()}:{scenario.line}", seconds))
    return Covering(tuple(scenarios))


def _is_near(module: str, scenario: TimedScenario) -> bool:
    area = PurePath(module).parent.name
    return Path(scenario.place).parent.name == area


def _within_time(scenarios: Iterable[TimedScenario], seconds: float = MOST_SECONDS) -> list[TimedScenario]:
    chosen: list[TimedScenario] = []
    left = seconds
    for scenario in sorted(scenarios, key=lambda it: (it.seconds, it.place)):
        left -= scenario.seconds
        if chosen and left < 0:
            break
        chosen.append(scenario)
    return chosen
