"""Memory, looked at before a pretrained model is loaded: what will be needed beside what is free."""

from __future__ import annotations

from typing import Any

import psutil
import torch

from foundry.config import ExperimentConfig
from foundry.errors import UserError
from foundry.evaluation.model_table import size
from foundry.models.memory import ModelNumbers, model_numbers

SAVINGS: tuple[tuple[str, Any], ...] = (
    ("data.batch_size", 1),
    ("training.use_gradient_checkpointing", True),
    ("model.quantization", "nf4"),
)
"""Settings that take less memory, from the one that costs least."""


def require_memory(config: ExperimentConfig, device: torch.device) -> ModelNumbers:
    """The numbers of the experiment, after they were compared with the free memory of the device.

    Raises:
        UserError: it does not fit; names the figures, and the settings that would fit.
    """
    numbers = model_numbers(config)
    free = free_bytes(device)
    if numbers.training_bytes <= free:
        return numbers
    raise UserError(
        f"model.pretrained: fine-tuning {config.model.pretrained} needs about {size(numbers.training_bytes)} of memory "
        f"on {device}, and {size(free)} are free; {_what_fits(config, free)}"
    )


def free_bytes(device: torch.device) -> int:
    """Memory of the device that nobody uses."""
    if device.type == "cuda":  # gpu-only
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _what_fits(config: ExperimentConfig, free: int) -> str:
    """The fewest savings, in their order, after which the experiment fits."""
    made: list[str] = []
    for key, value in SAVINGS:
        section, _, name = key.partition(".")
        if name == "quantization" and config.lora is None:
            continue
        before = getattr(config, section)
        if getattr(before, name) == value:
            continue
        config = config.model_copy(update={section: before.model_copy(update={name: value})})
        made.append(f"{key}: {str(value).lower()}")
        needed = model_numbers(config).training_bytes
        if needed <= free:
            return f"with {' and '.join(made)} it needs {size(needed)}"
    return "not even the smallest settings fit: choose a smaller model, or a shorter data.max_sequence_length"
