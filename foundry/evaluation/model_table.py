"""The numbers of a pretrained model and of its training, for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping, load_experiment
from foundry.errors import UserError

if TYPE_CHECKING:
    from foundry.models.memory import ModelNumbers

YAML = (".yaml", ".yml")


def experiment_of(reference: str, overrides: list[str]) -> ExperimentConfig:
    """The experiment in a file, or one that adapts the model of that reference, with every default.

    Raises:
        UserError: the file or an override is wrong, or the experiment does not begin with a pretrained model.
    """
    path = Path(reference)
    if path.suffix in YAML:
        config = load_experiment(path, overrides)
        if config.model.pretrained is None:
            raise UserError(f"--model: {path} begins with fresh weights; `foundry info {path}` shows their number")
        return config
    content = {
        "experiment_name": "model",
        "data": {"source_corpus": "."},
        "model": {"pretrained": reference},
        "lora": {},
        "training": {"train_steps": 1},
    }
    return experiment_from_mapping(content, "--set", overrides)


def table(config: ExperimentConfig, numbers: ModelNumbers) -> list[tuple[str, str]]:
    """Names and values, in decimal megabytes and gigabytes."""
    what = "all weights" if config.lora is None else f"adapter of rank {config.lora.r}"
    tokens = f"{config.data.batch_size} x {config.data.max_sequence_length} tokens"
    return [
        ("model", str(config.model.pretrained)),
        ("parameters", f"{numbers.total_parameters:,}"),
        ("trainable", f"{numbers.trainable_parameters:,} ({numbers.trainable_percent:.3f} % of them), {what}"),
        *((f"weights in {name}", size(count)) for name, count in numbers.weight_bytes.items()),
        (f"weights as held ({config.model.quantization})", size(numbers.held_bytes)),
        ("adapter", size(numbers.adapter_bytes)),
        ("gradients", size(numbers.gradient_bytes)),
        ("optimizer", size(numbers.optimizer_bytes)),
        (f"activations ({tokens})", size(numbers.activation_bytes)),
        ("working memory", size(numbers.working_bytes)),
        ("allocator", size(numbers.allocator_bytes)),
        ("peak of training", f"{size(numbers.training_bytes)}, beside the program itself"),
    ]


def size(num_bytes: int) -> str:
    """`166.0 MB`, `6.28 GB`."""
    return f"{num_bytes / 1e9:,.2f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:,.1f} MB"
