"""Fixed-length pieces of a flat stream of tokens.

Shapes: B blocks asked for, L tokens in a block.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundry.errors import FoundryError

Tokens = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
Ids = npt.NDArray[np.int64]


class BlockDataset:
    """Block i holds tokens i*L to (i+1)*L of a stream; the last block is filled up with padding, so no token is lost.

    Args:
        tokens: the stream, shape (tokens,); usually memory-mapped.
        block_size: L.
        pad_id: fills the last block.
    """

    def __init__(self, tokens: Tokens, block_size: int, pad_id: int) -> None:
        if block_size < 1:
            raise ValueError(f"block_size must be at least 1, got {block_size}")
        self.tokens = tokens
        self.block_size = block_size
        self.pad_id = pad_id
        self._num_whole = len(tokens) // block_size
        # A plain array over the same memory: indexing a memory map costs several times as much.
        self._whole_NL = np.asarray(tokens)[: self._num_whole * block_size].reshape(-1, block_size)

    def __len__(self) -> int:
        return -(-len(self.tokens) // self.block_size)

    @property
    def num_padding(self) -> int:
        """The padding tokens of the last block."""
        return len(self) * self.block_size - len(self.tokens)

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
