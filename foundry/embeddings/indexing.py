"""Brings an index up to date with texts: what is there already is not embedded again.

The index itself is asked what it holds, so that whatever an earlier call that was killed has left is used, and none of
it is taken on trust. Every act may be repeated without harm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foundry.data.progress import Progress
from foundry.embeddings.embedder import Embedder, OpenEmbedder
from foundry.embeddings.index import Point, VectorIndex
from foundry.embeddings.texts import IndexedText
from foundry.errors import UserError

WINDOW = 4_096
"""Texts that are in memory, and sorted by length, at once."""


@dataclass
class Indexed:
    """What became of texts.

    Attributes:
        payloads: of every point that the index now holds, by their ids.
        dimension: the length of the vectors.
        embedded: texts that were embedded now.
        kept: points whose vector was there.
        removed: points that were there, and whose text is gone.
    """

    payloads: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    dimension: int = 0
    embedded: int = 0
    kept: int = 0
    removed: int = 0


def update_index(
    index: VectorIndex,
    texts: Iterable[IndexedText],
    open_embedder: OpenEmbedder,
    model_digest: str,
    batch_size: int,
    progress: Progress,
) -> Indexed:
    """Make `index` hold a point for each of the texts, and no other.

    Args:
        open_embedder: loads the model; not called where nothing has changed.
        model_digest: says which model that is.

    Raises:
        UserError: the index holds vectors of another length.
        FoundryError: the index does not answer.
    """
    return _Update(index, open_embedder, model_digest, batch_size, progress).run(texts)


class _Update:
    """One call of `update_index`."""

    def __init__(
        self, index: VectorIndex, open_embedder: OpenEmbedder, model_digest: str, batch_size: int, progress: Progress
    ) -> None:
        self.index, self.model_digest, self.batch_size, self.progress = index, model_digest, batch_size, progress
        self._open_embedder = open_embedder
        self._embedder: Embedder | None = None
        self.done = Indexed()
        self.waiting: dict[str, IndexedText] = {}
        self.moved: dict[str, Mapping[str, Any]] = {}

    def run(self, texts: Iterable[IndexedText]) -> Indexed:
        stored = self._stored()
        for text in texts:
            self._take(text, stored.get(text.id))
            if len(self.waiting) >= WINDOW:
                self._embed_waiting("more than ")
        self._embed_waiting()
        if self.moved:
            self.index.replace_payloads(self.moved)
        gone = sorted(stored.keys() - self.done.payloads.keys())
        if gone:
            self.index.delete(gone)
        self.done.removed = len(gone)
        return self.done

    def _stored(self) -> dict[str, tuple[str, str]]:
        """Of each point that is there, what its vector was made of, and a digest of what is kept beside it."""
        dimension = self.index.dimension()
        if dimension is None:
            self.done.dimension = self.embedder.dimension
            self.index.create(self.done.dimension)
            return {}
        self.done.dimension = dimension
        stored, others = {}, 0
        for point_id, payload in self.index.payloads():
            stored[point_id] = (str(payload.get("embedded")), _digest(payload))
            others += payload.get("model") != self.model_digest
        if others:
            self._require_equal_dimension()
            self.progress.note(f"{self.index.place}: {others:,} vectors are of another model; all are made again")
        return stored

    @property
    def embedder(self) -> Embedder:
        if self._embedder is None:
            self._embedder = self._open_embedder()
        return self._embedder

    def _require_equal_dimension(self) -> None:
        if self.embedder.dimension != self.done.dimension:
            raise UserError(
                f"embed.model: gives vectors of {self.embedder.dimension} numbers, and those in {self.index.place} "
                f"have {self.done.dimension}, made by another model; name that one, or remove the index to make it anew"
            )

    def _take(self, text: IndexedText, stored: tuple[str, str] | None) -> None:
        payload = text.payload(self.model_digest)
        self.done.payloads[text.id] = payload
        if stored is None or stored[0] != payload["embedded"]:
            self.waiting[text.id] = text
            return
        self.done.kept += 1
        if stored[1] != _digest(payload):
            self.moved[text.id] = payload

    def _embed_waiting(self, at_least: str = "") -> None:
        if not self.waiting:
            return
        self._require_equal_dimension()
        waiting = list(self.waiting.values())
        total = f"{at_least}{self.done.embedded + len(waiting):,}"
        for places, vectors in self.embedder.documents([text.text for text in waiting], self.batch_size):
            ids = [waiting[place].id for place in places]
            self.index.upsert(
                [
                    Point(point_id, vector, self.done.payloads[point_id])
                    for point_id, vector in zip(ids, vectors, strict=True)
                ]
            )
            self.done.embedded += len(ids)
            rate = self.done.embedded / self.progress.seconds
            self.progress.update(f"embedding: {self.done.embedded:,} of {total} texts, {rate:,.0f} texts/s")
        self.waiting.clear()


def _digest(payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
