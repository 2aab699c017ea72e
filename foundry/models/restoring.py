"""A trained model that began with a pretrained one, from its files back into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from foundry.errors import FoundryError, UserError
from foundry.model_files import ModelFiles
from foundry.models.io import load_weights
from foundry.models.loading import load_pretrained
from foundry.models.pretrained import require_libraries


def restored_model(
    found: ModelFiles,
    device: torch.device,
    *,
    base: str | None = None,
    with_adapter: bool = True,
    is_to_write: bool = True,
) -> nn.Module:
    """The model as it was trained; on the CPU in plain float32 matrices, which write single tokens fastest.

    Args:
        base: where the pretrained weights are now, if not where the experiment said.
        with_adapter: false gives the base alone, for comparison.
        is_to_write: false keeps base and adapter apart on the CPU, too, so that losses are those of training.

    Raises:
        UserError: the base is missing or another one, or there is no adapter that could be left out.
        FoundryError: a file is damaged.
    """
    assert found.base is not None
    config = found.config
    require_libraries(config.model, config.lora is not None)
    if config.lora is None:
        if not with_adapter:
            raise UserError(f"{found.weights.parent}: was trained whole, and has no adapter that could be left out")
        return _trained_whole(found).to(device)
    model = load_pretrained(found.base.locate(base), config.model, config.lora, device, _say_nothing)
    if with_adapter:
        load_weights(model, found.weights)
    if device.type != "cpu" or not is_to_write:
        return model
    from foundry.models.merging import merge_adapter

    return merge_adapter(model)


def merged_model(found: ModelFiles, base: str | None = None) -> nn.Module:
    """The adapter merged into the base as it was before it was quantised, float32, on the CPU.

    Raises:
        UserError, FoundryError: see `restored_model`.
    """
    assert found.base is not None
    require_libraries(found.config.model, found.config.lora is not None)
    if found.config.lora is None:
        return _trained_whole(found)
    unquantized = found.config.model.model_copy(update={"quantization": "none", "compute_dtype": "float32"})
    model = load_pretrained(found.base.locate(base), unquantized, found.config.lora, torch.device("cpu"), _say_nothing)
    load_weights(model, found.weights)
    from foundry.models.merging import merge_adapter

    return merge_adapter(model)


def _trained_whole(found: ModelFiles) -> nn.Module:
    assert found.base is not None
    described = dict(found.base.config)
    build: Callable[[Any], nn.Module] = AutoModelForCausalLM.from_config
    try:
        model = build(AutoConfig.for_model(described.pop("model_type"), **described))
    except Exception as error:  # whatever a changed description makes of the library's many readers
        reason = " ".join(str(error).split())
        raise FoundryError(f"{found.weights.parent}: its base.json describes no model: {reason}") from error
    load_weights(model, found.weights)
    return model


def _say_nothing(_text: str) -> None:
    """Which attention is chosen was told when the model was trained."""
