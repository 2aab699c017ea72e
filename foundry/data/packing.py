"""Documents become one flat stream of tokens in a file: marker, text, end-of-text, and so on.

Beside `train.bin` may stand `train.starts.bin` and `train.targets.bin`, with one byte for each token: 1 where a
document begins, and 1 where the token is a target of fine-tuning.

The tokenizer is fed batches of half a megabyte, so that memory does not grow with the corpus and its threads are busy.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from foundry.data.blocks import Flags, Tokens
from foundry.data.documents import PlainDocument, TokenDocument
from foundry.data.progress import Progress
from foundry.data.tokenizers import Tokenizer
from foundry.errors import UserError

BATCH_CHARACTERS = 500_000
BATCHES_AT_ONCE = 2
MAX_PIECE_CHARACTERS = 250_000
"""A longer text is tokenized in pieces, which begin where a word of the tokenizer does."""

Batch = TypeVar("Batch")
Encoded = TypeVar("Encoded")
_Tokens = npt.NDArray[np.uint32]
_Bytes = npt.NDArray[np.uint8]
_CUTS = (re.compile(r"\S\n(?=\S)"), re.compile(r"(?= \S)"))
"""After the end of a line, with no other white space around it, or else before the last space in front of a word."""


@dataclass(frozen=True)
class TokenFile:
    """What was written.

    Attributes:
        num_documents: with at least their end-of-text token.
        num_tokens: of documents, in the file.
        num_padding: tokens between them.
        files: the file of tokens and those beside it, by their names.
    """

    num_documents: int
    num_tokens: int
    num_padding: int
    files: dict[str, WrittenFile]


@dataclass(frozen=True)
class WrittenFile:
    """SHA-256 and size of a file."""

    sha256: str
    num_bytes: int


class PackedTokens(NamedTuple):
    """A part of a stream.

    Attributes:
        num_documents: that it holds.
        num_padding: of its tokens belong to no document.
        tokens: shape (tokens,).
        starts: uint8, shape (tokens,): 1 where a document begins.
        targets: uint8, shape (tokens,): 1 where a token is to be predicted; None where every token is.
    """

    num_documents: int
    num_padding: int
    tokens: _Tokens
    starts: _Bytes
    targets: _Bytes | None = None


def token_type(vocab_size: int) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """The smallest type of those we use that holds every token number."""
    return np.dtype("<u2") if vocab_size <= 1 << 16 else np.dtype("<u4")


def read_tokens(path: Path, vocab_size: int) -> Tokens:
    """A token file, memory-mapped and read-only, shape (tokens,)."""
    return np.memmap(path, dtype=token_type(vocab_size), mode="r")


def read_flags(path: Path) -> Flags:
    """A file beside a token file, memory-mapped and read-only, shape (tokens,)."""
    return np.memmap(path, dtype=np.bool_, mode="r")


def starts_file(path: Path) -> Path:
    """Where the starts of documents stand, beside the token file at `path`."""
    return path.with_suffix(".starts.bin")


def targets_file(path: Path) -> Path:
    """Where the targets stand, beside the token file at `path`."""
    return path.with_suffix(".targets.bin")


def write_tokens(
    path: Path,
    tokenizer: Tokenizer,
    documents: Iterable[PlainDocument],
    progress: Progress,
    *,
    with_starts: bool = False,
) -> TokenFile:
    """Put the tokens of `documents` into a file, one document after another.

    Args:
        with_starts: write beside it where documents begin.

    Raises:
        UserError: a document that came as tokens holds one beyond the vocabulary.
    """
    return write_packed(path, tokenizer.vocab_size, _encoded(tokenizer, documents), progress, with_starts=with_starts)


def write_packed(
    path: Path,
    vocab_size: int,
    parts: Iterable[PackedTokens],
    progress: Progress,
    *,
    with_starts: bool,
    with_targets: bool = False,
) -> TokenFile:
    """Put the parts of a stream into a file, and beside it what else is asked for."""
    dtype = token_type(vocab_size)
    num_documents = num_tokens = num_padding = 0
    with contextlib.ExitStack() as held:
        tokens = held.enter_context(_DigestedFile(path))
        starts = held.enter_context(_DigestedFile(starts_file(path))) if with_starts else None
        targets = held.enter_context(_DigestedFile(targets_file(path))) if with_targets else None
        for part in parts:
            num_documents += part.num_documents
            num_padding += part.num_padding
            num_tokens += len(part.tokens)
            tokens.write(part.tokens.astype(dtype).tobytes())
            if starts is not None:
                starts.write(part.starts.tobytes())
            if targets is not None:
                assert part.targets is not None
                targets.write(part.targets.tobytes())
            progress.update(f"tokenizing: {num_tokens:,} tokens, {num_tokens / progress.seconds:,.0f} tokens/s")
    files = {file.name: file.written for file in (tokens, starts, targets) if file is not None}
    return TokenFile(num_documents, num_tokens - num_padding, num_padding, files)


class _DigestedFile(contextlib.AbstractContextManager["_DigestedFile"]):
    """A new file, of whose bytes the SHA-256 is known when they are written."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._stream = path.open("xb")
        self._digest = hashlib.sha256()
        self._num_bytes = 0

    def write(self, content: bytes) -> None:
        self._digest.update(content)
        self._num_bytes += self._stream.write(content)

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    @property
    def written(self) -> WrittenFile:
        return WrittenFile(self._digest.hexdigest(), self._num_bytes)


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


