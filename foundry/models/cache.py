"""Keys and values of the tokens that a model has read already, so that it reads each token once.

Shape suffixes: B batch, K key/value heads, S cached tokens, T new tokens, N width of one head.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn


class KeyValueCache:
    """Room for `capacity` tokens, allocated once and filled in place.

    Attributes:
        length: tokens held so far; the next token is written at this position.
        capacity: tokens that fit.
    """

    def __init__(self, keys_BKSN: list[Tensor], values_BKSN: list[Tensor]) -> None:
        self.length = 0
        self.capacity = keys_BKSN[0].shape[2]
        self._keys_BKSN = keys_BKSN
        self._values_BKSN = values_BKSN

    @classmethod
    def allocate(
        cls,
        layers: int,
        shape_BKSN: tuple[int, int, int, int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> KeyValueCache:
        """An empty cache for a model with so many layers."""
        keys, values = (
            [torch.empty(shape_BKSN, dtype=dtype, device=device) for _ in range(layers)] for _ in ("keys", "values")
        )
        return cls(keys, values)

    def extend(self, layer: int, key_BKTN: Tensor, value_BKTN: Tensor) -> tuple[Tensor, Tensor]:
        """Write new keys and values of one layer behind the old ones, and give views of all of them.

        `length` moves on when the whole model has read the tokens, see `advance`.
        """
        end = self.length + key_BKTN.shape[2]
        keys, values = self._keys_BKSN[layer], self._values_BKSN[layer]
        keys[:, :, self.length : end] = key_BKTN
        values[:, :, self.length : end] = value_BKTN
        return keys[:, :, :end], values[:, :, :end]

    def advance(self, tokens: int) -> None:
        """Count tokens that every layer has written."""
        self.length += tokens

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows of the batch alone; the name is that of `transformers`."""
        self._keys_BKSN = [keys[indices] for keys in self._keys_BKSN]
        self._values_BKSN = [values[indices] for values in self._values_BKSN]


def new_cache(model: nn.Module, batch_size: int, length: int) -> Any:
    """An empty cache for `model(past_key_values=...)`, ours or Hugging Face's.

    Args:
        batch_size: rows of the batch.
        length: the most tokens a row will hold. A Hugging Face cache grows as needed instead.
    """
    from foundry.models.decoder import Decoder

    if isinstance(model, Decoder):
        return model.new_cache(batch_size, length)
    from transformers import DynamicCache

    return DynamicCache(config=cast(Any, model).config)
