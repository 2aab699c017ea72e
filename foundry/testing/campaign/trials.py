"""One trial: a run is killed, launched again to its end, and compared with one that was left alone."""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from foundry.testing.campaign.cases import CASES
from foundry.testing.campaign.references import Reference, References, run_folder
from foundry.testing.comparison import first_difference, first_name_difference, half_written
from foundry.testing.kill_points import AFTER, KillPoint, Launch, run_and_kill, run_to_end

MOST_ATTEMPTS = 5
LONGEST_DELAY = 0.003
"""Seconds between an operation and the kill that it brings about."""
SHARE_BY_TIME, SHARE_AT_ONCE, SHARE_KILLED_TWICE = 0.4, 0.5, 0.25

Meddle = Callable[[Path], None]


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
        references: the runs that were left alone; None makes them in `folder`.
        meddle: is given the workspace between the kill and the relaunch; to see that a campaign notices.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        cases: tuple[str, ...] = tuple(CASES),
        references: References | None = None,
        meddle: Meddle | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.seed = seed
        self.cases = cases
        self.meddle = meddle
        self.references = references or References(self.folder / "references")

    def trial(self, number: int) -> Trial:
        """Kill a run, launch it again, compare; always the same for the same seed, number and cases."""
        case = self.cases[(number - 1) % len(self.cases)]
        reference = self.references.of(case)
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
            tuple(_words(point, reference) for point in points),
            tuple(launch.phase for launch in launches),
            difference,
            time.monotonic() - started,
        )

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
    phase = _chosen(draw, {point.phase for point in reference.points})
    keys = {f"{point.operation} {point.path} {point.occurrence}": point for point in reference.points}
    point = keys[_chosen(draw, {key for key, point in keys.items() if point.phase == phase})]
    return point if draw.random() < SHARE_AT_ONCE else point.later(draw.uniform(0, LONGEST_DELAY))


def _chosen(draw: random.Random, names: Set[str]) -> str:
    """One of the names, at random. Another reference of several threads may lack a few: the choice is then the same
    unless it is one of them (rendezvous hashing, Thaler and Ravishankar 1998).
    """
    salt = draw.random()
    return min(names, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).digest())


def _words(point: KillPoint, reference: Reference) -> str:
    """A kill as it is shown, the same on a slower machine."""
    return f"{point.delay / reference.seconds:.1%} of the time" if point.operation == AFTER else str(point)


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
    return difference or first_name_difference(reference.workspace, workspace)
