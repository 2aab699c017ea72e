"""Batches by hand, for tests of a single training step."""

from __future__ import annotations

from foundry.data.batches import Batch


class OneBatch:
    """Gives the same global batch at every step, where a training loop expects its `BatchSource`."""

    def __init__(self, batch: Batch) -> None:
        self._only = batch

    def batch(self, _step: int) -> Batch:
        """The global batch of any step."""
        return self._only
