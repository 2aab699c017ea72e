"""The phase `train`: the one trainer, on the sequences of the pipeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.data.prepared_folder import STATISTICS_FILE
from foundry.data.progress import Progress
from foundry.errors import FoundryError
from foundry.files import sha256_of
from foundry.manifests import WEIGHTS_NAME
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.experiment import experiment_of
from foundry.pipeline.phase import (
    ARTIFACTS_FOLDER,
    RUNS_FOLDER,
    SEQUENCES_FOLDER,
    PhaseOutcome,
    Pipeline,
)
from foundry.trainer import Trainer
from foundry.training.events import Evaluated, Event, Message, StepDone
from foundry.training.lifecycle import CONFIG_NAME, DATA_NAME, RunRecord

SECONDS_BETWEEN_STEPS = 10.0
"""A line about a step is shown not more often."""


class Train:
    """Trains the experiment of the pipeline, or goes on with its run; see `foundry.trainer`."""

    name = "train"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """See `Phase.settings`."""
        return {"experiment": config.experiment, "analyze": config.analyze.model_dump(mode="json")}

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """See `Phase.inputs`."""
        path = pipeline.folder / SEQUENCES_FOLDER / STATISTICS_FILE
        if not path.is_file():
            raise FoundryError(f"{path}: is missing; the phase tokenize makes it: run the pipeline from there")
        found = {SEQUENCES_FOLDER: sha256_of(path)}
        experiment = experiment_of(pipeline.config, pipeline.folder, pipeline.folder.name)
        if experiment.model.pretrained is not None:
            from foundry.models.pretrained import locate

            found["model"] = locate(experiment.model).digest()
        return found

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """See `Phase.run`."""
        started = time.monotonic()
        parameters = pipeline.results["tokenize"]["parameters"]
        experiment = experiment_of(pipeline.config, pipeline.folder, pipeline.folder.name, parameters)
        report = Trainer(experiment, on_event=_Told(pipeline)).train()
        seconds = max(time.monotonic() - started, 1e-9)
        tokens = report.steps_made * experiment.global_batch_size * experiment.data.max_sequence_length
        return PhaseOutcome(
            _results(report.record),
            _outputs(pipeline.folder, report.run_folder, report.record),
            partial=None if report.record.published else "the model is not published yet: `foundry publish` does that",
            timings={"tokens_per_second": tokens / seconds} if report.steps_made else {},
        )


class _Told:
    """Passes on what a run tells, as lines for the user of a pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._progress = Progress(pipeline.report)
        self._validation = ""
        self._last_step = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            self._validation = f", validation loss {event.validation_loss:.3f} at step {event.step}"
        if isinstance(event, StepDone) and time.monotonic() - self._last_step >= SECONDS_BETWEEN_STEPS:
            self._last_step = time.monotonic()
            self._progress.update(
                f"training: step {event.step:,} of {event.total_steps:,}, loss {event.loss:.3f}{self._validation}, "
                f"{event.tokens_per_second:,.0f} tokens/s"
            )
        if isinstance(event, Message):
            self._progress.note(event.text)


def _results(record: RunRecord) -> dict[str, Any]:
    published = record.published
    return {
        "run": record.run_id,
        "steps": record.steps_done,
        "best_step": record.best_step,
        "best_validation_loss": record.best_validation_loss,
        "data": record.data_digest,
        "vocabulary": record.vocabulary_size,
        "store": None if published is None else published.store,
        "published_step": None if published is None else published.step,
        "weights": None if published is None else published.digests.get(WEIGHTS_NAME),
    }


def _outputs(folder: Path, run_folder: Path, record: RunRecord) -> tuple[Path, ...]:
    """Files that are the same whenever the same run is made."""
    found = [Path(RUNS_FOLDER) / run_folder.name / name for name in (CONFIG_NAME, DATA_NAME)]
    weights = Path(ARTIFACTS_FOLDER) / record.run_id / WEIGHTS_NAME
    return (*found, weights) if (folder / weights).is_file() else tuple(found)
