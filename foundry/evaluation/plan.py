"""What a configuration would train, found out without allocating a weight."""

from __future__ import annotations

import math
from typing import Any

from foundry.config import ExperimentConfig
from foundry.data.prepared_folder import read_description
from foundry.trainer import Trainer
from foundry.training.lifecycle import RECORD_NAME, RunRecord


def plan_of(config: ExperimentConfig) -> dict[str, Any]:
    """The plan of an experiment, as names and plain values.

    Raises:
        UserError: the source or the pretrained tokenizer does not exist, or the architecture is not known.
    """
    from foundry.models import count_parameters

    trainer = Trainer(config)
    vocab_size = _vocab_size(config)
    count = count_parameters(config.model, vocab_size, config.data.max_sequence_length)
    tokens = config.global_batch_size * config.data.max_sequence_length
    steps = config.training.train_steps
    recorded = (trainer.run_folder / RECORD_NAME).is_file()
    return {
        "experiment": config.experiment_name,
        "fingerprint": trainer.fingerprint,
        "run_folder": str(trainer.run_folder),
        "state": RunRecord.read(trainer.run_folder).state if recorded else "not begun",
        "source": _source(trainer.config),
        "vocabulary": vocab_size,
        "loss_of_guessing": round(math.log(vocab_size), 3),
        "architecture": config.model.architecture,
        "parameters": count.total,
        "tokens_in_a_step": tokens,
        "length": f"{steps:,} steps, {steps * tokens:,} tokens" if steps else f"{config.training.epochs} epochs",
    }


def _vocab_size(config: ExperimentConfig) -> int:
    """The size of a pretrained vocabulary, or the most that a trained one may have."""
    if config.data.prepared is not None:
        return read_description(config.data.prepared).vocab_size
    if config.tokenizer.name_or_path is None:
        return config.tokenizer.vocab_size
    from foundry.data.pretrained_tokenizer import pretrained_tokenizer

    return pretrained_tokenizer(config).vocab_size


def _source(config: ExperimentConfig) -> str:
    if config.data.git is not None:
        return f"{config.data.git.repository} at {config.data.git.revision}"
    return str(config.data.source_corpus or config.data.training_corpus or config.data.prepared)
