"""What a fine-tuning cost and came to: `training_info.json`, published beside the model. Imports nothing heavy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry import files
from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.evaluation.summary import RunSummary
from foundry.monitoring.record import HARDWARE_NAME
from foundry.untrusted import read_json, shown

if TYPE_CHECKING:
    from torch import nn

MODEL_INFO_NAME = "model_info.json"
TRAINING_INFO_NAME = "training_info.json"
MAX_INFO_BYTES = 16_000_000


def write_model_info(
    folder: Path, config: ExperimentConfig, model: nn.Module, estimated: dict[str, Any], program_bytes: int
) -> None:
    """Keep in a run folder what is known of the model in memory, beside what was estimated before it was loaded.

    Args:
        estimated: see `foundry.models.memory.ModelNumbers`.
        program_bytes: resident memory of this process before the model was loaded.
    """
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    held = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    content = {
        "pretrained": config.model.pretrained,
        "quantization": config.model.quantization,
        "compute_dtype": config.model.compute_dtype,
        "attention": getattr(model.config, "_attn_implementation", None),
        "trainable_parameters": trainable,
        "parameter_bytes": held,
        "program_bytes": program_bytes,
        "estimated": estimated,
    }
    files.write_json(folder / MODEL_INFO_NAME, content)


def training_info(folder: Path) -> dict[str, Any]:
    """The model, the steps, the losses and the peaks of memory of a run, as plain values."""
    run = RunSummary.read(folder)
    loss = run.record.best_validation_loss
    rows = [row for row in run.metrics if row.get("loss") is not None]
    return {
        "run_id": run.record.run_id,
        "model": run.document(MODEL_INFO_NAME),
        "steps": run.record.steps_done,
        "best_step": run.record.best_step,
        "first_training_loss": rows[0]["loss"] if rows else None,
        "last_training_loss": rows[-1]["loss"] if rows else None,
        "validation_loss": loss,
        "perplexity": None if loss is None else math.exp(min(loss, 700.0)),
        "hardware": run.document(HARDWARE_NAME),
    }


def published_info(folder: Path) -> dict[str, Any]:
    """What was published beside a model.

    Raises:
        FoundryError: it is missing or damaged.
    """
    try:
        content = read_json(folder / TRAINING_INFO_NAME, MAX_INFO_BYTES)
    except (OSError, ValueError) as error:
        raise FoundryError(f"{folder / TRAINING_INFO_NAME}: cannot be read: {shown(str(error))}") from None
    return dict(content)