def _encoded(tokenizer: Tokenizer, documents: Iterable[PlainDocument]) -> Iterator[PackedTokens]:
    """The documents' tokens, batch by batch.

    Two batches are under way at a time: while the numbers of one are copied, the tokenizer's own threads are busy with
    the other.
    """
    return encoded_ahead(lambda batch: _encode(tokenizer, batch), _batches(documents))


def encoded_ahead(encode: Callable[[Batch], Encoded], batches: Iterable[Batch]) -> Iterator[Encoded]:
    """What `encode` makes of each batch, in their order, with the next ones under way in threads of their own."""
    with ThreadPoolExecutor(BATCHES_AT_ONCE, "tokenizing") as threads:
        under_way: deque[Future[Encoded]] = deque()
        for batch in batches:
            under_way.append(threads.submit(encode, batch))
            if len(under_way) > BATCHES_AT_ONCE:
                yield under_way.popleft().result()
        for encoded in under_way:
            yield encoded.result()


def _batches(documents: Iterable[PlainDocument]) -> Iterator[list[PlainDocument]]:
    batch: list[PlainDocument] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.ids) if isinstance(document, TokenDocument) else len(document.text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _encode(tokenizer: Tokenizer, batch: list[PlainDocument]) -> PackedTokens:
    texts = [list(pieces(document.body)) for document in batch if not isinstance(document, TokenDocument)]
    encoded = iter(tokenizer.encode_batch([piece for text in texts for piece in text]))
    num_pieces = iter([len(text) for text in texts])
    tokens = array("I")
    starts = []
    for document in batch:
        starts.append(len(tokens))
        if isinstance(document, TokenDocument):
            tokens.frombytes(_checked(document, tokenizer).tobytes())
        else:
            if document.kind in tokenizer.marker_ids:
                tokens.append(tokenizer.marker_ids[document.kind])
            for _ in range(next(num_pieces)):
                tokens.fromlist(next(encoded))
        if not (isinstance(document, TokenDocument) and document.ids[-1] == tokenizer.eos_id):
            tokens.append(tokenizer.eos_id)
    is_start = np.zeros(len(tokens), dtype=np.uint8)
    is_start[starts] = 1
    return PackedTokens(len(batch), 0, np.frombuffer(tokens, dtype=np.uint32), is_start)


def _checked(document: TokenDocument, tokenizer: Tokenizer) -> _Tokens:
    largest = int(document.ids.max())
    if largest >= tokenizer.vocab_size:
        raise UserError(
            f"{document.key}: token {largest} is beyond the vocabulary of {tokenizer.vocab_size} tokens; "
            "tokenizer.name_or_path must be the tokenizer that made these input_ids"
        )
    return document.ids
