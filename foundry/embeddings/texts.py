"""What is embedded and found again: a text, whose it is, and what an answer shows of it."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["commit", "file"]
NAMESPACE = uuid.UUID("4b0d6a52-0a4e-5c3f-9d56-6f1f3a6f7c11")
"""Of the ids of points (RFC 9562, version 5); another one would make every index strange to us."""


@dataclass(frozen=True)
class IndexedText:
    """A commit, or a piece of a file.

    Attributes:
        kind: what it belongs to.
        key: the hash of the commit, or the path of the file; several pieces share it.
        part: tells the pieces of a file apart; empty where there is one text only.
        text: what is embedded.
        title: the subject of the commit; empty for a file.
        time: of the commit, or of the last one that changed the file, in seconds since 1970.
        line: of the piece, the number of the line that says most, from 1; 0 for a commit.
        context: that line; of a commit, what it changed.
    """

    kind: Kind
    key: str
    part: str
    text: str
    title: str
    time: int
    line: int
    context: str

    @property
    def id(self) -> str:
        """The id of its point: equal for equal kind, key and part, on every machine."""
        return str(uuid.uuid5(NAMESPACE, json.dumps([self.kind, self.key, self.part])))

    def payload(self, model_digest: str) -> dict[str, Any]:
        """What is kept beside its vector, as JSON values that are UTF-8.

        `embedded` depends on the text and the model: where it is equal, so is the vector.
        """
        embedded = hashlib.sha256(f"{model_digest}\n".encode() + self.text.encode(errors="surrogateescape"))
        key = as_utf8(self.key)
        return {
            "group": f"{self.kind} {key}",
            "kind": self.kind,
            "key": key,
            "embedded": embedded.hexdigest(),
            "model": model_digest,
            "title": as_utf8(self.title),
            "time": self.time,
            "line": self.line,
            "context": as_utf8(self.context),
        }


def as_utf8(text: str) -> str:
    """The text with bytes that were no UTF-8 (PEP 383) shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
