"""The experiments of a campaign: each small enough to be trained in a fifth of a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.testing.experiments import small_experiment, write_code_corpus, write_noise_corpus
from foundry.testing.runs import EARLY_STOPPING

_SMALL: dict[str, Any] = {
    "data.max_validation_blocks": 4,
    "artifacts.keep_local_checkpoints": False,
    "training.keep_checkpoints": 2,
    "training.async_checkpoints": True,
}
_DROPOUT = {"model.dropout": 0.2, "model.attention_dropout": 0.1}
_WAITING = {"training.async_checkpoints": False}

CASES: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "dropout": _DROPOUT,
    "waiting for saves": {**_DROPOUT, **_WAITING},
    "accumulation": {**_DROPOUT, **_WAITING, "training.gradient_accumulation_steps": 3, "data.batch_size": 2},
    "loader workers": {**_DROPOUT, "data.num_workers": 2},
    "bfloat16": {**_DROPOUT, "training.use_amp": True},
    "early stopping": {**_DROPOUT, **_WAITING, **EARLY_STOPPING},
    "GPT-2": {"model.architecture": "gpt2", **_DROPOUT},
    "checkpoints kept": {**_DROPOUT, "artifacts.keep_local_checkpoints": True, "training.keep_checkpoints": None},
    "data prepared anew": {**_DROPOUT, "data.cache_dir": "runs/.data"},
}
"""What each experiment sets beside `small_experiment`, by the name of the case."""


@dataclass(frozen=True)
class Corpora:
    """What all experiments of a campaign are trained on, written and tokenized once.

    Attributes:
        folder: holds the corpora and the cache of tokenized data.
    """

    folder: Path

    def write(self) -> None:
        """Put the corpora on disk."""
        write_code_corpus(self.folder / "corpus")
        write_noise_corpus(self.folder / "noise")

    def experiment(self, case: str) -> ExperimentConfig:
        """The experiment of a case, on these corpora; its run and its store lie in the working directory."""
        settings = {"data.source_corpus": "corpus", "data.cache_dir": "cache", **_SMALL, **CASES[case]}
        for key in ("data.source_corpus", "data.training_corpus", "data.test_corpus"):
            if settings.get(key) is not None:
                settings[key] = str(self.folder / settings[key])
        if settings["data.cache_dir"] == "cache":
            settings["data.cache_dir"] = str(self.folder / "cache")
        return small_experiment(settings)
