"""What of a repository is embedded: each commit as one text, each file in pieces of about one function."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from foundry.embeddings.pieces import pieces_of
from foundry.embeddings.texts import IndexedText
from foundry.pipeline.records import CommitRecord, FileRecord, read_commits, read_files

MAX_MESSAGE_CHARACTERS = 800
MAX_PATHS = 12
MAX_DIFF_CHARACTERS = 900
MAX_PIECES = 200
"""Of a longer file the beginning is embedded."""
MAX_CONTEXT_CHARACTERS = 120
DEFINITION = re.compile(
    r"\s*((pub(\([a-z]+\))?|export|default|public|private|protected|static|final|abstract|async|unsafe|extern) )*"
    r"(def|class|fn|func|function|struct|enum|trait|impl|interface|module|namespace|type|Feature:|Rule:|Scenario:)\b"
)
"""Lines that name what follows, in many languages."""
NOT_SAYING = re.compile(r"\s*(#\[|#|//|/\*|\*|@|\"\"\"|'''|--|import\b|from\b|use\b|package\b|[\[\]{}()<>;,.\s]*$)")
"""Lines that say little of what follows: comments, attributes, decorators, imports, brackets."""


def texts_of_commits(path: Path, max_commits: int | None) -> Iterator[IndexedText]:
    """The text of each commit in a file of records, the oldest first.

    Args:
        max_commits: only so many of the newest; None means all.
    """
    texts = (text_of_commit(commit) for commit in read_commits(path))
    yield from texts if max_commits is None else deque(texts, maxlen=max_commits)


def text_of_commit(commit: CommitRecord) -> IndexedText:
    """Its message, the paths that it changed, and the beginning of the changed lines."""
    message = f"{commit['subject']}\n\n{commit['body']}".strip()[:MAX_MESSAGE_CHARACTERS]
    paths = [change["path"] for change in commit["files"]]
    text = "\n".join(filter(None, [message, "\n".join(paths[:MAX_PATHS]), _changed_lines(commit)]))
    return IndexedText(
        kind="commit",
        key=commit["hash"],
        part="",
        text=text or commit["hash"],
        title=commit["subject"],
        time=commit["committer"]["time"],
        line=0,
        context=_named(paths),
    )


def _changed_lines(commit: CommitRecord) -> str:
    """Added and removed lines, up to a limit; the lines around them belong to the files."""
    held: list[str] = []
    left = MAX_DIFF_CHARACTERS
    for hunk in (hunk for change in commit["files"] for hunk in change["hunks"]):
        for line in hunk["text"].splitlines():
            if line[:1] in ("+", "-") and line[1:].strip():
                held.append(line[:left])
                left -= len(line) + 1
            if left <= 0:
                return "\n".join(held)
    return "\n".join(held)


def _named(paths: list[str]) -> str:
    if not paths:
        return "changes no file"
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    return f"{', '.join(paths[:2])}{more}"[:MAX_CONTEXT_CHARACTERS]


def texts_of_files(path: Path) -> Iterator[IndexedText]:
    """The texts of each file in a file of records."""
    for file in read_files(path):
        yield from texts_of_file(file)


def texts_of_file(file: FileRecord) -> Iterator[IndexedText]:
    """Its pieces, each under its path; one whose text has not changed keeps its id, wherever it has moved."""
    name = PurePosixPath(file["path"]).as_posix()
    seen: Counter[str] = Counter()
    for number, piece in enumerate(pieces_of(file["text"])):
        if number == MAX_PIECES:
            return
        digest = hashlib.sha256(piece.text.encode(errors="surrogateescape")).hexdigest()
        seen[digest] += 1
        offset, line = _telling_line(piece.text.splitlines())
        yield IndexedText(
            kind="file",
            key=file["path"],
            part=f"{digest}-{seen[digest]}",
            text=f"{name}\n{piece.text}",
            title="",
            time=file["time"],
            line=piece.line + offset,
            context=line,
        )


def _telling_line(lines: list[str]) -> tuple[int, str]:
    """The place of the line that says most of a piece, and the line: a definition, or else the first that says much."""
    definitions = [place for place, line in enumerate(lines) if DEFINITION.match(line)]
    saying = [place for place, line in enumerate(lines) if not NOT_SAYING.match(line)]
    place = [*definitions, *saying, 0][0]
    return place, " ".join(lines[place].split())[:MAX_CONTEXT_CHARACTERS]
