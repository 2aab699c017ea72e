"""What an index of vectors does for us, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from foundry.embeddings.embedder import Vectors
from foundry.embeddings.texts import Kind


@dataclass(frozen=True)
class Point:
    """A vector with what is kept beside it, see `foundry.embeddings.texts.IndexedText.payload`."""

    id: str
    vector: Vectors
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """A point that was found.

    Attributes:
        score: the cosine of the angle to the question, at most 1.
        payload: what was kept beside its vector.
    """

    score: float
    payload: Mapping[str, Any]


class VectorIndex(Protocol):
    """Vectors of one length under ids, compared by their cosine.

    Every method raises `FoundryError` where the index does not answer or is in use elsewhere.
    """

    @property
    def place(self) -> str:
        """Where it is, for messages."""

    def dimension(self) -> int | None:
        """The length of its vectors; None as long as it is not made."""

    def create(self, dimension: int) -> None:
        """Make it, for vectors of this length."""

    def payloads(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The id and the payload of each point."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those of the same ids; done when it returns."""

    def replace_payloads(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace what is kept beside vectors, by their ids; the vectors stay."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; those that are not there do no harm."""

    def nearest(self, vector: Vectors, limit: int, kind: Kind | None) -> list[Hit]:
        """The nearest point of each commit and file, at most `limit` of them, the nearest first.

        Args:
            kind: leave out the others; None means both.
        """

    def close(self) -> None:
        """Let others use it."""
