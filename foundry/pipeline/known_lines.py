"""What stands after the cutoff and is not new: cherry-picks, squashed branches, reverts, and code that was moved.

Line by line: a line of a commit or file after the cutoff is known if it stands in a commit or file that trains, white
space around it left aside. Lines of fewer than `MIN_CHARACTERS` say nothing and are not looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from foundry.pipeline.marked_documents import encodable
from foundry.pipeline.records import CommitRecord, FileRecord

MIN_CHARACTERS = 12
MAX_KNOWN_SHARE = 0.5
"""What has a larger share of known lines is left out."""


def new_lines(record: CommitRecord) -> list[str]:
    """The lines that a commit adds, or removes if it adds none."""
    lines = list(_lines_of(record))
    sign = "+" if any(line.startswith("+") for line in lines) else "-"
    return [line[1:] for line in lines if line.startswith(sign)]


def all_lines(record: CommitRecord) -> list[str]:
    """The lines that stand in the document of a commit: added, removed, and around them."""
    return [line[1:] for line in _lines_of(record)]


def lines_of_file(record: FileRecord) -> list[str]:
    """The lines of a file."""
    return record["text"].split("\n")


def _lines_of(record: CommitRecord) -> Iterator[str]:
    """The lines of all hunks with their signs; none for a merge, whose changes stand in the commits that it merges."""
    if len(record["parents"]) > 1:
        return
    for file in record["files"]:
        for hunk in file["hunks"]:
            yield from hunk["text"].split("\n")


@dataclass(frozen=True)
class KnownLines:
    """Which lines of some documents stand elsewhere, too.

    Attributes:
        of_documents: digests of the lines that each document brings.
        known: those that were found elsewhere.
    """

    of_documents: list[list[bytes]]
    known: set[bytes]

    @classmethod
    def among(cls, documents: Iterable[Sequence[str]], elsewhere: Iterable[Sequence[str]]) -> KnownLines:
        """Look for the lines of `documents` in all lines of `elsewhere`, of which none stay in memory."""
        of_documents = [_digests(lines) for lines in documents]
        wanted = {digest for digests in of_documents for digest in digests}
        known: set[bytes] = set()
        if wanted:
            for lines in elsewhere:
                known.update(wanted.intersection(_digests(lines)))
        return cls(of_documents, known)

    def are_most(self, number: int) -> bool:
        """Whether most lines of that document stand elsewhere, too."""
        digests = self.of_documents[number]
        return sum(digest in self.known for digest in digests) > MAX_KNOWN_SHARE * len(digests)


def _digests(lines: Sequence[str]) -> list[bytes]:
    telling = (line.strip() for line in lines)
    return [
        hashlib.blake2b(encodable(line).encode(), digest_size=8).digest()
        for line in telling
        if len(line) >= MIN_CHARACTERS
    ]
