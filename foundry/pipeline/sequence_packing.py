"""Documents become sequences of one length that overlap, and a note on each sequence.

The documents of one kind stand one after another in a stream, in the order of time. A sequence begins with the last
`overlap` tokens of the one before it: they are context, without loss, so that every token of the stream is predicted
once in an epoch. (Only the very first of the stream never is; and without overlap, the first of each sequence.) What
the last sequence of a stream lacks is padding, without loss, too.

Shapes: S sequences, L tokens in a sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundry.data.packing import PackedTokens
from foundry.pipeline.marked_documents import MarkedDocument

Ids = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class EncodedDocument:
    """A document and its tokens, shape (tokens,), the end of text included."""

    document: MarkedDocument
    ids: Ids


class SequenceNote(NamedTuple):
    """What is known of a sequence; where it holds several documents, commit, author and so on are of the last one.

    Attributes:
        side: `training` or `validation`.
        sequence: its number on that side, from 0.
        source: `commit` or `file`.
        document: the hash of the commit, or the path of the file.
        documents: how many it holds, or parts of them.
        time: of the commit, in seconds since 1970.
        tokens: without padding.
        targets: tokens that are predicted.
    """

    side: str
    sequence: int
    source: str
    document: str
    documents: int
    last_commit: str
    author: str
    time: int
    directory: str
    tokens: int
    targets: int


class SequencePacking:
    """Cuts streams of documents into sequences, for one side.

    Args:
        length: L.
        overlap: tokens that a sequence repeats; below L.

    Attributes:
        notes: of the sequences that were made since they were last taken away.
        num_sequences: by the source.
        num_tokens: of all documents, repetitions not counted.
        num_targets: tokens that are predicted.
    """

    def __init__(self, side: str, length: int, overlap: int, pad_id: int) -> None:
        self.notes: list[SequenceNote] = []
        self.num_sequences: dict[str, int] = {}
        self.num_tokens = 0
        self.num_targets = 0
        self._side = side
        self._length = length
        self._overlap = overlap
        self._pad_id = pad_id

    def stream(self, source: str, batches: Iterable[list[EncodedDocument]]) -> Iterator[PackedTokens]:
        """The sequences of one source, some at a time."""
        ids: Ids = np.empty(0, dtype=np.uint32)
        starts: list[int] = []
        documents: list[MarkedDocument] = []
        self.num_sequences[source] = 0
        for batch in batches:
            added = np.concatenate([encoded.ids for encoded in batch])
            self.num_tokens += len(added)
            lengths = [len(encoded.ids) for encoded in batch]
            starts += (len(ids) + np.cumsum([0, *lengths[:-1]])).tolist()
            documents += [encoded.document for encoded in batch]
            ids = np.concatenate([ids, added])
            count = max(0, (len(ids) - self._overlap) // self._stride)
            yield self._cut(source, ids, starts, documents, count, len(batch))
            done = count * self._stride
            ids = ids[done:]
            first = max(0, int(np.searchsorted(starts, done, side="right")) - 1)
            starts, documents = [start - done for start in starts[first:]], documents[first:]
        if len(ids) > (self._overlap if self.num_sequences[source] else 0):
            yield self._cut(source, ids, starts, documents, 1, 0)

    @property
    def _stride(self) -> int:
        return self._length - self._overlap

    def _cut(
        self, source: str, ids: Ids, starts: list[int], documents: list[MarkedDocument], count: int, num_new: int
    ) -> PackedTokens:
        """The first `count` sequences of what is at hand; the last of them is filled up."""
        places_SL = np.arange(count)[:, None] * self._stride + np.arange(self._length)
        is_token_SL = places_SL < len(ids)
        ids_SL = np.where(is_token_SL, ids[np.minimum(places_SL, len(ids) - 1)], np.uint32(self._pad_id))
        is_start = np.zeros(len(ids) + 1, dtype=np.uint8)
        is_start[[start for start in starts if start >= 0]] = 1
        starts_SL = is_start[np.minimum(places_SL, len(ids))]
        targets_SL = is_token_SL.copy()
        targets_SL[:, : max(self._overlap, 1)] = False
        if count and self.num_sequences[source] == 0:
            targets_SL[0, 1 : self._overlap] = is_token_SL[0, 1 : self._overlap]
        self._note(source, starts, documents, is_token_SL.sum(axis=1), targets_SL.sum(axis=1))
        return PackedTokens(
            num_new,
            int((~is_token_SL).sum()),
            ids_SL.astype(np.uint32).ravel(),
            starts_SL.ravel(),
            targets_SL.astype(np.uint8).ravel(),
        )

    def _note(
        self,
        source: str,
        starts: list[int],
        documents: list[MarkedDocument],
        num_tokens_S: npt.NDArray[np.int64],
        num_targets_S: npt.NDArray[np.int64],
    ) -> None:
        begins_S = np.arange(len(num_tokens_S)) * self._stride
        firsts_S = np.searchsorted(starts, begins_S, side="right") - 1
        lasts_S = np.searchsorted(starts, begins_S + num_tokens_S, side="left") - 1
        number = sum(self.num_sequences.values())
        columns = (column.tolist() for column in (firsts_S, lasts_S, num_tokens_S, num_targets_S))
        for first, last, tokens, targets in zip(*columns, strict=True):
            document = documents[last]
            self.notes.append(
                SequenceNote(
                    side=self._side,
                    sequence=number,
                    source=source,
                    document=document.name,
                    documents=last - first + 1,
                    last_commit=document.last_commit,
                    author=document.author,
                    time=document.time,
                    directory=document.directory,
                    tokens=tokens,
                    targets=targets,
                )
            )
            number += 1
        self.num_sequences[source] += len(num_tokens_S)
        self.num_targets += int(num_targets_S.sum())

    def taken_notes(self) -> list[dict[str, str | int]]:
        """The notes since the last call, as plain values."""
        taken, self.notes = self.notes, []
        return [note._asdict() for note in taken]
