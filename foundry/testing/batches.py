"""Batches by hand, for tests of a single training step, and the first batch of a run."""

from __future__ import annotations

from foundry.config import ExperimentConfig
from foundry.data.batches import Batch, BatchOrder
from foundry.data.blocks import Ids
from foundry.data.processor import DataProcessor, PreparedData


def first_batch(config: ExperimentConfig) -> tuple[PreparedData, Ids, Ids]:
    """The data of an experiment, the token numbers of its first global batch, shape (B, L), and their lengths, (B,)."""
    prepared = DataProcessor(config).prepare()
    order = BatchOrder(len(prepared.training), config.global_batch_size, config.random_seed)
    return prepared, *prepared.training.rows(order.indices(1))


class OneBatch:
    """Gives the same global batch at every step, where a training loop expects its `BatchSource`."""

    def __init__(self, batch: Batch) -> None:
        self._only = batch

    def batch(self, _step: int) -> Batch:
        """The global batch of any step."""
        return self._only
