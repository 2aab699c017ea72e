"""Reading the file of a pipeline, with messages that a person can act on."""

from __future__ import annotations

import contextlib
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
    names_pipeline,
    validated,
)
from foundry.errors import UserError
from foundry.pipeline.config import PipelineConfig

EXPERIMENT = "experiment"
BEGINNING = "a pipeline begins like `pipeline_name: my-repository`"
DEFAULT_ORIGIN = "the shipped pipeline"
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
    problems = _mistakes_of_experiment(content[EXPERIMENT], origin, overridden)
    try:
        config = validated(PipelineConfig, {}, content, origin, overridden)
    except UserError as error:
        problems = [*str(error).splitlines(), *problems]
    if problems:
        raise UserError("\n".join(problems))
    return config


def _mapping_of(path: Path) -> dict[str, Any]:
    content = load_mapping(path, BEGINNING)
    for key, kind, verb in (("sweep_name", "a sweep", "sweep"), ("experiment_name", "an experiment", "train")):
        if key in content:
            raise UserError(f"{path}: describes {kind}, not a pipeline; `foundry {verb} {path}` carries it out")
    return content


def _mistakes_of_experiment(experiment: object, origin: str, overridden: Sequence[tuple[str, ...]]) -> list[str]:
    """All that is wrong with the experiment, one mistake a line, found before any phase begins."""
    if not isinstance(experiment, dict):
        return []  # the schema of the pipeline says so
    below = [place[1:] for place in overridden if place[0] == EXPERIMENT and len(place) > 1]
    try:
        validated(ExperimentConfig, SMALLEST_EXPERIMENT, _as_experiment(experiment), EXPERIMENT, below)
    except UserError as error:
        return [_placed(line, origin) for line in str(error).splitlines()]
    return []


def length_settings(config: PipelineConfig) -> dict[str, int | None]:
    """What the experiment says of batches and of its length; None where its length is left to be computed."""
    checked = ExperimentConfig.model_validate(_as_experiment(config.experiment))
    asked = config.experiment.get("training", {})
    return {
        "batch_size": checked.data.batch_size,
        "gradient_accumulation_steps": checked.training.gradient_accumulation_steps,
        "epochs": checked.training.epochs if asked.get("epochs") is not None else None,
        "train_steps": checked.training.train_steps if asked.get("train_steps") is not None else None,
    }


def _as_experiment(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The experiment with stand-ins for what the pipeline itself puts into it."""
    data, training = (experiment.get(name, {}) for name in ("data", "training"))
    content = {**experiment, "experiment_name": "pipeline"}
    if isinstance(data, dict):
        content["data"] = {"source_corpus": "-", **data}
    if isinstance(training, dict) and not training.keys() & {"epochs", "train_steps"}:
        content["training"] = {"epochs": 1, **training}
    return content


def _placed(line: str, origin: str) -> str:
    """`experiment: training.epochs: …` becomes `FILE: experiment.training.epochs: …`."""
    where, _, mistake = line.partition(": ")
    return f"{where if where == OVERRIDE_ORIGIN else origin}: {EXPERIMENT}.{mistake}"


def is_pipeline(path: Path) -> bool:
    """Whether a YAML file describes a pipeline; what cannot be read, or only once, does not."""
    with contextlib.suppress(UserError):
        return path.is_file() and names_pipeline(load_mapping(path, BEGINNING))
    return False


def pipeline_json_schema() -> dict[str, Any]:
    """The JSON Schema of a pipeline's file; rules over several keys are the loader's alone."""
    return file_json_schema(PipelineConfig)
