"""Plants each fault of a catalogue in a copy of the project, and sees whether its guard notices it."""

from __future__ import annotations

import contextlib
import itertools
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundry.acceptance.faults.budget import Allowance
from foundry.acceptance.faults.fault import DoesNotApply, Guard, PlantedFault, userdata_of
from foundry.acceptance.faults.figures import FaultFigure, FaultFigures, Verdict
from foundry.acceptance.faults.nurseries import Nursery, ScenarioOutcome, TrialResult
from foundry.acceptance.faults.shadow import Shadows
from foundry.acceptance.faults.warm_pool import WarmPool
from foundry.acceptance.selection import parsed_features

FIRST_SECONDS = 120.0
"""How long a guard may take without a fault."""
LEAST_SECONDS, TIMES_GREEN = 5.0, 6.0
"""With a fault in it, a guard is cut off after the first plus so many times what it took without."""


def allowed_seconds(green: float) -> float:
    """How long a scenario may take in a changed project that took `green` seconds in the unchanged one."""
    return LEAST_SECONDS + TIMES_GREEN * green


@dataclass
class Planting:
    """One run through a catalogue, or what there is time for."""

    project: Path
    faults: Sequence[PlantedFault]
    say: Callable[[FaultFigure], None]
    workers: int = 2
    allowance: Allowance = field(default_factory=Allowance)
    seed: int = 0
    _figures: dict[str, FaultFigure] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> FaultFigures:
        """Try the faults, those with guards in one feature together, and tell each verdict when it is known."""
        waiting: queue.SimpleQueue[list[PlantedFault]] = queue.SimpleQueue()
        for group in self._groups():
            waiting.put(group)

        def work(nursery: Nursery, shadows: Shadows) -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    feature = GuardedFeature(self.project, shadows, nursery, self.allowance)
                    self._note_all(feature.verdicts(waiting.get_nowait()))

        WarmPool(self.project, self.workers, self.faults[0].guard.feature).run(work)
        figures = [self._figures.get(fault.name) or _figure(fault, "not tried") for fault in self.faults]
        return FaultFigures(
            seed=self.seed,
            budget_seconds=self.allowance.seconds,
            seconds=self.allowance.used,
            faults=tuple(figures),
        )

    def _groups(self) -> list[list[PlantedFault]]:
        """The faults by the feature of their guards: the largest groups first, or in an order of the seed's."""
        by_feature = sorted(self.faults, key=lambda fault: fault.guard.feature)
        groups = [list(group) for _, group in itertools.groupby(by_feature, key=lambda fault: fault.guard.feature)]
        if self.allowance.seconds is None:
            return sorted(groups, key=len, reverse=True)
        dice = random.Random(self.seed)
        for group in groups:
            dice.shuffle(group)
        dice.shuffle(groups)
        return groups

    def _note_all(self, figures: Iterator[FaultFigure]) -> None:
        for figure in figures:
            with self._lock:
                self._figures[figure.name] = figure
                self.say(figure)


@dataclass
class GuardedFeature:
    """The guards in one feature file, and the faults that they claim to notice."""

    project: Path
    shadows: Shadows
    nursery: Nursery
    allowance: Allowance

    def verdicts(self, faults: Sequence[PlantedFault]) -> Iterator[FaultFigure]:
        """Run the guards without a fault, then each of `faults` with its guard, until the time is over."""
        places = guards_in(self.project, (fault.guard for fault in faults))
        if self.allowance.is_over():
            return
        green = self._without_faults([place for group in places.values() for place in group])
        for fault in faults:
            if self.allowance.is_over():
                return
            yield self._verdict(fault, places[fault.guard], green)

    def _without_faults(self, places: Sequence[str]) -> dict[str, ScenarioOutcome]:
        """What the guards show in the unchanged project; one that takes its process along does not hide the others."""
        shown: dict[str, ScenarioOutcome] = {}
        left = list(places)
        while left:
            with self.shadows.shadow() as shadow:
                result = self.nursery.run(shadow, dict.fromkeys(left, FIRST_SECONDS))
            shown |= result.outcomes
            unseen = [place for place in left if place not in shown]
            if len(unseen) == len(left):
                return shown | dict.fromkeys(unseen, ScenarioOutcome("broken", message=result.trouble))
            left = unseen
        return shown

    def _verdict(self, fault: PlantedFault, places: Sequence[str], green: dict[str, ScenarioOutcome]) -> FaultFigure:
        if not places:
            return _figure(fault, "guard not found", message=f"no such scenario in {fault.guard.feature}")
        try:
            text = fault.planted(self.project)
        except DoesNotApply as error:
            return _figure(fault, "does not apply", message=str(error))
        for place in places:
            if green[place].is_red:
                return _figure(fault, "guard red without the fault", outcome=green[place])
            if green[place].status == "skipped":
                return _figure(fault, "guard cannot run here", outcome=green[place])
        started = time.monotonic()
        allowed = {place: allowed_seconds(green[place].seconds) for place in places}
        result = self._with_fault(fault, text, allowed)
        if any(outcome.status == "timed out" for outcome in result.outcomes.values()):
            result = self._with_fault(fault, text, {place: self._allowed_alone(place) for place in places})
        return _judged(fault, result).model_copy(update={"seconds": time.monotonic() - started})

    def _with_fault(self, fault: PlantedFault, text: str, allowed: Mapping[str, float]) -> TrialResult:
        with self.shadows.shadow(fault.module, text) as shadow:
            return self.nursery.run(shadow, allowed, module=fault.module)

    def _allowed_alone(self, place: str) -> float:
        """How long a guard may take by what it takes alone: beside others it may find prepared what it needs."""
        with self.shadows.shadow() as shadow:
            alone = self.nursery.run(shadow, {place: FIRST_SECONDS}).outcomes.get(place)
        return allowed_seconds(alone.seconds if alone else FIRST_SECONDS)


def guards_in(project: Path, guards: Iterable[Guard]) -> dict[Guard, list[str]]:
    """The places (`features/x.feature:12`) of the scenarios that are meant by each of `guards`."""
    userdata_of(project)  # Behave takes from its configuration, too, how rows of examples make names
    wanted = list(dict.fromkeys(guards))
    lines: dict[Guard, list[str]] = {guard: [] for guard in wanted}
    for path in dict.fromkeys(guard.feature for guard in wanted):
        features = parsed_features([str(project / path)]) if (project / path).is_file() else []
        for scenario in (scenario for feature in features for scenario in feature.walk_scenarios()):
            guard = Guard(feature=path, scenario=scenario.name)
            if guard in lines:
                lines[guard].append(f"{path}:{scenario.line}")
    return lines


def _judged(fault: PlantedFault, result: TrialResult) -> FaultFigure:
    if not result.loaded:
        return _figure(fault, "does not load", message=result.trouble)
    red = next((outcome for outcome in result.outcomes.values() if outcome.is_red), None)
    if red is None:
        return _figure(fault, "survived", message=result.trouble or "its guard stays green")
    return _figure(fault, "caught by time-out" if red.status == "timed out" else "caught", outcome=red)


def _figure(
    fault: PlantedFault, verdict: Verdict, *, message: str = "", outcome: ScenarioOutcome | None = None
) -> FaultFigure:
    if outcome is not None:
        message = next(iter(outcome.message.splitlines()), "")
    return FaultFigure(
        name=fault.name,
        story=fault.story,
        module=fault.module,
        guard=fault.guard,
        verdict=verdict,
        step=outcome.step if outcome else "",
        message=message,
    )
