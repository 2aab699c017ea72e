"""Which documents train and which validate: decided by a keyed hash of the content, never by place or order.

Equal contents have equal hashes, so they stand on one side together. Validation takes the smallest hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from foundry.data.documents import AnyDocument
from foundry.data.spool import DocumentSpool
from foundry.errors import UserError

Hashes = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.uint64]

LARGEST_HASH = 2**64 - 1


class Documents(Protocol):
    """Some of the documents of a spool, in its order."""

    def __iter__(self) -> Iterator[AnyDocument]: ...

    @property
    def num_bytes(self) -> int:
        """Bytes of the documents' contents."""

    def hashes(self) -> Hashes:
        """The documents' hashes, shape (documents,)."""


@dataclass(frozen=True)
class Side:
    """The documents of a spool whose hashes lie between two values, both included."""

    spool: DocumentSpool
    first_hash: int = 0
    last_hash: int = LARGEST_HASH

    def __iter__(self) -> Iterator[AnyDocument]:
        return (document for content_hash, document in self.spool if self.first_hash <= content_hash <= self.last_hash)

    @property
    def num_bytes(self) -> int:
        """Bytes of the documents' contents."""
        return int(self.spool.sizes[self._chosen()].sum())

    def hashes(self) -> Hashes:
        """The documents' hashes, shape (documents,)."""
        return self.spool.hashes[self._chosen()]

    def sample(self, max_bytes: int) -> Side:
        """A random part of the documents: those with the largest hashes that fit into `max_bytes`, at least one."""
        chosen = self._chosen()
        hashes, sizes = self.spool.hashes[chosen], self.spool.sizes[chosen]
        order = np.argsort(hashes)[::-1]
        fitting = int(np.searchsorted(np.cumsum(sizes[order]), max_bytes, side="right"))
        return replace(self, first_hash=int(hashes[order[max(fitting, 1) - 1]]))

    def _chosen(self) -> npt.NDArray[np.bool_]:
        hashes = self.spool.hashes
        return (hashes >= np.uint64(self.first_hash)) & (hashes <= np.uint64(self.last_hash))


def divided(spool: DocumentSpool, validation_fraction: float) -> tuple[Side, Side]:
    """The training side and the validation side.

    Validation takes the smallest hashes that together reach `validation_fraction` of the bytes; at least one document
    is on each side.

    Raises:
        UserError: there is only one document, or all are equal.
    """
    last = _last_validation_hash(spool.hashes, spool.sizes, validation_fraction)
    return Side(spool, first_hash=last + 1), Side(spool, last_hash=last)


def _last_validation_hash(hashes: Hashes, sizes: Sizes, fraction: float) -> int:
    distinct, group = np.unique(hashes, return_inverse=True)
    if len(distinct) < 2:
        what = "one document" if len(hashes) == 1 else f"{len(hashes)} documents of equal content"
        raise UserError(
            f"the corpus is {what}, which cannot be divided into training and validation: set "
            "data.validation_fraction to 0, or give data.training_corpus and data.test_corpus"
        )
    bytes_up_to = np.cumsum(np.bincount(group, weights=sizes))
    last = int(np.searchsorted(bytes_up_to, fraction * bytes_up_to[-1]))
    return int(distinct[min(last, len(distinct) - 2)])
