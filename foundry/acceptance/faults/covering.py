"""Which scenarios to run against a mutant: those that run its line, the fastest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from foundry.acceptance.formatter import history_id
from foundry.acceptance.record import AcceptanceRecord
from foundry.acceptance.selection import SelectedFeature

MOST_SECONDS = 60.0
"""How long the scenarios for one mutant take in the unchanged project; the slowest beyond that are not run."""

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

        Without a measurement these are the scenarios of the features in the folder of the module's name, and all
        others after them.
        """
        if self.lines:
            keys = self.lines.get(module, {}).get(line, frozenset())
            return _within_time(scenario for scenario in self.scenarios if scenario.key in keys)
        near = [scenario for scenario in self.scenarios if _is_near(module, scenario)]
        return _within_time(near or self.scenarios)


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


def _within_time(scenarios: Iterable[TimedScenario]) -> list[TimedScenario]:
    chosen: list[TimedScenario] = []
    left = MOST_SECONDS
    for scenario in sorted(scenarios, key=lambda it: (it.seconds, it.place)):
        left -= scenario.seconds
        if chosen and left < 0:
            break
        chosen.append(scenario)
    return chosen
