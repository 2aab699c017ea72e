"""Reads the rows of a batch with a model, each token once where a cache allows it.

Shape suffixes: B rows, W width of the batch (the longest row), V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from foundry.models.cache import new_cache

UNSEEN_TOKEN = 0
"""What stands, masked, before shorter rows: any token would do, and every vocabulary has this one."""


class BatchReader:
    """Gives the logits that follow each row, as the rows grow by one token a call.

    The model sees at most the last `window` tokens of a row. While the longest row fits, a cache holds what was read;
    beyond that every token's distance to the start changes with each step, and the window is read anew.

    Args:
        window: tokens of a row that the model may see.
        use_cache: is of no effect for an architecture that takes no keys and values of tokens read before.
    """

    def __init__(self, model: nn.Module, window: int, use_cache: bool) -> None:
        self._model = model
        self._window = window
        self._use_cache = use_cache and _accepts(model, "past_key_values")
        self._device = next(model.parameters()).device
        self._last_only = {"logits_to_keep": 1} if _accepts(model, "logits_to_keep") else {}
        self._cache: Any = None
        self._width = 0
        self._mask_BW: Tensor | None = None
        self._lengths_B1 = torch.empty(0)

    def next_logits(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """The logits after each row, shape (B, V).

        Args:
            rows: the token numbers of each row; since the last call each has grown by one token at its end.
        """
        if self._cache is None or self._width == self._window:
            return self._read_windows(rows)
        return self._read_last_tokens(rows)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows of the batch alone, given by their places in it."""
        indices = self._tensor(rows)
        if self._cache is not None:
            self._cache.batch_select_indices(indices)
        if self._mask_BW is not None:
            self._mask_BW, self._lengths_B1 = self._mask_BW[indices], self._lengths_B1[indices]

    def _read_windows(self, rows: Sequence[Sequence[int]]) -> Tensor:
        windows = [row[-self._window :] for row in rows]
        lengths = [len(window) for window in windows]
        self._width = max(lengths)
        padded = [[UNSEEN_TOKEN] * (self._width - len(window)) + list(window) for window in windows]
        padding: dict[str, Tensor] = {}
        self._mask_BW = None
        if min(lengths) < self._width:
            self._lengths_B1 = self._tensor(lengths)[:, None]
            places_BW = torch.arange(self._width, device=self._device) - (self._width - self._lengths_B1)
            self._mask_BW = (places_BW >= 0).long()
            padding = {"attention_mask": self._mask_BW, "position_ids": places_BW.clamp(min=0)}
        fits = self._use_cache and self._width < self._window
        self._cache = new_cache(self._model, len(rows), self._window) if fits else None
        return self._logits(self._tensor(padded), padding | self._last_only)

    def _read_last_tokens(self, rows: Sequence[Sequence[int]]) -> Tensor:
        self._width += 1
        padding: dict[str, Tensor] = {}
        if self._mask_BW is not None:
            self._mask_BW = torch.cat((self._mask_BW, torch.ones_like(self._mask_BW[:, :1])), dim=1)
            padding = {"attention_mask": self._mask_BW, "position_ids": self._lengths_B1}
            self._lengths_B1 = self._lengths_B1 + 1
        return self._logits(self._tensor([[row[-1]] for row in rows]), padding)

    def _logits(self, input_ids_BW: Tensor, arguments: dict[str, Any]) -> Tensor:
        cached = self._cache is not None
        output = self._model(input_ids=input_ids_BW, past_key_values=self._cache, use_cache=cached, **arguments)
        logits_BV: Tensor = output.logits[:, -1]
        return logits_BV

    def _tensor(self, numbers: Sequence[Any]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self._device)


def _accepts(model: nn.Module, argument: str) -> bool:
    return argument in inspect.signature(model.forward).parameters
