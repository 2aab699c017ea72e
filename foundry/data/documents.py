"""The unit that a corpus is made of, and the record of what was left out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from foundry.data.progress import Progress
from foundry.terminal import printable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TextKind = Literal["file", "commit", "text"]

TARGET_ROLES = ("assistant", "completion")

MAX_NAMES_PER_REASON = 5


@dataclass(frozen=True)
class Document:
    """A piece of text that ends up on one side of the split.

    Attributes:
        kind: `file` and `commit` come from a git repository and are marked by a special token; `text` is not.
        key: where it comes from: a path, a commit id, a file and line.
        text: the content. Two documents with equal content never stand on different sides of the split.
    """

    kind: TextKind
    key: str
    text: str

    @property
    def body(self) -> str:
        """What the tokenizer sees between the marker and the end-of-text token: a file is preceded by its path."""
        return f"{self.key}\n{self.text}" if self.kind == "file" else self.text


@dataclass(frozen=True)
class TokenDocument:
    """A document whose tokens were made elsewhere.

    Attributes:
        key: the folder and row that it comes from.
        ids: uint32 token numbers, shape (tokens,).
    """

    key: str
    ids: npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Message:
    """A part of an example.

    Attributes:
        role: who says it: `system`, `user` or `assistant` in a chat; otherwise `prompt` or `completion`.
    """

    role: str
    content: str

    @property
    def is_target(self) -> bool:
        """Whether a model is to learn to write it."""
        return self.role in TARGET_ROLES


@dataclass(frozen=True)
class Example:
    """Something asked and what is to be answered, for fine-tuning on the answers alone.

    Attributes:
        key: the file and line that it comes from.
        messages: in their order; at least one is a target.
    """

    key: str
    messages: tuple[Message, ...]

    @property
    def texts(self) -> list[str]:
        """What is said in it."""
        return [message.content for message in self.messages]


PlainDocument = Document | TokenDocument
AnyDocument = PlainDocument | Example


@dataclass
class Skipped:
    """What a source left out: how often for each reason, with the first few names."""

    _reasons: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def add(self, reason: str, name: str) -> None:
        """Count `name` under `reason`."""
        count, names = self._reasons.get(reason, (0, []))
        name = name.encode(errors="replace").decode()
        self._reasons[reason] = (count + 1, names if count >= MAX_NAMES_PER_REASON else [*names, name])

    def as_statistics(self) -> dict[str, Any]:
        """`{reason: {"count": ..., "names": [...]}}`."""
        return {reason: {"count": count, "names": names} for reason, (count, names) in sorted(self._reasons.items())}

    def summary(self) -> str:
        """`2 binary (a.png, b.ico), 1 empty (c.py)`, or an empty string; names cannot speak to a terminal."""
        return ", ".join(
            f"{count} {reason} ({', '.join(map(_on_one_line, names))}{', ...' if count > len(names) else ''})"
            for reason, (count, names) in sorted(self._reasons.items())
        )


def _on_one_line(name: str) -> str:
    return " ".join(printable(name).split())


class DocumentSource(Protocol):
    """A place that documents are streamed from, in an order that depends on its content alone."""

    @property
    def description(self) -> str:
        """The place, for messages."""

    def documents(self, skipped: Skipped, progress: Progress) -> Iterator[AnyDocument]:
        """Every document, one at a time in memory; what is left out is counted in `skipped`."""


def text_of(content: bytes, name: str, skipped: Skipped) -> str | None:
    """The text that `content` holds, or None where it is counted as empty, binary or not UTF-8."""
    if not content:
        skipped.add("empty", name)
        return None
    if b"\0" in content:
        skipped.add("binary", name)
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        skipped.add("not UTF-8", name)
        return None
