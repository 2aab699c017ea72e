"""Documents become one flat stream of tokens in a file: marker, text, end-of-text, and so on.

The tokenizer is fed batches of half a megabyte, so that memory does not grow with the corpus and its threads are busy.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foundry.data.blocks import Tokens
from foundry.data.documents import AnyDocument, TokenDocument
from foundry.data.progress import Progress
from foundry.data.tokenizers import Tokenizer
from foundry.errors import UserError

BATCH_CHARACTERS = 500_000
BATCHES_AT_ONCE = 2
MAX_PIECE_CHARACTERS = 250_000
"""A longer text is tokenized in pieces, which begin where a word of the tokenizer does."""

_Tokens = npt.NDArray[np.uint32]
_CUTS = (re.compile(r"\S\n(?=\S)"), re.compile(r"(?= \S)"))
"""After the end of a line, with no other white space around it, or else before the last space in front of a word."""


@dataclass(frozen=True)
class TokenFile:
    """What was written.

    Attributes:
        num_documents: with at least their end-of-text token.
        num_tokens: in the file.
        sha256: of the file's bytes.
        num_bytes: of the file.
    """

    num_documents: int
    num_tokens: int
    sha256: str
    num_bytes: int


def token_type(vocab_size: int) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """The smallest type of those we use that holds every token number."""
    return np.dtype("<u2") if vocab_size <= 1 << 16 else np.dtype("<u4")


def read_tokens(path: Path, vocab_size: int) -> Tokens:
    """A token file, memory-mapped and read-only, shape (tokens,)."""
    return np.memmap(path, dtype=token_type(vocab_size), mode="r")


def write_tokens(path: Path, tokenizer: Tokenizer, documents: Iterable[AnyDocument], progress: Progress) -> TokenFile:
    """Put the tokens of `documents` into a file, one document after another.

    Raises:
        UserError: a document that came as tokens holds one beyond the vocabulary.
    """
    dtype = token_type(tokenizer.vocab_size)
    digest = hashlib.sha256()
    num_documents = num_tokens = 0
    with path.open("xb") as stream:
        for in_batch, tokens in _encoded(tokenizer, documents):
            num_documents += in_batch
            num_tokens += len(tokens)
            content = tokens.astype(dtype).tobytes()
            digest.update(content)
            stream.write(content)
            progress.update(f"tokenizing: {num_tokens:,} tokens, {num_tokens / progress.seconds:,.0f} tokens/s")
    return TokenFile(num_documents, num_tokens, digest.hexdigest(), num_tokens * dtype.itemsize)


def pieces(text: str) -> Iterator[str]:
    """The text in pieces that are not too long for the tokenizer, cut between two of its words if it has any.

    Byte-level BPE gives the same tokens for the pieces as for the whole: it merges nothing across its words, a word
    takes the one space before it along, and one line end between other characters is a word by itself. At longer
    white space the words depend on what follows, so that a cut behind it would make other tokens.
    """
    start = 0
    while len(text) - start > MAX_PIECE_CHARACTERS:
        end = _cut(text, start + MAX_PIECE_CHARACTERS // 2, start + MAX_PIECE_CHARACTERS)
        yield text[start:end]
        start = end
    yield text[start:]


def _cut(text: str, earliest: int, latest: int) -> int:
    """Where a word begins between two places in the text; the latest one if there is none."""
    for pattern in _CUTS:
        if found := pattern.search(text, earliest, latest):
            return found.end()
    return latest


def _encoded(tokenizer: Tokenizer, documents: Iterable[AnyDocument]) -> Iterator[tuple[int, _Tokens]]:
    """Batch by batch, the number of documents and their tokens.

    Two batches are under way at a time: while the numbers of one are copied, the tokenizer's own threads are busy with
    the other.
    """
    with ThreadPoolExecutor(BATCHES_AT_ONCE, "tokenizing") as threads:
        under_way: deque[tuple[int, Future[_Tokens]]] = deque()
        for batch in _batches(documents):
            under_way.append((len(batch), threads.submit(_encode, tokenizer, batch)))
            if len(under_way) > BATCHES_AT_ONCE:
                in_batch, tokens = under_way.popleft()
                yield in_batch, tokens.result()
        for in_batch, tokens in under_way:
            yield in_batch, tokens.result()


def _batches(documents: Iterable[AnyDocument]) -> Iterator[list[AnyDocument]]:
    batch: list[AnyDocument] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.ids) if isinstance(document, TokenDocument) else len(document.text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _encode(tokenizer: Tokenizer, batch: list[AnyDocument]) -> _Tokens:
    texts = [list(pieces(document.body)) for document in batch if not isinstance(document, TokenDocument)]
    encoded = iter(tokenizer.encode_batch([piece for text in texts for piece in text]))
    num_pieces = iter([len(text) for text in texts])
    tokens = array("I")
    for document in batch:
        if isinstance(document, TokenDocument):
            tokens.frombytes(_checked(document, tokenizer).tobytes())
        else:
            if document.kind in tokenizer.marker_ids:
                tokens.append(tokenizer.marker_ids[document.kind])
            for _ in range(next(num_pieces)):
                tokens.fromlist(next(encoded))
        if not (isinstance(document, TokenDocument) and document.ids[-1] == tokenizer.eos_id):
            tokens.append(tokenizer.eos_id)
    return np.frombuffer(tokens, dtype=np.uint32)


def _checked(document: TokenDocument, tokenizer: Tokenizer) -> _Tokens:
    largest = int(document.ids.max())
    if largest >= tokenizer.vocab_size:
        raise UserError(
            f"{document.key}: token {largest} is beyond the vocabulary of {tokenizer.vocab_size} tokens; "
            "tokenizer.name_or_path must be the tokenizer that made these input_ids"
        )
    return document.ids
