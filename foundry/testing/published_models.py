"""Models as a run publishes them: trained once a process, and copied for each scenario that puts one somewhere."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from foundry.testing.experiments import REMOVED, small_experiment, write_code_corpus
from foundry.trainer import Trainer

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "decoder": {},
    "decoder with shared heads": {"model.attention_heads": 4, "model.key_value_heads": 2},
    "decoder with tied embeddings": {"model.tie_embeddings": True},
    "gpt2": {"model.architecture": "gpt2", "model.activation_function": "gelu"},
    "llama": {"model.architecture": "llama", "model.key_value_heads": 1},
    "openai-gpt": {"model.architecture": "openai-gpt", "model.activation_function": "gelu"},
    "mamba": {"model.architecture": "mamba", "model.tie_embeddings": True},
}
"""The settings of each kind of model."""


def published_model(folder: Path, architecture: str = "decoder", seed: int = 7) -> Path:
    """Put the files of a published model into `folder`, which is made.

    Args:
        seed: two models of one architecture with different seeds differ in weights alone.
    """
    shutil.copytree(Path(_template(architecture, seed).name) / "model", folder)
    return folder


@functools.cache
def _template(architecture: str, seed: int) -> tempfile.TemporaryDirectory[str]:
    template = tempfile.TemporaryDirectory(prefix="published-model-")
    settings = {
        **ARCHITECTURES[architecture],
        "random_seed": seed,
        "training.train_steps": 2,
        "training.checkpoint_schedule": REMOVED,
        "generation.max_new_tokens": 8,
        "generation.temperature": 1,
    }
    with contextlib.chdir(template.name):
        write_code_corpus(Path("corpus"))
        published = Trainer(small_experiment(settings)).train().record.published
        assert published is not None
        Path(published.location).rename("model")
    return template
