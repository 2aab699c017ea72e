"""From frozen matrices and their adapter to one plain model, that any library reads."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from foundry.models.adapter import AdaptedLinear, dense_weight


@torch.no_grad()
def merge_adapter(model: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Add each adapter to its matrix, and make every layer a plain one in `dtype`; the model is changed in place.

    The sums are formed in float32. Matrices that were quantised keep the values that they had in fewer bits.
    """
    for name, layer in _layers(model):
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, _plain(layer, dtype))
    if hasattr(model, "peft_config"):
        del model.peft_config
    cast(Any, model)._hf_peft_config_loaded = False
    return model.to(dtype)


def _layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Adapted layers, and those quantised ones that have no adapter."""
    adapted = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, AdaptedLinear)]
    inside = {id(layer.get_base_layer()) for _, layer in adapted}
    alone = [
        (name, layer)
        for name, layer in model.named_modules()
        if hasattr(layer, "dense_weight") and id(layer) not in inside
    ]
    return adapted + alone


def _plain(layer: Any, dtype: torch.dtype) -> nn.Linear:
    if not isinstance(layer, AdaptedLinear):
        return _dense(layer).to(dtype)
    base = _dense(layer.get_base_layer())
    layer.base_layer = base
    layer.merge(safe_merge=True)
    return base.to(dtype)


def _dense(layer: Any) -> nn.Linear:
    """A plain float32 layer with the values of a frozen one."""
    weight = dense_weight(layer, torch.float32)
    plain = nn.Linear(weight.shape[1], weight.shape[0], layer.bias is not None, device="meta")
    plain.weight = nn.Parameter(weight, requires_grad=False)
    if layer.bias is not None:
        plain.bias = nn.Parameter(layer.bias.detach().float(), requires_grad=False)
    return plain
