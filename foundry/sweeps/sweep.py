"""A sweep as it can be carried out: its file and its experiment, checked against each other before anything runs."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.config_fields import Section, does_not_change_weights
from foundry.config_file import (
    all_models,
    experiment_from_mapping,
    load_experiment,
    load_mapping,
    plain,
    shown_value,
    validated,
)
from foundry.errors import UserError
from foundry.sweeps.config import Parameter, SweepConfig

SMALLEST_SWEEP = {"sweep_name": "unnamed", "experiment": "unnamed", "trials": 1, "parameters": {}}
BEGINNING = "a sweep begins like `sweep_name: my-sweep`"
COMPARABLE_DATA = ("data.batch_size", "data.max_sequence_length")
"""The settings of the corpus that leave alone on which tokens the validation loss is computed."""


@dataclass(frozen=True)
class Choices:
    """What is tried of one setting, in the type that the setting has.

    Attributes:
        values: all of them; empty where it is a range.
        low, high, step: of a range; whole numbers for a setting that is one. `step` is None where there is none.
    """

    values: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.low, int)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        if self.values:
            return {"values": list(self.values)}
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log}


@dataclass(frozen=True)
class Sweep:
    """A sweep, checked.

    Attributes:
        path: its file.
        experiment_path: that of the experiment.
        experiment: what the trials vary, with the folder of the sweep for its runs.
        choices: what is tried, by the dotted key of the setting.
    """

    path: Path
    config: SweepConfig
    experiment_path: Path
    experiment: ExperimentConfig
    choices: Mapping[str, Choices]

    def experiment_with(self, parameters: Mapping[str, Any], **places: Any) -> ExperimentConfig:
        """The experiment of the trial with these parameters.

        Args:
            places: what is changed beside them, see `with_settings`.

        Raises:
            UserError: the parameters cannot be combined.
        """
        changed = with_settings(plain(self.experiment), {**places, **parameters})
        return experiment_from_mapping(changed, origin=str(self.path))


def load_sweep(path: Path) -> Sweep:
    """The sweep that a YAML file describes.

    Raises:
        UserError: all that is wrong with it, one mistake a line.
    """
    content = load_mapping(path, BEGINNING)
    if "experiment_name" in content and "sweep_name" not in content:
        raise UserError(f"{path}: describes an experiment, not a sweep; `foundry train {path}` trains it")
    config = validated(SweepConfig, SMALLEST_SWEEP, content, str(path))
    experiment_path = path.parent / config.experiment
    experiment = _of_sweep(load_experiment(experiment_path), config)
    if not experiment.has_validation:
        raise UserError(
            f"{experiment_path}: trains without validation, and a sweep compares validation losses; set "
            "data.validation_fraction above 0 or name data.test_corpus"
        )
    if problems := [f"{path}: parameters.{shown_value(key)}: {text}" for key, text in _wrong_keys(config, experiment)]:
        raise UserError("\n".join(problems))
    choices, problems = {}, []
    for key, parameter in config.parameters.items():
        try:
            choices[key] = _choices(key, parameter, config, experiment)
        except UserError as error:
            problems += [f"{path}: parameters.{key}: {line}" for line in str(error).split("\n")]
    if problems:
        raise UserError("\n".join(problems))
    return Sweep(path, config, experiment_path, experiment, choices)


def _of_sweep(experiment: ExperimentConfig, config: SweepConfig) -> ExperimentConfig:
    """The experiment with the sweep's folder for its runs, and with its name as their group."""
    training = experiment.training.model_copy(update={"output_dir": config.folder})
    changes: dict[str, Section] = {"training": training}
    if experiment.logging.use_wandb and experiment.wandb.group is None:
        changes["wandb"] = experiment.wandb.model_copy(update={"group": config.sweep_name})
    return experiment.model_copy(update=changes)


def settings() -> dict[str, bool]:
    """The dotted key of every setting of an experiment that is no section, and whether it changes the weights."""
    unmarked: set[tuple[str, ...]] = set()
    found = {}
    models = dict(all_models(ExperimentConfig))
    for prefix, model in models.items():
        for name, field in model.model_fields.items():
            place = (*prefix, name)
            if does_not_change_weights in field.metadata or prefix in unmarked:
                unmarked.add(place)
            if place not in models:
                found[".".join(place)] = place not in unmarked
    return found


def _wrong_keys(config: SweepConfig, experiment: ExperimentConfig) -> Iterator[tuple[str, str]]:
    """The keys that cannot be tried, and why."""
    known = settings()
    for key in config.parameters:
        if key not in known:
            yield key, f"is no setting of an experiment{_nearest(key, list(known))}"
        elif not known[key]:
            yield key, "changes no weight, so that every trial would be the same run; leave it out"
        elif not _is_comparable(key, experiment):
            yield key, "changes what validation losses are computed on, so that they cannot be compared; leave it out"


def _nearest(key: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1) or [name for name in known if name.endswith(f".{key}")]
    return f"; did you mean {nearest[0]}?" if nearest else "; write it like training.learning_rate"


def _is_comparable(key: str, experiment: ExperimentConfig) -> bool:
    if key == "random_seed":  # it also draws the documents that are kept for validation
        return experiment.data.test_corpus is not None
    return not key.startswith(("data.", "tokenizer.")) or key in COMPARABLE_DATA


def _choices(key: str, parameter: Parameter, config: SweepConfig, experiment: ExperimentConfig) -> Choices:
    """What is tried of `key`, as the experiment reads it.

    Raises:
        UserError: the experiment cannot have one of the values, whatever the other parameters are.
    """
    if parameter.values is not None:
        values = tuple(_accepted(key, value, config, experiment) for value in parameter.values)
        if repeated := [value for number, value in enumerate(values) if value in values[:number]]:
            raise UserError(f"values names {shown_value(repeated[0])} twice; remove one")
        return Choices(values)
    low, high = (_accepted(key, end, config, experiment) for end in (parameter.low, parameter.high))
    if isinstance(low, int) and isinstance(parameter.step, float) and not parameter.step.is_integer():
        raise UserError(f"step must be a whole number, as the setting is, got {parameter.step}")
    step = None if parameter.step is None else type(low)(parameter.step)
    return Choices((), low, high, step, parameter.log)


def _accepted(key: str, value: Any, config: SweepConfig, experiment: ExperimentConfig) -> Any:
    """The value as the experiment reads it, alone or beside a value of another parameter.

    Raises:
        UserError: why the experiment cannot have it.
    """
    base = plain(experiment)
    others = [
        {other: item}
        for other, parameter in config.parameters.items()
        if other != key
        for item in (parameter.values or (parameter.low, parameter.high))
    ]
    refusal = None
    for beside in itertools.chain([{}], others):
        try:
            read = experiment_from_mapping(with_settings(base, {**beside, key: value}), origin="")
            return _plain_at(read, key)
        except UserError as error:
            refusal = refusal or error
    raise UserError("\n".join(line.removeprefix(": ") for line in str(refusal).split("\n")))


def _plain_at(config: ExperimentConfig, key: str) -> Any:
    found: Any = config
    for name in key.split("."):
        found = getattr(found, name)
    return plain(found)


def with_settings(mapping: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an experiment's mapping with other values at some dotted keys, exactly as they are given."""
    changed = dict(mapping)
    for key, value in changes.items():
        *sections, name = key.split(".")
        section = changed
        for part in sections:
            section[part] = section = dict(section.get(part) or {})
        section[name] = value
    return changed
