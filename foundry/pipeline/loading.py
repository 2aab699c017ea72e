"""Reading the file of a pipeline, with messages that a person can act on."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.config_file import (
    OVERRIDE_ORIGIN,
    SMALLEST_EXPERIMENT,
    apply_overrides,
    file_json_schema,
    load_mapping,
    validated,
)
from foundry.errors import UserError
from foundry.pipeline.config import PipelineConfig

EXPERIMENT = "experiment"
DEFAULT_ORIGIN = "the shipped pipeline"
SECTIONS = ("pipeline_name", "analyze", "scrape", "redact", "tokenize", "embed", "experiment", "evaluate")
DEFAULT_EXPERIMENT: dict[str, Any] = {
    "data": {"batch_size": 8, "max_validation_blocks": 128},
    "tokenizer": {"vocab_size": 4096},
    "model": {"layers": 4, "hidden_size": 256, "attention_heads": 4, "key_value_heads": 2},
    "training": {"learning_rate": 2e-3},
}
"""Trained by a pipeline that names no experiment: a decoder that two cores train in some minutes."""
DEFAULT_PIPELINE: dict[str, Any] = {"analyze": {"max_steps": 150}, EXPERIMENT: DEFAULT_EXPERIMENT}
"""The pipeline of those who name no file; `configs/pipeline.yaml` shows it."""


def load_pipeline(path: Path | None, overrides: Sequence[str] = ()) -> PipelineConfig:
    """The pipeline that `path` describes; without a path the shipped one.

    An experiment that is not given is the shipped one, see `DEFAULT_EXPERIMENT`; one that is given stands alone.

    Args:
        overrides: `tokenize.overlap=16`, each replaces one key; the value is read as YAML.

    Raises:
        UserError: all that is wrong with the file and the overrides, one mistake a line.
    """
    content = copy.deepcopy(DEFAULT_PIPELINE) if path is None else _mapping_of(path)
    content.setdefault(EXPERIMENT, copy.deepcopy(DEFAULT_EXPERIMENT))
    overridden = apply_overrides(content, overrides)
    origin = DEFAULT_ORIGIN if path is None else str(path)
    config = validated(PipelineConfig, {}, content, origin, overridden)
    _require_valid_experiment(config, origin, overridden)
    return config


def _mapping_of(path: Path) -> dict[str, Any]:
    content = load_mapping(path, "a pipeline begins like `pipeline_name: my-repository`")
    for key, kind, verb in (("sweep_name", "a sweep", "sweep"), ("experiment_name", "an experiment", "train")):
        if key in content:
            raise UserError(f"{path}: describes {kind}, not a pipeline; `foundry {verb} {path}` carries it out")
    return content


def _require_valid_experiment(config: PipelineConfig, origin: str, overridden: Sequence[tuple[str, ...]]) -> None:
    """Check the experiment before any phase begins.

    Raises:
        UserError: all that is wrong with it, one mistake a line.
    """
    below = [place[1:] for place in overridden if place[0] == EXPERIMENT and len(place) > 1]
    try:
        validated(ExperimentConfig, SMALLEST_EXPERIMENT, _as_experiment(config), EXPERIMENT, below)
    except UserError as error:
        raise UserError("\n".join(_placed(line, origin) for line in str(error).splitlines())) from None


def length_settings(config: PipelineConfig) -> dict[str, int | None]:
    """What the experiment says of batches and of its length; None where its length is left to be computed."""
    checked = ExperimentConfig.model_validate(_as_experiment(config))
    asked = config.experiment.get("training", {})
    return {
        "batch_size": checked.data.batch_size,
        "gradient_accumulation_steps": checked.training.gradient_accumulation_steps,
        "epochs": checked.training.epochs if asked.get("epochs") is not None else None,
        "train_steps": checked.training.train_steps if asked.get("train_steps") is not None else None,
    }


def _as_experiment(config: PipelineConfig) -> dict[str, Any]:
    """The experiment with stand-ins for what the pipeline itself puts into it."""
    data, training = (config.experiment.get(name, {}) for name in ("data", "training"))
    content = {**config.experiment, "experiment_name": "pipeline"}
    if isinstance(data, dict):
        content["data"] = {"source_corpus": "-", **data}
    if isinstance(training, dict) and not training.keys() & {"epochs", "train_steps"}:
        content["training"] = {"epochs": 1, **training}
    return content


def _placed(line: str, origin: str) -> str:
    """`experiment: training.epochs: …` becomes `FILE: experiment.training.epochs: …`."""
    where, _, mistake = line.partition(": ")
    return f"{where if where == OVERRIDE_ORIGIN else origin}: {EXPERIMENT}.{mistake}"


def names_pipeline(content: Mapping[str, Any]) -> bool:
    """Whether a file with these keys describes a pipeline."""
    others = ("experiment_name", "sweep_name")
    return any(key in content for key in SECTIONS) and not any(key in content for key in others)


def pipeline_json_schema() -> dict[str, Any]:
    """The JSON Schema of a pipeline's file; rules over several keys are the loader's alone."""
    return file_json_schema(PipelineConfig)
