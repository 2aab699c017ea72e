"""The phase `tokenize`: records become sequences of tokens, and the length of training becomes known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.data.prepared_folder import STATISTICS_FILE
from foundry.errors import FoundryError
from foundry.files import sha256_of
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.experiment import experiment_of, tokenizing_experiment
from foundry.pipeline.parameters import training_parameters
from foundry.pipeline.phase import HISTORY_FOLDER, SEQUENCES_FOLDER, PhaseOutcome, Pipeline
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE

REPORTED = (
    "vocab_size",
    "documents",
    "bytes",
    "tokens_before_packing",
    "tokens_after_packing",
    "sequences",
    "padding",
    "targets",
    "held_out",
    "near_duplicates",
    "skipped",
)
"""Statistics that the manifest keeps."""


class Tokenize:
    """Commits and files become sequences of one length, divided by time; see `foundry.pipeline.sequences`."""

    name = "tokenize"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """See `Phase.settings`."""
        experiment = tokenizing_experiment(config, Path(), self.name)
        return {
            "tokenize": config.tokenize.model_dump(mode="json"),
            "analyze": config.analyze.model_dump(mode="json"),
            "tokenizer": experiment.tokenizer.model_dump(mode="json", exclude={"output_dir"}),
            "length": [experiment.training.epochs, experiment.training.train_steps],
            "batch": [experiment.data.batch_size, experiment.training.gradient_accumulation_steps],
        }

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """See `Phase.inputs`."""
        found = {}
        for name in (COMMITS_FILE, FILES_FILE):
            path = pipeline.folder / HISTORY_FOLDER / name
            if not path.is_file():
                raise FoundryError(f"{path}: is missing; the phase scrape makes it: run the pipeline from there")
            found[name] = sha256_of(path)
        experiment = tokenizing_experiment(pipeline.config, pipeline.folder, pipeline.folder.name)
        if experiment.tokenizer.name_or_path is not None:
            from foundry.data.sources import digest_of_tokenizer, local_tokenizer

            place = local_tokenizer(experiment)
            found["tokenizer"] = experiment.tokenizer.name_or_path if place is None else digest_of_tokenizer(place)
        return found

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """See `Phase.run`."""
        from foundry.pipeline.sequences import METADATA_FILE, SequencesBuild

        config, started = pipeline.config, time.monotonic()
        experiment = tokenizing_experiment(config, pipeline.folder, pipeline.folder.name)
        build = SequencesBuild(pipeline.folder / HISTORY_FOLDER, config.tokenize, experiment, pipeline.report)
        folder = pipeline.folder / SEQUENCES_FOLDER
        try:
            statistics = build.write(folder)
        except OSError as error:
            raise FoundryError(f"{error.filename or folder}: {error.strerror or error}; tokenizing ended") from error
        parameters = self._parameters(pipeline, statistics)
        seconds = time.monotonic() - started
        names = (STATISTICS_FILE, METADATA_FILE, *sorted(statistics["files"]))
        return PhaseOutcome(
            {**{key: statistics[key] for key in REPORTED}, "parameters": parameters},
            tuple(dict.fromkeys(Path(SEQUENCES_FOLDER) / name for name in names)),
            timings={"tokens_per_second": sum(statistics["tokens_before_packing"].values()) / max(seconds, 1e-9)},
        )

    def _parameters(self, pipeline: Pipeline, statistics: Mapping[str, Any]) -> dict[str, int]:
        asked = experiment_of(pipeline.config, pipeline.folder, pipeline.folder.name)
        said = pipeline.config.experiment.get("training") or {}
        return training_parameters(
            pipeline.config.analyze,
            tokens_per_epoch=statistics["targets"]["training"],
            sequences=statistics["blocks"]["training"],
            batch_size=asked.data.batch_size,
            gradient_accumulation_steps=asked.training.gradient_accumulation_steps,
            epochs=asked.training.epochs if said.get("epochs") is not None else None,
            train_steps=asked.training.train_steps,
        )
