"""What scraping leaves of a small repository, written without one: records of commits and of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from foundry.pipeline.phase import HISTORY_FOLDER
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE, CommitRecord, FileChange, FileRecord, Person, as_line
from foundry.testing.repositories import FIRST_DATE, SECONDS_BETWEEN_COMMITS


@dataclass(frozen=True)
class SampleCommit:
    """A commit that adds files.

    Attributes:
        subject: the first line of its message.
        files: texts by their paths.
        body: the rest of the message.
    """

    subject: str
    files: Mapping[str, str]
    body: str = ""


def write_history(pipeline: Path, commits: Iterable[SampleCommit]) -> list[CommitRecord]:
    """Write the records of the commits, the oldest first, and of the files as the last of them left them.

    Returns:
        the records of the commits.
    """
    records: list[CommitRecord] = []
    files: dict[str, FileRecord] = {}
    for commit in commits:
        record = _commit(commit, records[-1]["hash"] if records else None, len(records))
        records.append(record)
        files.update((path, _file(path, text, record)) for path, text in commit.files.items())
    folder = pipeline / HISTORY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / COMMITS_FILE).write_text("".join(map(as_line, records)), encoding="ascii")
    in_order = [files[path] for path in sorted(files)]
    (folder / FILES_FILE).write_text("".join(map(as_line, in_order)), encoding="ascii")
    return records


def _commit(commit: SampleCommit, parent: str | None, number: int) -> CommitRecord:
    time = FIRST_DATE + number * SECONDS_BETWEEN_COMMITS
    changes = [_addition(path, text) for path, text in commit.files.items()]
    content = repr((commit.subject, commit.body, parent, sorted(commit.files.items())))
    person: Person = {"name": "Ada", "email": "ada@example.org", "time": time, "zone": "+0000"}
    return {
        "hash": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
        "parents": [parent] if parent else [],
        "author": person,
        "committer": person,
        "subject": commit.subject,
        "body": commit.body,
        "flags": [] if parent else ["root"],
        "branches": ["main"],
        "tags": [],
        "redactions": [],
        "files": changes,
        "insertions": sum(change["insertions"] for change in changes),
        "deletions": 0,
        "issues": [],
        "seconds_since_parent": SECONDS_BETWEEN_COMMITS if parent else None,
        "complexity": 0.0,
        "notes": [],
    }


def _addition(path: str, text: str) -> FileChange:
    lines = text.splitlines(keepends=True)
    added = "".join(f"+{line}" for line in lines)
    return {
        "path": path,
        "old_path": None,
        "change": "added",
        "old_mode": "000000",
        "new_mode": "100644",
        "kind": "text",
        "insertions": len(lines),
        "deletions": 0,
        "hunks": [
            {
                "old_start": 0,
                "old_lines": 0,
                "new_start": 1,
                "new_lines": len(lines),
                "heading": "",
                "text": added,
            }
        ],
    }


def _file(path: str, text: str, commit: CommitRecord) -> FileRecord:
    return {
        "path": path,
        "language": "python" if path.endswith(".py") else None,
        "licence": None,
        "blob": "0" * 40,
        "redactions": [],
        "bytes": len(text.encode(errors="surrogateescape")),
        "text": text,
        "last_commit": commit["hash"],
        "author": commit["author"]["name"],
        "time": commit["committer"]["time"],
    }
