"""Tries random mutants: runs the scenarios that run the changed line until one of them notices."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundry.acceptance.faults.budget import Allowance
from foundry.acceptance.faults.covering import Covering, TimedScenario
from foundry.acceptance.faults.figures import MutantFigure, MutantFigures, MutantVerdict
from foundry.acceptance.faults.mutants import EquivalentMutant, Mutant
from foundry.acceptance.faults.nurseries import Nursery, ScenarioOutcome
from foundry.acceptance.faults.planting import FIRST_SECONDS, allowed_seconds
from foundry.acceptance.faults.shadow import Shadows
from foundry.acceptance.faults.warm_pool import WarmPool


@dataclass
class Mutating:
    """One sample of mutants, or as much of it as there is time for.

    Attributes:
        mutants: in the order in which they are tried.
        equivalent: those that are known to change nothing, which are passed over.
    """

    project: Path
    mutants: Sequence[Mutant]
    covering: Covering
    equivalent: Sequence[EquivalentMutant]
    say: Callable[[MutantFigure], None]
    workers: int = 2
    allowance: Allowance = field(default_factory=Allowance)
    seed: int = 0
    _figures: list[MutantFigure] = field(default_factory=list)
    _alone: dict[str, ScenarioOutcome] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> MutantFigures:
        """Try the mutants and tell each verdict when it is known."""
        waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
        for mutant in self.mutants:
            waiting.put(mutant)

        def work(nursery: Nursery, shadows: Shadows) -> None:
            while not (waiting.empty() or self.allowance.is_over()):
                try:
                    mutant = waiting.get_nowait()
                except queue.Empty:
                    return
                self._note(self._verdict(mutant, nursery, shadows))

        WarmPool(self.project, self.workers, self.covering.scenarios[0].place.partition(":")[0]).run(work)
        return MutantFigures(
            seed=self.seed,
            budget_seconds=self.allowance.seconds,
            seconds=self.allowance.used,
            sampled=len(self.mutants),
            mutants=tuple(sorted(self._figures, key=lambda it: (it.module, it.line, it.mutation))),
        )

    def _note(self, figure: MutantFigure) -> None:
        with self._lock:
            self._figures.append(figure)
            self.say(figure)

    def _verdict(self, mutant: Mutant, nursery: Nursery, shadows: Shadows) -> MutantFigure:
        known = next((it for it in self.equivalent if it.is_meant(mutant)), None)
        if known:
            return _figure(mutant, "equivalent", message=known.reason)
        left = self.covering.for_line(mutant.module, mutant.mutation.line)
        if not left:
            return _figure(mutant, "survived", message="no scenario runs this line")
        text = mutant.mutation.applied((self.project / mutant.module).read_text(encoding="utf-8"))
        allowed = {scenario.place: allowed_seconds(scenario.seconds) for scenario in left}
        num_run = 0
        while left:
            with shadows.shadow(mutant.module, text) as shadow:
                limits = {scenario.place: allowed[scenario.place] for scenario in left}
                result = nursery.run(shadow, limits, module=mutant.module, stop_at_first_red=True)
            if not result.loaded:
                return _figure(mutant, "does not load", message=result.trouble)
            num_run += len(result.outcomes)
            red = next((place for place, outcome in result.outcomes.items() if outcome.is_red), None)
            if red is None:
                break
            alone = self._unchanged(red, nursery, shadows)
            left = _from(left, red)
            if alone.status != "passed":
                left = left[1:]
            elif result.outcomes[red].status == "timed out" and allowed_seconds(alone.seconds) > allowed[red]:
                allowed[red] = allowed_seconds(alone.seconds)
            else:
                return _figure(mutant, "killed", num_run, red, result.outcomes[red])
        return _figure(mutant, "survived", num_run)

    def _unchanged(self, place: str, nursery: Nursery, shadows: Shadows) -> ScenarioOutcome:
        """What a scenario that turned red shows alone in an unchanged copy: only if that is green its red says much."""
        if place not in self._alone:
            with shadows.shadow() as shadow:
                outcomes = nursery.run(shadow, {place: FIRST_SECONDS}).outcomes
            self._alone[place] = outcomes.get(place, ScenarioOutcome("broken"))
        return self._alone[place]


def _from(scenarios: Sequence[TimedScenario], place: str) -> list[TimedScenario]:
    """The scenario at `place`, and those that come after it."""
    places = [scenario.place for scenario in scenarios]
    return list(scenarios[places.index(place) :])


def _figure(
    mutant: Mutant,
    verdict: MutantVerdict,
    scenarios: int = 0,
    killer: str = "",
    outcome: ScenarioOutcome | None = None,
    message: str = "",
) -> MutantFigure:
    if outcome is not None:
        message = next(iter(outcome.message.splitlines()), "")
    return MutantFigure(
        module=mutant.module,
        line=mutant.mutation.line,
        source=mutant.source,
        operator=mutant.mutation.operator,
        mutation=str(mutant.mutation),
        verdict=verdict,
        scenarios=scenarios,
        killer=killer,
        message=message,
    )
