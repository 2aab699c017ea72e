"""Documents on their way from a source to token files, kept on disk so that a source is read once.

The split, the tokenizer's training and the tokenizing each need all documents. Reading them three times from a source
would be slow and could give three different answers; keeping them in memory would not fit.
"""

from __future__ import annotations

import hashlib
import json
import struct
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foundry.data.documents import AnyDocument, Document, Example, Message, TokenDocument
from foundry.errors import FoundryError

_HEADER = struct.Struct("<BIQQ")
_KINDS = ("file", "commit", "text")
_TOKENS = len(_KINDS)
_EXAMPLE = _TOKENS + 1


class DocumentSpool:
    """A file of documents, each with a keyed hash of its content.

    Args:
        path: the file, which does not exist yet.
        seed: keys the hash, so that another seed orders the documents in another way.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._hashes = array("Q")
        self._sizes = array("Q")

    def write(self, documents: Iterable[AnyDocument]) -> None:
        """Put `documents` on disk; 16 bytes of each stay in memory."""
        with self._path.open("xb") as stream:
            for document in documents:
                kind, key, content = _packed(document)
                content_hash = _hash(content, self._seed)
                self._hashes.append(content_hash)
                self._sizes.append(len(content))
                stream.write(_HEADER.pack(kind, len(key), len(content), content_hash) + key)
                stream.write(content)

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[tuple[int, AnyDocument]]:
        """Each document with its hash, in the order written."""
        with self._path.open("rb") as stream:
            while header := stream.read(_HEADER.size):
                kind, key_size, content_size, content_hash = _HEADER.unpack(header)
                key, content = stream.read(key_size), stream.read(content_size)
                if len(content) != content_size:
                    raise FoundryError(f"{self._path} is cut short; launch again")
                yield content_hash, _unpacked(kind, key, content)

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """The documents' hashes, shape (documents,)."""
        return np.array(self._hashes, dtype=np.uint64)

    @property
    def sizes(self) -> npt.NDArray[np.uint64]:
        """The bytes of the documents' contents, shape (documents,)."""
        return np.array(self._sizes, dtype=np.uint64)


def content_hash_of(document: AnyDocument, seed: int) -> int:
    """The keyed hash of a document's content, 64 bits."""
    return _hash(_packed(document)[2], seed)


def _hash(content: bytes, seed: int) -> int:
    seed_bytes = seed.to_bytes((seed.bit_length() + 7) // 8 or 1, "little")
    key = hashlib.blake2b(seed_bytes, digest_size=32).digest()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=key).digest(), "little")


def _packed(document: AnyDocument) -> tuple[int, bytes, bytes]:
    key = document.key.encode(errors="surrogateescape")
    if isinstance(document, TokenDocument):
        return _TOKENS, key, document.ids.astype("<u4").tobytes()
    if isinstance(document, Example):
        messages = [(message.role, message.content) for message in document.messages]
        return _EXAMPLE, key, json.dumps(messages, ensure_ascii=False).encode()
    return _KINDS.index(document.kind), key, document.text.encode()


def _unpacked(kind: int, key: bytes, content: bytes) -> AnyDocument:
    name = key.decode(errors="surrogateescape")
    if kind == _TOKENS:
        return TokenDocument(name, np.frombuffer(content, dtype="<u4").astype(np.uint32, copy=False))
    if kind == _EXAMPLE:
        return Example(name, tuple(Message(*message) for message in json.loads(content)))
    return Document(_KINDS[kind], name, content.decode())  # type: ignore[arg-type]
