"""What scraping leaves on disk: one JSON object a line, for commits and for files.

`history/commits.jsonl` has the commits, parents before children and the oldest first; `history/files.jsonl` the files
at HEAD, by path; `history/scrape.json` counts them, and says what was left out. All text in them has been redacted,
the names of people, paths, branches and tags, too: such a name that held a secret or an address is no longer exact.
Paths that are not UTF-8 hold surrogate escapes (PEP 383).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

COMMITS_FILE = "commits.jsonl"
FILES_FILE = "files.jsonl"
SUMMARY_FILE = "scrape.json"

Change = Literal["added", "modified", "deleted", "renamed", "copied", "mode", "type"]
Kind = Literal["text", "binary", "submodule", "link"]


class Person(TypedDict):
    """Who wrote or committed, and when."""

    name: str
    email: str
    time: int
    """Seconds since 1970, negative before it."""
    zone: str
    """The offset from UTC, such as `+0200`."""


class Hunk(TypedDict):
    """One place of a file that a commit changed."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    heading: str
    """What git shows after the second `@@`."""
    text: str
    """Lines that begin with a space, `+`, `-` or a backslash, each with its line end; less where the diff was cut."""


class FileChange(TypedDict):
    """What a commit did to one path."""

    path: str
    old_path: str | None
    """Where it was renamed or copied from."""
    change: Change
    old_mode: str
    new_mode: str
    kind: Kind
    insertions: int
    deletions: int
    hunks: list[Hunk]


Redaction = list[str | int]
"""What was replaced: the path (or `message`), the kind, and how often."""


class CommitRecord(TypedDict):
    """One commit, with its diff against its first parent.

    What depends on more than the commit itself comes first, so that a line can be renewed without reading all of it.
    """

    hash: str
    branches: list[str]
    """Names of the branches that contain it, sorted; those of remotes with the remote's name before them."""
    tags: list[str]
    """Names of the tags that contain it, sorted."""
    redactions: list[Redaction]
    """What was replaced in it, sorted."""
    parents: list[str]
    author: Person
    committer: Person
    subject: str
    body: str
    flags: list[str]
    """Sorted, of `empty`, `fixup`, `merge`, `octopus`, `revert`, `root`, `shallow`, `squash`."""
    files: list[FileChange]
    insertions: int
    deletions: int
    issues: list[str]
    """Issues that the message names, such as `#12` or `ABC-34`."""
    seconds_since_parent: int | None
    """By the committers' times, from the first parent; None for a root."""
    complexity: float
    """Bits: the entropy of the changed lines over the changed files (Hassan 2009, section 3.1)."""
    notes: list[str]
    """What was cut or could not be read."""


class FileRecord(TypedDict):
    """One text file at HEAD."""

    path: str
    language: str | None
    """By its name, see `foundry.data.languages`."""
    licence: str | None
    """The SPDX identifier that holds for it; None where none was found."""
    blob: str
    """The id of its content."""
    bytes: int
    """Of its content, before anything was replaced."""
    redactions: list[Redaction]
    """What was replaced in it, sorted."""
    text: str
    last_commit: str
    """The newest commit that changed it."""
    author: str
    """The name of that commit's author."""
    time: int
    """That commit's committer time, in seconds since 1970."""


def read_commits(path: Path) -> Iterator[CommitRecord]:
    """The commits in a file, one at a time in memory."""
    return cast(Iterator[CommitRecord], _lines(path))


def read_files(path: Path) -> Iterator[FileRecord]:
    """The files in a file, one at a time in memory."""
    return cast(Iterator[FileRecord], _lines(path))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="ascii") as stream:
        for line in stream:
            yield json.loads(line)


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


def as_line(record: CommitRecord | FileRecord) -> str:
    """A record as one line of such a file."""
    return _encode(record) + "\n"
