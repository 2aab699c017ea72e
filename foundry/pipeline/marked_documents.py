"""Records of a repository as text in parts, each of which begins with a marker.

A file is `<|file|>`, its path, a line end, and its text. A commit is `<|commit|>`, its message, and for each file that
it changed `<|file|>`, the path, a line end, and what happened to it. What a merge brings together stands in the commits
that it merges, so of a merge there is the message alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from foundry.pipeline.records import CommitRecord, FileChange, FileRecord, Hunk

Marker = Literal["commit", "file"]


@dataclass(frozen=True)
class Part:
    """A piece of text and the kind of the marker in front of it."""

    marker: Marker
    text: str


@dataclass(frozen=True)
class MarkedDocument:
    """What becomes tokens, one part after another.

    Attributes:
        name: the commit's hash, or the file's path.
        parts: at least one.
        last_commit: the commit itself, or the newest one that changed the file.
        author: of that commit.
        time: that commit's committer time, in seconds since 1970.
        directory: of the file; or the one that holds all that the commit changed; empty for the top.
    """

    name: str
    parts: tuple[Part, ...]
    last_commit: str
    author: str
    time: int
    directory: str

    @property
    def num_bytes(self) -> int:
        """Bytes of its text in UTF-8."""
        return sum(len(part.text.encode()) for part in self.parts)

    @property
    def content_hash(self) -> int:
        """64 bits that are equal for equal texts."""
        digest = hashlib.blake2b(digest_size=8)
        for part in self.parts:
            digest.update(f"{part.marker} {len(part.text)} {part.text}".encode())
        return int.from_bytes(digest.digest(), "little")


def document_of_commit(record: CommitRecord) -> MarkedDocument:
    """Message and changes of a commit."""
    message = f"{record['subject']}\n\n{record['body']}" if record["body"] else record["subject"]
    changes = () if len(record["parents"]) > 1 else record["files"]
    return MarkedDocument(
        record["hash"],
        (
            Part("commit", encodable(message.rstrip("\n") + "\n")),
            *(Part("file", encodable(_change(file))) for file in changes),
        ),
        record["hash"],
        encodable(record["author"]["name"]),
        record["committer"]["time"],
        encodable(common_directory([file["path"] for file in record["files"]])),
    )


def document_of_file(record: FileRecord) -> MarkedDocument:
    """Path and text of a file."""
    path = encodable(record["path"])
    return MarkedDocument(
        path,
        (Part("file", f"{path}\n{encodable(record['text'])}"),),
        record["last_commit"],
        encodable(record["author"]),
        record["time"],
        path.rpartition("/")[0],
    )


def encodable(text: str) -> str:
    """The text with a question mark for what is no character, such as a byte of a path that is not UTF-8."""
    return text.encode(errors="replace").decode()


def common_directory(paths: list[str]) -> str:
    """The deepest directory that holds all paths; empty for the top."""
    parents = [path.split("/")[:-1] for path in paths]
    if not parents:
        return ""
    shared = []
    for names in zip(*parents, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "/".join(shared)


def _change(file: FileChange) -> str:
    return f"{file['path']}\n{_what_happened(file)}" + "".join(_hunk(hunk) for hunk in file["hunks"])


def _what_happened(file: FileChange) -> str:
    """A line on what hunks do not say; nothing for a text that was modified."""
    words: list[str] = [] if file["change"] == "modified" else [file["change"]]
    if file["change"] in ("renamed", "copied"):
        words += ["from", str(file["old_path"])]
    if file["kind"] != "text":
        words.append(file["kind"])
    if file["change"] == "mode":
        words += ["from", file["old_mode"], "to", file["new_mode"]]
    return " ".join(words) + "\n" if words else ""


def _hunk(hunk: Hunk) -> str:
    place = f"@@ -{hunk['old_start']},{hunk['old_lines']} +{hunk['new_start']},{hunk['new_lines']} @@"
    return f"{place} {hunk['heading']}".rstrip() + "\n" + hunk["text"]
