"""Reading the file of a pipeline, with messages that a person can act on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundry.config_file import (
    OVERRIDE_ORIGIN,
    apply_overrides,
    file_json_schema,
    load_mapping,
    validated,
)
from foundry.data.languages import suffixes_of
from foundry.errors import UserError
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.experiment import experiment_of

EXPERIMENT = "experiment"
BEGINNING = "a pipeline begins like `pipeline_name: my-repository`"
UNNAMED = "pipeline"
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
    problems = []
    try:
        config: PipelineConfig | None = validated(PipelineConfig, {}, content, origin, overridden)
    except UserError as error:
        problems = str(error).splitlines()
        config = PipelineConfig(experiment=content[EXPERIMENT]) if isinstance(content[EXPERIMENT], dict) else None
    if config is not None:
        places = [".".join(place) for place in overridden]
        mistakes = [*_mistakes_of_languages(config, origin), *_mistakes_of_experiment(config, origin)]
        problems += [_placed(mistake, origin, places) for mistake in mistakes]
    if config is None or problems:
        raise UserError("\n".join(problems))
    return config


def _mapping_of(path: Path) -> dict[str, Any]:
    content = load_mapping(path, BEGINNING)
    for key, kind, verb in (("sweep_name", "a sweep", "sweep"), ("experiment_name", "an experiment", "train")):
        if key in content:
            raise UserError(f"{path}: describes {kind}, not a pipeline; `foundry {verb} {path}` carries it out")
    return content


def _mistakes_of_experiment(config: PipelineConfig, origin: str) -> list[str]:
    """All that is wrong with the experiment, one mistake a line, found before any phase begins."""
    try:
        experiment_of(config, Path(), config.pipeline_name or UNNAMED, origin=origin)
    except UserError as error:
        return str(error).splitlines()
    return []


def _mistakes_of_languages(config: PipelineConfig, origin: str) -> list[str]:
    """The first language that is not known."""
    try:
        suffixes_of(config.scrape.languages, "scrape.languages")
    except UserError as error:
        return [f"{origin}: {error}"]
    return []


def _placed(line: str, origin: str, overridden: Sequence[str]) -> str:
    """The line of a mistake; one that an override has brought in says so."""
    mistake = line.removeprefix(f"{origin}: ")
    is_override = any(mistake.startswith((f"{place}:", f"{place}.")) for place in overridden)
    return f"{OVERRIDE_ORIGIN if is_override else origin}: {mistake}"


def length_settings(config: PipelineConfig) -> dict[str, int | None]:
    """What the experiment says of batches and of its length; None where its length is left to be computed."""
    experiment = experiment_of(config, Path(), config.pipeline_name or UNNAMED)
    asked = config.experiment.get("training") or {}
    return {
        "batch_size": experiment.data.batch_size,
        "gradient_accumulation_steps": experiment.training.gradient_accumulation_steps,
        "epochs": experiment.training.epochs if asked.get("epochs") is not None else None,
        "train_steps": experiment.training.train_steps,
    }


def pipeline_json_schema() -> dict[str, Any]:
    """The JSON Schema of a pipeline's file; rules over several keys are the loader's alone."""
    return file_json_schema(PipelineConfig)
