"""Networks: our own decoder, and the causal architectures of `transformers`, all called in one way.

`model(input_ids, past_key_values, use_cache, attention_mask, position_ids).logits` has shape (batch, tokens,
vocabulary), whichever architecture it is. Names are imported when they are first used, because torch is slow to load.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from foundry.lazy import lazy_names

if TYPE_CHECKING:
    from foundry.models.cache import KeyValueCache, new_cache
    from foundry.models.decoder import Decoder
    from foundry.models.factory import ParameterCount, count_parameters, create_model, enable_gradient_checkpointing
    from foundry.models.io import load_weights, save_weights
    from foundry.models.loss import loss_sum

__all__ = [
    "Decoder",
    "KeyValueCache",
    "ParameterCount",
    "count_parameters",
    "create_model",
    "enable_gradient_checkpointing",
    "load_weights",
    "loss_sum",
    "new_cache",
    "save_weights",
]

logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
"""The library speaks of optional kernels on a model hub whenever it is imported, by us or by another library."""

__getattr__ = lazy_names(
    __name__,
    {
        "Decoder": "decoder",
        "KeyValueCache": "cache",
        "ParameterCount": "factory",
        "count_parameters": "factory",
        "create_model": "factory",
        "enable_gradient_checkpointing": "factory",
        "load_weights": "io",
        "loss_sum": "loss",
        "new_cache": "cache",
        "save_weights": "io",
    },
)
