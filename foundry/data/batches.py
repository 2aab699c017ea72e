"""The batch of step k, computed from (seed, k) alone.

Sample number n = (k - 1) * B + j of a training run, for j in 0..B-1, lies in epoch n // N, where N is the number of
blocks. Within an epoch, position n % N is mapped to a block by a permutation that is keyed by (seed, epoch): a Feistel
network over the next power of two, walked until it lands inside 0..N-1 (Black and Rogaway 2002, "Ciphers with arbitrary
finite domains", section 4). No list of N blocks is ever made, and step 1,000,000 costs what step 1 costs.

Shapes: B blocks in a global batch, M in a micro-batch, L tokens in a block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from foundry.data.blocks import BlockDataset, Flags

IGNORED_LABEL = -100
"""The label of a position that counts in no loss."""
ROUNDS = 8
MAX_STEPS_AT_ONCE = 64
"""Steps whose blocks are computed together, because array operations cost the same for 64 steps as for one."""

_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
Indices = npt.NDArray[np.int64]
_Numbers = npt.NDArray[np.uint64]


class BatchOrder:
    """Which blocks make up the global batch of a step.

    Args:
        num_blocks: N.
        global_batch_size: B.
        seed: another seed gives another order.
    """

    def __init__(self, num_blocks: int, global_batch_size: int, seed: int) -> None:
        if num_blocks < 1 or global_batch_size < 1:
            raise ValueError(
                f"num_blocks ({num_blocks}) and global_batch_size ({global_batch_size}) must be at least 1"
            )
        self.num_blocks = num_blocks
        self.global_batch_size = global_batch_size
        self.seed = seed
        self._steps_at_once = max(1, min(MAX_STEPS_AT_ONCE, num_blocks // global_batch_size))
        self._window: tuple[int, Indices] = (-1, np.empty((0, 0), dtype=np.int64))

    def total_steps(self, epochs: int) -> int:
        """The steps after which every block was seen `epochs` times."""
        return -(-epochs * self.num_blocks // self.global_batch_size)

    def indices(self, step: int) -> Indices:
        """The blocks of a step, shape (B,); steps count from 1. The batch may reach into the next epoch."""
        if step < 1:
            raise ValueError(f"steps count from 1, got {step}")
        window, row = divmod(step - 1, self._steps_at_once)
        known, steps = self._window
        if known != window:
            steps = self._indices_of(window)
            self._window = (window, steps)
        indices_B: Indices = steps[row].copy()
        return indices_B

    def _indices_of(self, window: int) -> Indices:
        """The blocks of the steps in a window, shape (steps, B)."""
        num_samples = self._steps_at_once * self.global_batch_size
        samples = np.arange(window * num_samples, (window + 1) * num_samples, dtype=np.uint64)
        epochs, positions = np.divmod(samples, np.uint64(self.num_blocks))
        indices = np.empty(num_samples, dtype=np.int64)
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):  # np.unique would import all of numpy.ma
            now = epochs == epoch
            indices[now] = self._blocks_at(positions[now], epoch)
        return indices.reshape(self._steps_at_once, self.global_batch_size)

    def _blocks_at(self, positions: _Numbers, epoch: int) -> _Numbers:
        """The permutation of an epoch, applied to positions; both lie in 0..N-1."""
        keys = np.frombuffer(hashlib.blake2b(f"{self.seed}:{epoch}".encode(), digest_size=8 * ROUNDS).digest(), "<u8")
        num_bits = max((self.num_blocks - 1).bit_length(), 2)
        blocks = _feistel(positions, num_bits, keys)
        while (outside := blocks >= self.num_blocks).any():
            blocks[outside] = _feistel(blocks[outside], num_bits, keys)
        return blocks


def _feistel(numbers: _Numbers, num_bits: int, keys: _Numbers) -> _Numbers:
    """A keyed bijection of the numbers of `num_bits` bits; the two halves may differ by a bit."""
    low_bits, high_bits = np.uint64(num_bits // 2), np.uint64(num_bits - num_bits // 2)
    high, low = numbers >> low_bits, numbers & _ones(low_bits)
    for key in keys:
        high, low = low, high ^ (_scrambled(low ^ key) & _ones(high_bits))
        low_bits, high_bits = high_bits, low_bits
    return (high << low_bits) | low


def _ones(num_bits: np.uint64) -> np.uint64:
    return np.uint64((1 << int(num_bits)) - 1)


def _scrambled(numbers: _Numbers) -> _Numbers:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators")."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MULTIPLIERS[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _MULTIPLIERS[1]
    return numbers ^ (numbers >> np.uint64(31))


@dataclass(frozen=True)
class Batch:
    """Blocks that pass through the model together.

    Attributes:
        input_ids: int64, shape (M, L).
        labels: int64, shape (M, L): equal to `input_ids`, and -100 on what counts in no loss: padding, what is no
            target of fine-tuning, and, where `position_ids` keep documents apart, the first token of a document, which
            nothing of its own document predicts. The loss shifts them by one.
        position_ids: int64, shape (M, L): the position of each token in its document, or in the part of it that the
            block holds; None where tokens see all of the block before them.
    """

    input_ids: torch.Tensor
    labels: torch.Tensor
    position_ids: torch.Tensor | None = None

    def micro_batches(self, size: int, part: slice | None = None) -> Iterator[tuple[int, Batch]]:
        """Pieces of at most `size` blocks, each with the number of its first block; views, not copies.

        Args:
            part: only of these blocks; None means all.
        """
        start, end, _ = (part or slice(None)).indices(len(self.input_ids))
        for first in range(start, end, size):
            piece = slice(first, min(first + size, end))
            positions = None if self.position_ids is None else self.position_ids[piece]
            yield first, Batch(self.input_ids[piece], self.labels[piece], positions)


class BatchSource:
    """Assembles the global batch of a step, ahead of time where it has workers.

    Args:
        dataset: the blocks.
        order: which of them make up a step.
        num_workers: background threads that assemble the following steps; the batches are the same with any number.
    """

    def __init__(self, dataset: BlockDataset, order: BatchOrder, num_workers: int = 0) -> None:
        self._dataset = dataset
        self._order = order
        self._num_workers = num_workers
        self._threads = ThreadPoolExecutor(num_workers, "batches") if num_workers else None
        self._ahead: dict[int, Future[Batch]] = {}

    def batch(self, step: int) -> Batch:
        """The global batch of a step; steps count from 1."""
        if self._threads is None:
            return self._assemble(step)
        wanted = range(step, step + self._num_workers + 1)
        for passed in self._ahead.keys() - set(wanted):
            self._ahead.pop(passed).cancel()
        for following in wanted:
            if following not in self._ahead:
                self._ahead[following] = self._threads.submit(self._assemble, following)
        return self._ahead.pop(step).result()

    def block_numbers(self, step: int) -> list[int]:
        """The numbers of the blocks in the global batch of a step, for people who want to look at them."""
        numbers: list[int] = self._order.indices(step).tolist()
        return numbers

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def _assemble(self, step: int) -> Batch:
        return batch_of(self._dataset, self._order.indices(step))


def sequential_batches(dataset: BlockDataset, batch_size: int, at_most: int | None = None) -> Iterator[Batch]:
    """All blocks once, in their own order; the last batch may be smaller.

    Args:
        at_most: only so many blocks, evenly spread; None means all.
    """
    count = len(dataset) if at_most is None else min(at_most, len(dataset))
    indices = np.arange(count) * len(dataset) // count
    for start in range(0, count, batch_size):
        yield batch_of(dataset, indices[start : start + batch_size])


def batch_of(dataset: BlockDataset, indices: Indices) -> Batch:
    """The blocks at `indices` as one batch; see `Batch` for the labels."""
    ids_ML, lengths_M = dataset.rows(indices)
    targets_ML, starts_ML = dataset.targets_of(indices), dataset.starts_of(indices)
    input_ids_ML = torch.from_numpy(ids_ML)
    if targets_ML is None and starts_ML is None and lengths_M.min() == dataset.block_size:
        return Batch(input_ids_ML, input_ids_ML)
    counts_ML = np.arange(dataset.block_size) < lengths_M[:, None]
    if targets_ML is not None:
        counts_ML &= targets_ML
    if starts_ML is not None:
        counts_ML &= ~starts_ML
    labels_ML = torch.from_numpy(np.where(counts_ML, ids_ML, IGNORED_LABEL))
    return Batch(input_ids_ML, labels_ML, None if starts_ML is None else torch.from_numpy(_positions(starts_ML)))


def _positions(starts_ML: Flags) -> Indices:
    """How far each token is from the last start before it, or from the start of its block."""
    places_L = np.arange(starts_ML.shape[1])
    return places_L - np.maximum.accumulate(np.where(starts_ML, places_L, 0), axis=1)
