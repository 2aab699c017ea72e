"""The runs of one scenario: an experiment, its launches, and what is on disk after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry import files, manifests
from foundry.artifacts.store import ArtifactStore
from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.testing.experiments import small_experiment
from foundry.trainer import Trainer, TrainingReport
from foundry.training.events import Event
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics

ELSEWHERE = {"training.output_dir": "elsewhere/runs", "artifacts.path": "elsewhere/artifacts"}
RISING_LOSS = {
    "data.source_corpus": None,
    "data.training_corpus": "corpus",
    "data.test_corpus": "noise",
}
EARLY_STOPPING = {
    **RISING_LOSS,
    "training.train_steps": 40,
    "training.evaluation_interval": 2,
    "training.early_stopping_patience": 3,
    "training.checkpoint_schedule": [5],
}


@dataclass
class Runs:
    """The experiment of the scenario, and what its launches have done."""

    settings: dict[str, Any] = field(default_factory=dict)
    store: ArtifactStore | None = None
    events: list[Event] = field(default_factory=list)
    folder: Path = Path()
    report: TrainingReport | None = None
    reference: TrainingReport | None = None
    error: FoundryError | None = None
    exit_code: int | None = None
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    other_folder: Path = Path()

    def config(self, **changes: Any) -> ExperimentConfig:
        return small_experiment({**self.settings, **changes})

    def launch(self) -> None:
        """Launch in this process; a refusal or a failure is kept as `error`."""
        self.before = contents_of(Path("runs"), Path("artifacts"))
        self.report, self.error = None, None
        try:
            trainer = Trainer(self.config(), store=self.store, on_event=self.events.append)
            self.folder = trainer.run_folder
            self.report = trainer.train()
        except FoundryError as error:
            self.error = error

    @property
    def finished(self) -> TrainingReport:
        assert self.report is not None, f"the launch failed: {self.error}"
        return self.report

    @property
    def uninterrupted(self) -> TrainingReport:
        assert self.reference is not None, "the scenario has no reference run"
        return self.reference

    @property
    def record(self) -> RunRecord:
        return RunRecord.read(self.folder)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return read_metrics(self.folder / "metrics.jsonl")


def contents_of(*folders: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of change of every file below the folders."""
    return {
        str(path): (files.sha256_of(path), path.stat().st_mtime_ns)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def checkpointed(folder: Path) -> list[int]:
    """The steps of the whole checkpoints of a run."""
    found = manifests.checkpoint_folders(folder / "checkpoints")
    return [manifests.verify(path, ("model.safetensors", "optimizer.safetensors", "state.json")).step for path in found]


def best_step(runs: Runs) -> int:
    """The step of the lowest validation loss in the metrics, ties to the earlier."""
    evaluated = [row for row in runs.metrics if "validation_loss" in row]
    return int(min(evaluated, key=lambda row: (row["validation_loss"], row["step"]))["step"])


def validation_losses(runs: Runs) -> list[float]:
    return [row["validation_loss"] for row in runs.metrics if "validation_loss" in row]
