"""Makes the records of commits from what git prints of them: their objects and their patches, side by side."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from foundry.data.git import records as delimited
from foundry.data.isolated_git import IsolatedGit, spooled
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.records import CommitRecord, FileChange
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.scraping.commit_objects import CommitObject, parse_commit
from foundry.pipeline.scraping.messages import complexity_of, issues_in, message_flags
from foundry.pipeline.scraping.patches import Patch, parse_patch
from foundry.pipeline.scraping.redacting import CommitRedactor, redact_names
from foundry.pipeline.scraping.suspects import Suspects

MAX_PATCH_BYTES = 4_000_000
"""What is held in memory of one commit's raw lines and patches."""
BYTES_LOOKED_AT_TOGETHER = 300_000
"""Of commits that are redacted together; a larger one is redacted with those before it."""
MAX_COMPARED_BYTES = 16_000_000
"""Larger files appear in a patch as binary."""
_DIFF = (
    *("diff-tree", "--stdin", "--root", "-r", "--find-renames", "-l1000", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--submodule=short", "--ignore-submodules=none", "--full-index"),
)


class Wanted(NamedTuple):
    """A commit that is to be read.

    Attributes:
        first_parent: what it is compared with; None for a commit without parents.
        parent_time: the first parent's committer time.
        is_boundary: its parents were not cloned, so that its changes are not known.
    """

    commit_id: str
    first_parent: str | None
    parent_time: int | None
    is_boundary: bool


class _Read(NamedTuple):
    """A commit that has been read, and not been redacted."""

    commit: Wanted
    said: CommitObject
    patch: Patch
    totals: tuple[int, int]
    notes: list[str]


@dataclass(frozen=True)
class Reading:
    """How commits are read.

    Attributes:
        max_patch_lines: of a commit; the rest is cut off.
    """

    git: IsolatedGit
    redact: RedactConfig
    max_patch_lines: int

    def records(self, wanted: Sequence[Wanted]) -> Iterator[CommitRecord]:
        """The record of each commit, in their order, a few at a time in memory; what contains it is left empty."""
        if not wanted:
            return
        with spooled([commit.commit_id for commit in wanted]) as ids:
            objects = self.git.objects_asked_for(ids)
            read: list[_Read] = []
            num_bytes = 0
            for commit, (_, content), output in zip(wanted, objects, self._patches(wanted), strict=True):
                read.append(self._read(commit, parse_commit(content), output))
                num_bytes += len(content) + len(output)
                if num_bytes > BYTES_LOOKED_AT_TOGETHER:
                    yield from self._redacted(read)
                    read, num_bytes = [], 0
            yield from self._redacted(read)

    def _patches(self, wanted: Sequence[Wanted]) -> Iterator[bytes]:
        """What diff-tree prints of each commit; of more than `MAX_PATCH_BYTES` the first, and a little of the end."""
        delimiter = secrets.token_hex(16)
        settings = ("-c", f"core.bigFileThreshold={MAX_COMPARED_BYTES}")
        options = (*_DIFF, "--always", "--raw", "--patch", "--unified=3", f"--format=tformat:{delimiter}")
        with spooled([_line(commit) for commit in wanted]) as lines:
            with self.git.stream(*options, stdin=lines, settings=settings) as output:
                num_pieces = -1  # what stands before the first delimiter is none
                for piece in delimited(output, delimiter.encode() + b"\n", MAX_PATCH_BYTES):
                    if num_pieces >= 0:
                        yield piece
                    num_pieces += 1
            if num_pieces == len(wanted) - 1:  # the last commit has no changes
                yield b""

    def _read(self, commit: Wanted, said: CommitObject, output: bytes) -> _Read:
        notes = list(said.notes)
        patch = Patch()
        totals = None
        if commit.is_boundary:
            notes.append("its changes are not known: the clone is shallow, and its parents were not cloned")
        elif len(output) > MAX_PATCH_BYTES:
            patch = parse_patch(output[: output.rfind(b"\n", 0, MAX_PATCH_BYTES) + 1], self.max_patch_lines)
            totals = self._exact_numbers(commit, patch, notes)
        else:
            patch = parse_patch(output, self.max_patch_lines)
        redact_names(patch, Redactor(self.redact))
        notes += _patch_notes(patch, self.max_patch_lines)
        return _Read(commit, said, patch, totals or _totals(patch.files), notes)

    def _redacted(self, read: Sequence[_Read]) -> Iterator[CommitRecord]:
        suspects = Suspects(self.redact)
        for one in read:
            suspects.add(one.said.subject, one.said.body, one.patch.files)
        suspected = suspects.numbers()
        of_others = CommitRedactor(self.redact)
        for number, one in enumerate(read):
            if number in suspected:
                yield _record(one, CommitRedactor(self.redact), is_suspected=True)
            else:
                yield _record(one, of_others, is_suspected=False)

    def _exact_numbers(self, commit: Wanted, patch: Patch, notes: list[str]) -> tuple[int, int]:
        """Set the numbers of inserted and deleted lines of files whose patches were cut off; all of them together."""
        numbers: dict[str, tuple[int, int]] = {}
        insertions = deletions = num_files = 0
        kept = {change["path"] for change in patch.files}
        for path, inserted, deleted in self._numbers(commit):
            insertions, deletions, num_files = insertions + inserted, deletions + deleted, num_files + 1
            if path in kept:
                numbers[path] = (inserted, deleted)
        for change in patch.files:
            change["insertions"], change["deletions"] = numbers.get(change["path"], (0, 0))
        notes.append(f"its diff is cut after {MAX_PATCH_BYTES:,} bytes")
        if num_files > len(kept):
            notes.append(f"{num_files - len(kept):,} of its {num_files:,} files are left out")
        return insertions, deletions

    def _numbers(self, commit: Wanted) -> Iterator[tuple[str, int, int]]:
        """The path and the inserted and deleted lines of each file of a commit; 0 for binary ones."""
        settings = ("-c", f"core.bigFileThreshold={MAX_COMPARED_BYTES}")
        options = (*_DIFF, "--numstat", "-z", "--no-commit-id")
        with spooled([_line(commit)]) as lines, self.git.stream(*options, stdin=lines, settings=settings) as output:
            fields = delimited(output, b"\0", MAX_PATCH_BYTES)
            for entry in fields:
                inserted, deleted, path = entry.split(b"\t", 2)
                if not path:  # a rename: the old path and the new one follow
                    next(fields)
                    path = next(fields)
                yield path.decode(errors="surrogateescape"), _number(inserted), _number(deleted)


def _record(read: _Read, redactor: CommitRedactor, is_suspected: bool) -> CommitRecord:
    commit, said, patch = read.commit, read.said, read.patch
    subject, body = said.subject, said.body
    if is_suspected:
        subject, body = redactor.message(subject, body)
        redactor.files(patch.files)
    since = None if commit.parent_time is None else said.committer["time"] - commit.parent_time
    return {
        "hash": commit.commit_id,
        "branches": [],
        "tags": [],
        "redactions": redactor.redactions(),
        "parents": list(said.parents),
        "author": redactor.person(said.author),
        "committer": redactor.person(said.committer),
        "subject": subject,
        "body": body,
        "flags": _flags(commit, said, patch),
        "files": patch.files,
        "insertions": read.totals[0],
        "deletions": read.totals[1],
        "issues": issues_in(f"{subject}\n{body}"),
        "seconds_since_parent": since,
        "complexity": complexity_of(change["insertions"] + change["deletions"] for change in patch.files),
        "notes": read.notes,
    }


def _number(field: bytes) -> int:
    return 0 if field == b"-" else int(field)


def _line(commit: Wanted) -> str:
    return f"{commit.commit_id} {commit.first_parent}" if commit.first_parent else commit.commit_id


def _patch_notes(patch: Patch, max_lines: int) -> list[str]:
    notes = [f"not UTF-8, read as Latin-1: {path}" for path in patch.not_utf8]
    if patch.num_lines > max_lines:
        notes.append(f"its diff of {patch.num_lines:,} lines is cut after {max_lines:,}")
    return notes


def _totals(files: list[FileChange]) -> tuple[int, int]:
    return sum(change["insertions"] for change in files), sum(change["deletions"] for change in files)


def _flags(commit: Wanted, said: CommitObject, patch: Patch) -> list[str]:
    flags = message_flags(said.subject, said.body)
    if commit.is_boundary:
        flags.add("shallow")
    elif not patch.files:
        flags.add("empty")
    names = {0: {"root"}, 1: set[str](), 2: {"merge"}}
    return sorted(flags | names.get(len(said.parents), {"merge", "octopus"}))
