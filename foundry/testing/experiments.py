"""Small real experiments: a corpus on disk and a configuration that trains on it in a second."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping

VERBS = ("load", "save", "merge", "split", "count", "find", "move", "check")
NOUNS = ("row", "file", "user", "step", "batch", "token", "index", "path")


def write_code_corpus(folder: Path, num_documents: int = 12, seed: int = 0, functions: int = 8) -> Path:
    """Write `num_documents` files of Python-like functions; the same bytes for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    for number in range(num_documents):
        text = "\n\n".join(_function(draw) for _ in range(functions)) + "\n"
        (folder / f"module_{number:02d}.py").write_text(text, encoding="utf-8")
    return folder


def _function(draw: random.Random) -> str:
    verb, noun, other = draw.choice(VERBS), draw.choice(NOUNS), draw.choice(NOUNS)
    bound = draw.randrange(100)
    return (
        f"def {verb}_{noun}({other}s):\n    for {other} in {other}s:\n        if {other} > {bound}:\n"
        f"            return {other}\n    return None"
    )


def write_noise_corpus(folder: Path, num_documents: int = 4, seed: int = 1, length: int = 600) -> Path:
    """Write files of unrelated characters: the better a model knows code, the worse it predicts them."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    for number in range(num_documents):
        text = "".join(chr(draw.randrange(33, 127)) for _ in range(length))
        (folder / f"noise_{number:02d}.txt").write_text(text, encoding="utf-8")
    return folder


def small_experiment(settings: Mapping[str, Any]) -> ExperimentConfig:
    """An experiment of two layers by 32 and twelve steps, on CPU; `settings` override it by dotted keys.

    Checkpoints are written before training goes on, so that what is on disk when a step is done is always the same.
    How full the machine is otherwise is not warned of.
    """
    mapping: dict[str, Any] = {
        "experiment_name": "small",
        "random_seed": 7,
        "data": {
            "source_corpus": "corpus",
            "batch_size": 4,
            "max_sequence_length": 32,
            "validation_fraction": 0.2,
        },
        "tokenizer": {"vocab_size": 320},
        "model": {"layers": 2, "hidden_size": 32, "attention_heads": 2},
        "training": {
            "train_steps": 12,
            "learning_rate": 3e-3,
            "evaluation_interval": 3,
            "checkpoint_schedule": [5, 10],
            "async_checkpoints": False,
            "device": "cpu",
        },
        "artifacts": {"keep_local_checkpoints": True},
        "logging": {"log_interval": 1},
        "monitoring": {"memory": {"warn": None}, "disk_free": {"warn": None}},
    }
    for key, value in settings.items():
        section = mapping
        *parents, last = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is REMOVED:
            section.pop(last, None)
        else:
            section[last] = value
    return experiment_from_mapping(mapping, origin="small experiment")


REMOVED = object()
"""The value that takes a setting of the small experiment away."""
