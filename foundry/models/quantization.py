"""From a model in memory to one whose matrices are held in 8 or 4 bits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import torch
from torch import nn

from foundry.config_model import ModelConfig
from foundry.errors import UserError


def quantize(model: nn.Module, config: ModelConfig, device: torch.device) -> None:
    """Replace every linear layer but the output layer by a quantised one on `device`, one after the other.

    Raises:
        UserError: bitsandbytes cannot be used here, or the model has no such layer.
    """
    layers = frozen_layers()
    kind = layers.FrozenLinear8bit if config.quantization == "int8" else layers.FrozenLinear4bit
    head = cast(Any, model).get_output_embeddings()
    found = [(name, layer) for name, layer in model.named_modules() if type(layer) is nn.Linear and layer is not head]
    if not found:
        raise UserError(
            f"model.quantization {config.quantization}: {type(model).__name__} has no linear layers that bitsandbytes "
            "could hold; set it to none"
        )
    with _refusals_explained(config.quantization, device):
        for name, layer in found:
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, kind.of(layer, config, device))
            del layer.weight  # the list holds the old layer for a while, but not its matrix


def frozen_layers() -> ModuleType:
    """The module with the quantised layers, where bitsandbytes has a part for this platform.

    Raises:
        UserError: it cannot be loaded.
    """
    try:
        from foundry.models import frozen_layers as layers
    except (ImportError, OSError, RuntimeError) as error:
        raise UserError(
            f"model.quantization: bitsandbytes cannot be loaded on this platform ({_one_line(error)}); set it to none"
        ) from error
    return layers


@contextlib.contextmanager
def _refusals_explained(quantization: str, device: torch.device) -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, RuntimeError, AttributeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise UserError(
            f"model.quantization {quantization}: bitsandbytes cannot do it on {device.type} here "
            f"({_one_line(error)}); set it to none, or use another training.device"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
