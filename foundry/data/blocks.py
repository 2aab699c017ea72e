"""Fixed-length pieces of a flat stream of tokens.

Shapes: B blocks asked for, L tokens in a block.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundry.errors import FoundryError

Tokens = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class BlockDataset:
    """Block i holds tokens i*L to (i+1)*L of a stream; the last block is filled up with padding, so no token is lost.

    Args:
        tokens: the stream, shape (tokens,); usually memory-mapped.
        block_size: L.
        pad_id: fills the last block.
        targets: shape (tokens,), true for the tokens that are to be predicted; None means all.
        starts: shape (tokens,), true for the first token of each document, where attention is to stay inside of
            documents; None where it is not.
    """

    def __init__(
        self,
        tokens: Tokens,
        block_size: int,
        pad_id: int,
        targets: Flags | None = None,
        starts: Flags | None = None,
    ) -> None:
        if block_size < 1:
            raise ValueError(f"block_size must be at least 1, got {block_size}")
        for name, flags in (("targets", targets), ("starts", starts)):
            if flags is not None and len(flags) != len(tokens):
                raise ValueError(f"{len(flags)} {name} do not go with {len(tokens)} tokens")
        self._targets = targets
        self._starts = starts
        self.tokens = tokens
        self.block_size = block_size
        self.pad_id = pad_id
        self._num_whole = len(tokens) // block_size
        # A plain array over the same memory: indexing a memory map costs several times as much.
        self._whole_NL = np.asarray(tokens)[: self._num_whole * block_size].reshape(-1, block_size)

    def without_starts(self) -> BlockDataset:
        """The same blocks, in which tokens see the documents before their own."""
        return BlockDataset(self.tokens, self.block_size, self.pad_id, self._targets)

    def __len__(self) -> int:
        return -(-len(self.tokens) // self.block_size)

    @property
    def num_padding(self) -> int:
        """The padding tokens of the last block."""
        return len(self) * self.block_size - len(self.tokens)

    @property
    def num_targets(self) -> int:
        """The tokens that are predicted when every block is read once; the first one of a block never is."""
        if self._targets is None and self._starts is None:
            return len(self.tokens) - len(self)
        counts = np.ones(len(self.tokens), dtype=np.bool_) if self._targets is None else np.array(self._targets)
        if self._starts is not None:
            counts &= ~self._starts
        counts[:: self.block_size] = False
        return int(np.count_nonzero(counts))

    def targets_of(self, indices: npt.NDArray[np.integer]) -> Flags | None:
        """Which tokens of the blocks at `indices` are to be predicted, shape (B, L); None means all of them."""
        return None if self._targets is None else self._flags_of(self._targets, indices)

    def starts_of(self, indices: npt.NDArray[np.integer]) -> Flags | None:
        """Which tokens of the blocks at `indices` begin a document, shape (B, L); None where that is not to matter."""
        return None if self._starts is None else self._flags_of(self._starts, indices)

    def _flags_of(self, flags: Flags, indices: npt.NDArray[np.integer]) -> Flags:
        rows_BL = np.zeros((len(indices), self.block_size), dtype=np.bool_)
        for row_L, index in zip(rows_BL, indices, strict=True):
            of_block = flags[index * self.block_size : (index + 1) * self.block_size]
            row_L[: len(of_block)] = of_block
        return rows_BL

    def rows(self, indices: npt.NDArray[np.integer]) -> tuple[Ids, Ids]:
        """The blocks at `indices`, shape (B,).

        Returns:
            `ids_BL` and `lengths_B`: in row b the first `lengths_B[b]` ids are tokens, the rest is padding.

        Raises:
            FoundryError: an index is not the index of a block.
        """
        indices_B = np.asarray(indices, dtype=np.int64)
        if indices_B.size and (indices_B.min() < 0 or indices_B.max() >= len(self)):
            raise FoundryError(f"blocks {indices_B.min()}..{indices_B.max()} were asked for, there are {len(self)}")
        whole = indices_B < self._num_whole
        if whole.all():
            return self._whole_NL[indices_B].astype(np.int64), np.full(len(indices_B), self.block_size)
        ids_BL = np.full((len(indices_B), self.block_size), self.pad_id, dtype=np.int64)
        ids_BL[whole] = self._whole_NL[indices_B[whole]]
        remainder = self.tokens[self._num_whole * self.block_size :]
        ids_BL[~whole, : len(remainder)] = remainder
        return ids_BL, np.where(whole, self.block_size, len(remainder))
