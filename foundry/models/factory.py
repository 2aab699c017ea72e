"""From an experiment's `model` section to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from foundry.config_model import ModelConfig
from foundry.models.decoder import Decoder


@dataclass(frozen=True)
class ParameterCount:
    """How many numbers a model learns, each shared matrix counted once.

    Attributes:
        total: all of them.
        embedding: those in embedding tables of tokens and positions.
    """

    total: int
    embedding: int


def create_model(config: ModelConfig, vocab_size: int, max_sequence_length: int) -> nn.Module:
    """A model with fresh weights, drawn from torch's global generator: `torch.manual_seed` decides them.

    Args:
        vocab_size: tokens that the model tells apart.
        max_sequence_length: tokens in the longest sequence.

    Raises:
        UserError: `architecture` is unknown to `transformers`, or does not suit the other fields.
    """
    if config.architecture == "decoder":
        return Decoder(config, vocab_size, max_sequence_length)
    from foundry.models.hugging_face import hugging_face_model

    return hugging_face_model(config, vocab_size, max_sequence_length)


def count_parameters(config: ModelConfig, vocab_size: int, max_sequence_length: int) -> ParameterCount:
    """What `create_model` would make, counted without memory for a single weight.

    Raises:
        UserError: as `create_model`.
    """
    with torch.device("meta"):
        model = create_model(config, vocab_size, max_sequence_length)
    tables = {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    return ParameterCount(
        total=sum(parameter.numel() for parameter in model.parameters()),
        embedding=sum(table.numel() for table in tables),
    )


def enable_gradient_checkpointing(model: nn.Module) -> None:
    """Recompute each block's activations in the backward pass instead of keeping them; the gradients stay the same.

    Random numbers are replayed, so that dropout falls on the same places in both passes.

    Raises:
        ValueError: the architecture does not support it.
    """
    if isinstance(model, Decoder):
        model.gradient_checkpointing = True
    else:
        enable = getattr(model, "activation_checkpointing_enable", None)
        if enable is not None:
            enable({"use_reentrant": False})
        else:  # transformers before 5.20 or so
            cast(Any, model).gradient_checkpointing_enable({"use_reentrant": False})
