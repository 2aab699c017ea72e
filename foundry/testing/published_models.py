"""Models as a run publishes them: trained once a process, and copied for each scenario."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from foundry.testing.experiments import REMOVED, small_experiment, write_code_corpus
from foundry.testing.faults import change_json
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


def run_published_elsewhere(folder: Path, location: str, *, keeps_checkpoints: bool) -> Path:
    """Put the folder of a run into `folder`, which is made, as it is after its model was published to a registry.

    Args:
        location: of its model in the registry, such as `wandb://team/project/artifact:v0`; the model is the decoder
            that `published_model` gives.
        keeps_checkpoints: the experiment asks for that.
    """
    shutil.copytree(Path(_template("decoder", 7).name) / "run", folder)
    change_json(folder / "run.json", lambda record: record["published"].update(store="wandb", location=location))
    if not keeps_checkpoints:
        shutil.rmtree(folder / "checkpoints")
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
        report = Trainer(small_experiment(settings)).train()
        assert report.record.published is not None
        Path(report.record.published.location).rename("model")
        report.run_folder.rename("run")
    return template
