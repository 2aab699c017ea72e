"""One trial: a run is killed, launched again to its end, and compared with one that was left alone."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.testing.campaign.cases import CASES, Corpora
from foundry.testing.comparison import first_difference, half_written
from foundry.testing.kill_points import KillPoint, Launch, kill_points, run_and_kill, run_to_end

MOST_ATTEMPTS = 5
LONGEST_DELAY = 0.003
"""Seconds between an operation and the kill that it brings about."""
SHARE_BY_TIME, SHARE_AT_ONCE, SHARE_KILLED_TWICE = 0.4, 0.5, 0.25

Meddle = Callable[[Path], None]


@dataclass(frozen=True)
class Reference:
    """A run that was left alone.

    Attributes:
        workspace: where it ran.
        points: the instants at which it could have been killed.
        seconds: how long it took.
    """

    config: ExperimentConfig
    workspace: Path
    points: tuple[KillPoint, ...]
    seconds: float

    @property
    def run_folder(self) -> Path:
        """Its run folder."""
        return run_folder(self.workspace)


@dataclass(frozen=True)
class Trial:
    """What became of one trial.

    Attributes:
        number: repeats it, together with the campaign's seed.
        kills: where the run was killed, in words; more than one where the relaunch was killed, too.
        phases: what the run was busy with at each kill.
        difference: the first difference from the reference; None where the run is identical.
        seconds: kills, relaunch and comparison.
    """

    number: int
    case: str
    kills: tuple[str, ...]
    phases: tuple[str, ...]
    difference: str | None
    seconds: float


class Campaign:
    """Trials on the experiments of `cases`, in a folder of their own.

    Args:
        folder: an empty folder. The workspaces of trials that end identical are removed.
        seed: draws all instants, together with the number of the trial.
        cases: names of `CASES`, which the trials take in turn.
        meddle: is given the workspace between the kill and the relaunch; to see that a campaign notices.
    """

    def __init__(
        self, folder: Path, seed: int, cases: tuple[str, ...] = tuple(CASES), meddle: Meddle | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.seed = seed
        self.cases = cases
        self.meddle = meddle
        self.corpora = Corpora(self.folder / "shared")
        self.corpora.write()
        self._references: dict[str, Reference] = {}

    def trials(self, numbers: Iterator[int]) -> Iterator[Trial]:
        """Make the trials with these numbers, counted from 1."""
        for number in numbers:
            yield self.trial(number)

    def trial(self, number: int) -> Trial:
        """Kill a run, launch it again, compare; always the same for the same seed, number and cases."""
        case = self.cases[(number - 1) % len(self.cases)]
        reference = self._reference(case)
        started = time.monotonic()
        draw = random.Random(f"{self.seed}/{number}")
        workspace = self.folder / f"trial-{number}"
        points, launches = self._kill(draw, reference, workspace)
        if self.meddle is not None:
            self.meddle(workspace)
        difference = _difference_after_relaunch(reference, workspace)
        if difference is None:
            shutil.rmtree(workspace)
        return Trial(
            number,
            case,
            tuple(str(point) for point in points),
            tuple(launch.phase for launch in launches),
            difference,
            time.monotonic() - started,
        )

    def _reference(self, case: str) -> Reference:
        """The run of a case that is left alone: trained once for its data and its time, once more to be watched."""
        if case not in self._references:
            config = self.corpora.experiment(case)
            warm_up, workspace = self.folder / f"{case}-warm-up", self.folder / f"{case}-reference"
            launch = run_to_end(config, warm_up)
            shutil.rmtree(warm_up)
            points = kill_points(config, workspace)
            ordered = sorted(points, key=lambda point: (point.phase, point.operation, point.path, point.occurrence))
            self._references[case] = Reference(config, workspace, tuple(ordered), launch.seconds)
        return self._references[case]

    def _kill(self, draw: random.Random, reference: Reference, workspace: Path) -> tuple[list[KillPoint], list[Launch]]:
        """Launch until a kill has hit, then perhaps kill the relaunch, too."""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            point = _drawn(draw, reference, 1.0 / attempt)
            launch = run_and_kill(reference.config, point, workspace)
            if launch.was_killed:
                break
            shutil.rmtree(workspace)
        else:
            raise RuntimeError(f"{reference.config.experiment_name}: {MOST_ATTEMPTS} kills came too late")
        points, launches = [point], [launch]
        if draw.random() < SHARE_KILLED_TWICE:
            again = KillPoint.after(draw.random() * reference.seconds)
            relaunch = run_and_kill(reference.config, again, workspace)
            if relaunch.was_killed:
                points.append(again)
                launches.append(relaunch)
        return points, launches


def _drawn(draw: random.Random, reference: Reference, share: float) -> KillPoint:
    """A random instant: somewhere in the first `share` of the time, or at an operation of a random phase."""
    if draw.random() < SHARE_BY_TIME:
        return KillPoint.after(draw.random() * share * reference.seconds)
    phase = draw.choice(sorted({point.phase for point in reference.points}))
    point = draw.choice([point for point in reference.points if point.phase == phase])
    return point if draw.random() < SHARE_AT_ONCE else point.later(draw.uniform(0, LONGEST_DELAY))


def _difference_after_relaunch(reference: Reference, workspace: Path) -> str | None:
    """Launch again to the end; how the run then differs from the reference."""
    try:
        run_to_end(reference.config, workspace)
    except RuntimeError as error:
        return f"the relaunch failed: {error}"
    left = half_written(workspace)
    if left:
        return f"half-written: {left[0].relative_to(workspace)}"
    difference = first_difference(reference.run_folder, run_folder(workspace))
    return difference or _difference_of_names(reference.workspace, workspace)


def _difference_of_names(first: Path, second: Path) -> str | None:
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (first, second)]
    different = sorted(names[0] ^ names[1])
    return f"{different[0]} is in one of them only" if different else None


def run_folder(workspace: Path) -> Path:
    """The only run in a workspace."""
    (record,) = (workspace / "runs").glob("*/run.json")
    return record.parent
