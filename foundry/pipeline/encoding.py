"""Marked documents become tokens: a marker is one token where the vocabulary has it, and plain text elsewhere."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from foundry.data.packing import BATCH_CHARACTERS, encoded_ahead, pieces
from foundry.data.tokenizers import MARKERS, Tokenizer
from foundry.pipeline.marked_documents import MarkedDocument, Part
from foundry.pipeline.sequence_packing import EncodedDocument


def encoded_batches(tokenizer: Tokenizer, documents: Iterable[MarkedDocument]) -> Iterator[list[EncodedDocument]]:
    """The documents with their tokens, an end of text after each, some at a time."""
    return encoded_ahead(lambda batch: encoded(tokenizer, batch), _batches(documents))


def encoded(tokenizer: Tokenizer, documents: list[MarkedDocument]) -> list[EncodedDocument]:
    """The documents with their tokens, an end of text after each."""
    texts = [list(pieces(_text(part, tokenizer))) for document in documents for part in document.parts]
    of_pieces = iter(tokenizer.encode_batch([piece for text in texts for piece in text]))
    num_pieces = iter([len(text) for text in texts])
    result = []
    for document in documents:
        ids = array("I")
        for part in document.parts:
            if part.marker in tokenizer.marker_ids:
                ids.append(tokenizer.marker_ids[part.marker])
            for _ in range(next(num_pieces)):
                ids.fromlist(next(of_pieces))
        ids.append(tokenizer.eos_id)
        result.append(EncodedDocument(document, np.frombuffer(ids, dtype=np.uint32)))
    return result


def _text(part: Part, tokenizer: Tokenizer) -> str:
    return part.text if part.marker in tokenizer.marker_ids else MARKERS[part.marker] + part.text


def _batches(documents: Iterable[MarkedDocument]) -> Iterator[list[MarkedDocument]]:
    batch: list[MarkedDocument] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += sum(len(part.text) for part in document.parts)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
