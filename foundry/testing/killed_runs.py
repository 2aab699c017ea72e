"""A run that was killed after several checkpoints: made once a process, then copied for each scenario that hurts it."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.config_file import to_yaml
from foundry.testing.damage import change_manifest, forge_digests
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.faults import launch_and_signal
from foundry.trainer import Trainer

EXPERIMENT_FILE = Path("small.yaml")
TOTAL_STEPS = 12
KILLED_AT = "step 11"
CHECKPOINTED = (5, 8, 9, 10)
_SETTINGS = {
    "model.dropout": 0.2,
    "training.evaluation_interval": 5,
    "training.checkpoint_schedule": list(CHECKPOINTED),
    "training.keep_checkpoints": None,
    "data.max_validation_blocks": 2,
}


@dataclass(frozen=True)
class KilledRun:
    """A copy of the killed run, below the current folder.

    Attributes:
        folder: the run folder.
        reference: that of the same experiment, trained without interruption.
    """

    folder: Path
    reference: Path

    def checkpoint(self, step: int) -> Path:
        """The folder of the checkpoint after `step`."""
        return manifests.checkpoint_folder(self.folder / "checkpoints", step)

    def make_newer_checkpoints(self, count: int) -> list[Path]:
        """Whole checkpoints after the newest one: copies of it, as they would be by then."""
        newest = self.steps[-1]
        return [self._copy(newest, newest + number) for number in range(1, count + 1)]

    def _copy(self, source: int, step: int) -> Path:
        folder = shutil.copytree(self.checkpoint(source), self.checkpoint(step))
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        (folder / "state.json").write_text(json.dumps(state | {"step": step}), encoding="utf-8")
        forge_digests(folder)
        change_manifest(folder, lambda content: content.update(step=step))
        return folder

    @property
    def steps(self) -> list[int]:
        """Those that have a checkpoint folder, whole or not, oldest first."""
        return [int(path.name[len("step-") :]) for path in manifests.checkpoint_folders(self.folder / "checkpoints")]


def copy_of_killed_run() -> KilledRun:
    """Put a run that was killed in its step 11 of 12 into the current folder, with the experiment in `small.yaml`."""
    template = _template()
    shutil.copytree(template.name, Path(), symlinks=True, dirs_exist_ok=True)
    [folder] = [path.parent for path in Path("runs").glob("*/run.json")]
    return KilledRun(folder, Path("elsewhere") / folder)


@functools.cache
def _template() -> tempfile.TemporaryDirectory[str]:
    template = tempfile.TemporaryDirectory(prefix="killed-run-")
    with contextlib.chdir(template.name):
        write_code_corpus(Path("corpus"))
        config = small_experiment(_SETTINGS)
        EXPERIMENT_FILE.write_text(to_yaml(config), encoding="utf-8")
        Trainer(_elsewhere()).train()
        exit_code = launch_and_signal(config, KILLED_AT, signal.SIGKILL)
        assert exit_code == -signal.SIGKILL, exit_code
    return template


def _elsewhere() -> ExperimentConfig:
    return small_experiment(
        {**_SETTINGS, "training.output_dir": "elsewhere/runs", "artifacts.path": "elsewhere/artifacts"}
    )
