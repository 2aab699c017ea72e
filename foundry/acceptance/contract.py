"""The user's own experiment under acceptance: what was named on the command line, and its training made short.

The features in `features/contract` try the promises of foundry on one experiment: the team's own, so that a team can
sign its model, or else a shipped tiny one. What is trained for that is the experiment scaled down in its steps and in
the blocks of its validation, and in nothing else (see `scaled_down`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry.acceptance.formatter import tags_of
from foundry.artifacts.references import WandbReference, is_reference
from foundry.config import ArtifactsConfig, ExperimentConfig, LoggingConfig, TrainingConfig
from foundry.config_acceptance import AcceptanceConfig
from foundry.config_file import load_experiment
from foundry.data.clones import is_url
from foundry.data.git import GitRepository
from foundry.data.sources import corpora, corpus_kind
from foundry.errors import UserError
from foundry.evaluation.prompts import load_prompts
from foundry.manifests import MANIFEST_NAME
from foundry.terminal import printable
from foundry.training.lifecycle import RECORD_NAME, RunRecord

if TYPE_CHECKING:
    from foundry.acceptance.selection import SelectedFeature

CONTRACT_TAG = "contract"
FINISHED = ("stopped", "published", "cleaned")
MAX_VALIDATION_BLOCKS = 16
"""Validation losses of the short training are computed on no more."""


@dataclass(frozen=True)
class ContractOptions:
    """What the user has named; an empty text is what was not named.

    Attributes:
        config: an experiment's YAML file.
        repository: a path or a URL that is trained on instead of the one in the file.
        model: a run folder, an artifact folder, or a reference to the registry.
        device: see `foundry.config.TrainingConfig.device`.
    """

    config: str = ""
    repository: str = ""
    model: str = ""
    device: str = ""

    @classmethod
    def of_userdata(cls, userdata: Mapping[str, str]) -> ContractOptions:
        """The options in Behave's userdata, as `behave -D config=my.yaml` puts them there."""
        return cls(**{name: userdata.get(name, "") for name in cls.__dataclass_fields__})

    def as_userdata(self) -> dict[str, str]:
        """The options that are named, for Behave's userdata."""
        return {name: value for name, value in asdict(self).items() if value}

    def require_usable(self, folder: Path) -> None:
        """Look at all that is named, before anything runs.

        Args:
            folder: relative paths begin there.

        Raises:
            UserError: the experiment is none or is invalid, its prompts, the repository or the model are none, or the
                device is not there.
        """
        for name in ("repository", "model"):
            if getattr(self, name) and not self.config:
                raise UserError(f"--{name}: goes with --config, which names the experiment; add it")
        device = self.device
        if self.config:
            config = self.experiment(folder)
            load_prompts(config.acceptance.prompts)
            device = config.training.device
        if self.model:
            _require_model(self.model, folder)
        if device not in ("", "auto", "cpu"):
            from foundry.hardware import choose_device

            choose_device(device)

    def experiment(self, folder: Path) -> ExperimentConfig:
        """The experiment that is named, its paths absolute.

        Raises:
            UserError: all that is wrong with it, or there is no such repository.
        """
        config = self._loaded(folder)
        try:
            _require_sources(config, folder)
        except UserError as error:
            text = str(error).replace("data.git.repository: ", "--repository: ") if self.repository else str(error)
            raise UserError(text if self.repository else f"{self.config}: {text}") from None
        return with_absolute_paths(config, folder)

    def _loaded(self, folder: Path) -> ExperimentConfig:
        overrides = {"data.git.repository": self.repository, "training.device": self.device}
        named = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in overrides.items() if value]
        try:
            return load_experiment(folder / Path(self.config).expanduser(), named)
        except UserError as error:
            text = str(error).replace("--set: data.git.repository: ", "--repository: ")
            raise UserError(text.replace("--set: training.device: ", "--device: ")) from None


def require_contract(options: ContractOptions, selected: Sequence[SelectedFeature]) -> None:
    """Refuse a run that would try nothing of what is named.

    Raises:
        UserError: something is named, and no `@contract` scenario is selected.
    """
    scenarios = [scenario for item in selected for scenario in item.scenarios]
    if options != ContractOptions() and not any(CONTRACT_TAG in tags_of(scenario) for scenario in scenarios):
        raise UserError(
            f"--{next(iter(options.as_userdata()))}: none of the {len(scenarios)} selected scenarios is tagged "
            f"@{CONTRACT_TAG}, so nothing would be tried on it; leave paths and --tags out, or add features/contract"
        )


def _require_sources(config: ExperimentConfig, folder: Path) -> None:
    """Refuse an experiment whose repository or corpus is not there; nothing is read of it."""
    git = config.data.git
    if git is not None and not is_url(git.repository):
        GitRepository.open(folder / Path(git.repository).expanduser(), printable(git.repository))
    for key, path in corpora(config).items():
        corpus_kind(key, folder / path)


