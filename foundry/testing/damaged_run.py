"""A killed run that has been damaged, and what came of launching it again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from foundry.testing.confinement import Confined, run_confined
from foundry.testing.damage import damage
from foundry.testing.killed_runs import EXPERIMENT_FILE, KilledRun, copy_of_killed_run
from foundry.testing.snapshots import contents_below


@dataclass
class DamagedRun:
    """The state of a scenario about damage.

    Attributes:
        damaged: what stood in each damaged checkpoint folder before the launch, by its step.
        launch: the last launch.
    """

    run: KilledRun = field(default_factory=copy_of_killed_run)
    damaged: dict[int, dict[str, str]] = field(default_factory=dict)
    launch: Confined | None = None

    @property
    def launched(self) -> Confined:
        """The last launch, which must have been made."""
        assert self.launch is not None, "the run was not launched again"
        return self.launch

    def suffer(self, step: int, what: str) -> None:
        """Damage one checkpoint."""
        damage(self.run.checkpoint(step), what)
        self.note_damage(step)

    def note_damage(self, step: int) -> None:
        """Keep what stands in the folder of a damaged checkpoint."""
        self.damaged[step] = contents_below(self.run.checkpoint(step))

    def launch_again(self) -> None:
        """Launch the run with little memory and time."""
        self.launch = run_confined(["train", str(EXPERIMENT_FILE)])

    def told_of(self, step: int) -> list[str]:
        """The lines on standard error that say that the checkpoint after `step` was set aside."""
        return [line for line in self.launched.stderr.splitlines() if f"step-{step:08d} is damaged" in line]

    def set_aside(self) -> dict[int, dict[str, str]]:
        """What was set aside, by the step in its name."""
        folders = (self.run.folder / "checkpoints").glob("damaged-*")
        return {int(re.findall(r"step-(\d+)", path.name)[0]): contents_below(path) for path in folders}
