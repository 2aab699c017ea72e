"""The experiment of a pipeline: what its section `experiment` says, and what the pipeline decides.

Imports nothing heavy, so that a mistake in the section is found before any phase runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping
from foundry.errors import UserError
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import ARTIFACTS_FOLDER, HISTORY_FOLDER, RUNS_FOLDER, SEQUENCES_FOLDER

SECTION = "experiment"
DECIDED = {
    "experiment_name": "pipeline_name",
    "data.git": "the repository that the pipeline is given",
    "data.source_corpus": "the repository that the pipeline is given",
    "data.training_corpus": "the repository that the pipeline is given",
    "data.test_corpus": "the repository that the pipeline is given",
    "data.prepared": "the repository that the pipeline is given",
    "data.format": "the repository that the pipeline is given",
    "data.text_field": "the repository that the pipeline is given",
    "data.max_sequence_length": "tokenize.sequence_length",
    "data.validation_fraction": "tokenize.validation_fraction",
    "training.output_dir": "output_dir",
    "artifacts.path": "output_dir",
}
"""Keys of an experiment that have no place in the section, and what decides them."""


def experiment_of(
    config: PipelineConfig,
    folder: Path,
    name: str,
    parameters: Mapping[str, int] | None = None,
    origin: str = "pipeline",
) -> ExperimentConfig:
    """The experiment that is trained on the sequences of a pipeline.

    Args:
        folder: of the pipeline.
        name: of the pipeline.
        parameters: how long it is trained, see `foundry.pipeline.parameters`; None stands for what is not known yet,
            and the experiment serves to find mistakes.
        origin: stands before each mistake in the message, such as the pipeline's file.

    Raises:
        UserError: all that is wrong with the section, one mistake a line.
    """
    asked = tokenizing_experiment(config, folder, name, origin)
    content = _content(config, folder, name)
    content.pop("tokenizer", None)
    if asked.tokenizer.output_dir is not None and asked.model.pretrained is None:
        content["tokenizer"] = {"output_dir": str(asked.tokenizer.output_dir)}
    content["data"]["prepared"] = str(folder / SEQUENCES_FOLDER)
    training = content["training"]
    if parameters is not None and not _says(config.experiment.get("training"), "epochs", "train_steps"):
        del training["epochs"]
        training["train_steps"] = parameters["total_steps"]
    if parameters is not None and not _says(config.experiment.get("training"), "warmup_steps", "warmup_ratio"):
        training["warmup_steps"] = parameters["warmup_steps"]
    return _validated(content, origin)


def tokenizing_experiment(
    config: PipelineConfig, folder: Path, name: str, origin: str = "pipeline"
) -> ExperimentConfig:
    """The experiment as the tokenizer is made by: it names the records, and the section `tokenizer` is the user's.

    Raises:
        UserError: see `experiment_of`.
    """
    _refuse_decided(config.experiment, origin)
    content = _content(config, folder, name)
    content["data"]["source_corpus"] = str(folder / HISTORY_FOLDER)
    return _validated(content, origin)


def _content(config: PipelineConfig, folder: Path, name: str) -> dict[str, Any]:
    """The section with what the pipeline decides, but without a source, and with a length that is to be replaced."""
    content = {key: dict(value) if isinstance(value, dict) else value for key, value in config.experiment.items()}
    decided: dict[str, dict[str, Any]] = {
        "data": {
            "max_sequence_length": config.tokenize.sequence_length,
            "validation_fraction": config.tokenize.validation_fraction,
        },
        "training": {"output_dir": str(folder / RUNS_FOLDER)},
        "artifacts": {"path": str(folder / ARTIFACTS_FOLDER)},
    }
    if not _says(content.get("training"), "epochs", "train_steps"):
        decided["training"]["epochs"] = config.analyze.max_epochs
    for section, values in decided.items():
        content[section] = {**(content.get(section) or {}), **values}
    return {"experiment_name": name, **content}


def _says(section: object, *keys: str) -> bool:
    """Whether a section gives one of the keys a value."""
    return isinstance(section, dict) and any(section.get(key) is not None for key in keys)


def _refuse_decided(section: Mapping[str, Any], origin: str) -> None:
    problems = []
    for dotted, decides in DECIDED.items():
        first, _, rest = dotted.partition(".")
        found = section.get(first)
        if first in section and (not rest or (isinstance(found, dict) and rest in found)):
            problems.append(f"{origin}: {SECTION}.{dotted}: is decided by {decides}; remove it")
    problems += [
        f"{origin}: {SECTION}.{name}: must be a section with keys"
        for name in ("data", "training", "artifacts")
        if section.get(name) is not None and not isinstance(section[name], dict)
    ]
    if problems:
        raise UserError("\n".join(problems))


def _validated(content: Mapping[str, Any], origin: str) -> ExperimentConfig:
    try:
        return experiment_from_mapping(content, SECTION)
    except UserError as error:
        lines = [line.replace(f"{SECTION}: ", f"{SECTION}.", 1) for line in str(error).split("\n")]
        text = "\n".join(f"{origin}: {line}" for line in lines)
        text = text.replace(" or name data.test_corpus", "")
        raise UserError(text.replace("data.validation_fraction", "tokenize.validation_fraction")) from None