def _require_model(model: str, folder: Path) -> None:
    """Refuse what is neither a finished run nor an artifact; the bytes of its files are not looked at."""
    if is_reference(model):
        WandbReference.parse(model)
        return
    place, shown = folder / Path(model).expanduser(), printable(model)
    if (place / RECORD_NAME).is_file():
        state = RunRecord.read(place).state
        if state not in FINISHED:
            raise UserError(f"--model: the run {shown} is {state}, not finished; `foundry train {shown}` goes on")
    elif not (place / MANIFEST_NAME).is_file():
        problem = "is neither a run nor an artifact" if place.exists() else "is not there"
        raise UserError(f"--model: {shown} {problem}; name a finished run, a published artifact or wandb://...")


def with_absolute_paths(config: ExperimentConfig, folder: Path) -> ExperimentConfig:
    """The experiment with the paths that it names made absolute; they begin in `folder`.

    What may be a name as well (a model on the hub, a shipped file of prompts) is a path where something is there.
    """
    data, git = config.data, config.data.git
    places: dict[str, Any] = {
        name: _absolute(getattr(data, name), folder)
        for name in ("source_corpus", "training_corpus", "test_corpus", "prepared")
    }
    if git is not None and not is_url(git.repository):
        repository = folder / Path(git.repository).expanduser()
        places["git"] = git.model_copy(update={"repository": str(repository)})
    of_tokenizer = {"name_or_path": _absolute_if_there(config.tokenizer.name_or_path, folder)}
    of_model = {"pretrained": _absolute_if_there(config.model.pretrained, folder)}
    prompts = tuple(Path(str(_absolute_if_there(str(path), folder))) for path in config.acceptance.prompts)
    return config.model_copy(
        update={
            "data": data.model_copy(update=places),
            "tokenizer": config.tokenizer.model_copy(update=of_tokenizer),
            "model": config.model.model_copy(update=of_model),
            "acceptance": config.acceptance.model_copy(update={"prompts": prompts}),
        }
    )


def _absolute(path: Path | None, folder: Path) -> Path | None:
    return None if path is None else folder / path.expanduser()


def _absolute_if_there(name: str | None, folder: Path) -> str | None:
    if name is None:
        return None
    path = folder / Path(name).expanduser()
    return str(path) if path.exists() else name


def scaled_down(config: ExperimentConfig, folder: Path, data_cache: Path) -> ExperimentConfig:
    """The experiment with a training of `acceptance.steps`, whose run and artifact lie in `folder`.

    What is short: the steps, the warm-up (one step, where there is one), the distances of evaluations and checkpoints,
    and the blocks of a validation. What goes out to others is left out. Everything else is the team's: the model, its
    quantisation and adapter, the precision, the batch and its accumulation, optimizer and schedule, data and tokenizer.

    Args:
        data_cache: where the tokenized corpus is kept, for several trainings.
    """
    steps, data, logging = config.acceptance.steps, config.data, config.logging
    blocks = min(data.max_validation_blocks or MAX_VALIDATION_BLOCKS, MAX_VALIDATION_BLOCKS)
    return config.model_copy(
        update={
            "data": data.model_copy(update={"max_validation_blocks": blocks, "cache_dir": data_cache}),
            "tokenizer": config.tokenizer.model_copy(update={"output_dir": None}),
            "training": _short_training(config.training, steps, folder / "runs"),
            "artifacts": ArtifactsConfig(path=folder / "artifacts", keep_local_checkpoints=True),
            "logging": LoggingConfig(level=logging.level, log_interval=1),
            "evaluation": config.evaluation.model_copy(update={"every_epochs": None}),
        }
    )


def _short_training(training: TrainingConfig, steps: int, output_dir: Path) -> TrainingConfig:
    """Three evaluations and a checkpoint half-way; early stopping counts, but not to its end."""
    has_warmup = training.warmup_ratio > 0 if training.warmup_steps is None else training.warmup_steps > 0
    patience = training.early_stopping_patience
    return training.model_copy(
        update={
            "train_steps": steps,
            "epochs": None,
            "warmup_steps": int(has_warmup),
            "evaluation_interval": max(1, steps // 3),
            "early_stopping_patience": None if patience is None else max(patience, steps),
            "checkpoint_schedule": (steps // 2,),
            "checkpoint_milestones": (),
            "keep_checkpoints": None,
            "output_dir": output_dir,
        }
    )


def shortfall(acceptance: AcceptanceConfig, threshold: str, found: float) -> str:
    """What keeps a figure from its threshold, in words; empty where nothing does.

    Args:
        threshold: a key of the section `acceptance`: one that begins with `min_` is the least, with `max_` the most.
    """
    limit = getattr(acceptance, threshold)
    is_kept = found >= limit if threshold.startswith("min_") else found <= limit
    return "" if is_kept else f"acceptance.{threshold} is {limit:g}, and the model has {found:,.6g}"
