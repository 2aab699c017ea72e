"""Times the scenarios of a project where no acceptance run has done so."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Mapping
from pathlib import Path

from foundry.acceptance.faults.covering import Covering, TimedScenario
from foundry.acceptance.faults.nurseries import Nursery
from foundry.acceptance.faults.planting import FIRST_SECONDS
from foundry.acceptance.faults.shadow import Shadows
from foundry.acceptance.faults.warm_pool import WarmPool
from foundry.acceptance.selection import SelectedFeature


def timed(project: Path, selected: list[SelectedFeature], workers: int) -> Covering:
    """Run scenarios in copies of the project; those that are green there can notice mutants."""
    waiting: queue.SimpleQueue[Mapping[str, float]] = queue.SimpleQueue()
    for item in selected:
        path = Path(item.feature.filename).absolute().relative_to(project)
        waiting.put({f"{path}:{scenario.line}": FIRST_SECONDS for scenario in item.scenarios})
    green: list[TimedScenario] = []

    def work(nursery: Nursery, shadows: Shadows) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                with shadows.shadow() as shadow:
                    outcomes = nursery.run(shadow, waiting.get_nowait()).outcomes
                shown = [
                    TimedScenario(place, place, it.seconds) for place, it in outcomes.items() if it.status == "passed"
                ]
                green.extend(shown)

    WarmPool(project, workers, str(Path(selected[0].feature.filename))).run(work)
    return Covering(tuple(green))
