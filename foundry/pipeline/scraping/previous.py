"""What an earlier scrape has left, as far as it can be taken over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foundry.pipeline.records import COMMITS_FILE, SUMMARY_FILE
from foundry.untrusted import read_json

MAX_SUMMARY_BYTES = 64_000_000
_HASH = slice(len('{"hash":"'), None)
_REDACTIONS, _END_OF_REDACTIONS = b',"redactions":', b',"parents":'
"""No text in a line can hold them, since quotes in texts are escaped."""


@dataclass(frozen=True)
class PreviousHistory:
    """The commits of an earlier scrape.

    Attributes:
        ids: of the commits whose lines are whole.
    """

    path: Path
    ids: frozenset[str]

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """The id and the line of each commit, in their order."""
        if self.ids:
            with self.path.open("rb") as stream:
                for line in stream:
                    yield _id_of(line), line


def previous_history(folder: Path, fingerprint: str) -> PreviousHistory:
    """The commits in `folder`; none where it holds none, or damaged ones, or such that were read in another way.

    Args:
        fingerprint: of all that decides about a line but the commit itself.
    """
    path = folder / COMMITS_FILE
    nothing = PreviousHistory(path, frozenset())
    try:
        summary = read_json(folder / SUMMARY_FILE, MAX_SUMMARY_BYTES)
        if summary.get("fingerprint") != fingerprint:
            return nothing
        digest, ids = hashlib.sha256(), []
        with path.open("rb") as stream:
            for line in stream:
                digest.update(line)
                ids.append(_id_of(line))
    except (OSError, ValueError, AttributeError):
        return nothing
    return PreviousHistory(path, frozenset(ids)) if digest.hexdigest() == summary.get("commits_sha256") else nothing


def _id_of(line: bytes) -> str:
    return line[_HASH].partition(b'"')[0].decode(errors="replace")


def split_line(line: bytes) -> tuple[bytes, bytes]:
    """The redactions of a line as JSON, and what stands behind them."""
    end = line.index(_END_OF_REDACTIONS)
    return line[line.index(_REDACTIONS) + len(_REDACTIONS) : end], line[end:]
