"""What is kept for validation: the newest commits, so that nothing of what a model is judged by has taught it.

The rule. A commit counts as committed when it says, but not before any commit that leads to it. Commits after a time,
the cutoff, validate, the others train. A file of HEAD trains if its last change is not after the cutoff, and validates
if its first appearance is after it, renames followed. A file with text from both sides stands on neither: its old text
trains in the commits that wrote it, and its new text validates in those. Of commits with equal changes the oldest is
kept. And what is after the cutoff is left out if most of its new lines stand in what trains, see
`foundry.pipeline.known_lines`.

So every version of a file that trains was written by commits that train, and no line that a validating commit has
written stands in the text of a training file, unless an older commit has written the same line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundry.data.documents import Skipped
from foundry.errors import UserError
from foundry.pipeline.marked_documents import encodable
from foundry.pipeline.records import CommitRecord, FileRecord

RULE = (
    "Commits after the cutoff validate, the others train; a commit counts as not older than those that lead to it. "
    "A file trains if its last change is not after the cutoff, and validates if it appeared after it, renames "
    "followed; one with text from both sides is left out. Of commits with equal changes the oldest is kept, and what "
    "is after the cutoff is left out if more than half of its new lines stand in what trains."
)
BEFORE_ALL = -(2**62)
"""The time of what was there before the first commit that was read."""


class KnownCommit(NamedTuple):
    """What the division needs of a commit.

    Attributes:
        place: of its record, see `foundry.pipeline.record_places`.
        time: not before those of the commits that lead to it, in seconds since 1970.
        num_bytes: of its document.
        changes: a digest of the lines that it changed; None where it changed no line, or is a merge.
    """

    place: int
    hash: str
    time: int
    num_bytes: int
    changes: bytes | None


class KnownFile(NamedTuple):
    """What the division needs of a file at HEAD.

    Attributes:
        place: of its record.
        first, last: the times when it appeared and was changed last.
        num_bytes: of its document.
    """

    place: int
    path: str
    first: int
    last: int
    num_bytes: int


class Ages:
    """When commits were made and paths appeared, learned from one commit after another, parents first."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def learn(self, record: CommitRecord) -> int:
        """The time of the next commit: its committer time, or that of a parent where this is later."""
        known = (self._times[parent] for parent in record["parents"] if parent in self._times)
        time = max([record["committer"]["time"], *known])
        self._times[record["hash"]] = time
        begins = BEFORE_ALL if "shallow" in record["flags"] else time
        for file in record["files"]:
            self._appeared(file["path"], self._since(file["change"], file["old_path"], file["path"], begins))
        return time

    def _since(self, change: str, old_path: str | None, path: str, begins: int) -> int:
        """How old the text is that a change leaves at a path; an added one begins with the commit, where that is known.

        What a shallow history begins with may be of any age.
        """
        if change == "added":
            return begins
        if change in ("renamed", "copied") and old_path is not None:
            return self._first.get(old_path, BEFORE_ALL)
        return self._first.get(path, BEFORE_ALL)

    def _appeared(self, path: str, time: int) -> None:
        self._first[path] = min(time, self._first.get(path, time))

    def of_file(self, record: FileRecord) -> tuple[int, int]:
        """The times when a file appeared, and was changed last."""
        last = max(record["time"], self._times.get(record["last_commit"], record["time"]))
        return min(self._first.get(record["path"], BEFORE_ALL), last), last


def changes_of(record: CommitRecord) -> bytes | None:
    """See `KnownCommit.changes`."""
    changed = [
        f"{line[:1]}{file['path']}:{line[1:]}"
        for file in sorted(record["files"], key=lambda file: file["path"])
        for hunk in file["hunks"]
        for line in hunk["text"].split("\n")
        if line.startswith(("+", "-"))
    ]
    if not changed or len(record["parents"]) > 1:
        return None
    return hashlib.blake2b(encodable("\n".join(changed)).encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Division:
    """Which records train and which validate, each in the order of time.

    Attributes:
        cutoff: commits after this time validate, in seconds since 1970; None where nothing does.
    """

    cutoff: int | None
    training_commits: list[KnownCommit]
    training_files: list[KnownFile]
    validation_commits: list[KnownCommit]
    validation_files: list[KnownFile]


def divided(
    commits: Sequence[KnownCommit], files: Sequence[KnownFile], validation_fraction: float, left_out: Skipped
) -> Division:
    """The two sides of a history, see the rule above.

    Args:
        left_out: counts what stands on neither side.

    Raises:
        UserError: all commits are of one time.
    """
    commits = _each_change_once(commits, left_out)
    files = sorted(files, key=lambda file: (file.last, file.path))
    if validation_fraction == 0:
        return Division(None, commits, files, [], [])
    cutoff = _cutoff(commits, files, validation_fraction)
    return Division(
        cutoff,
        [commit for commit in commits if commit.time <= cutoff],
        [file for file in files if file.last <= cutoff],
        [commit for commit in commits if commit.time > cutoff],
        _appeared_after(files, cutoff, left_out),
    )


def _appeared_after(files: Sequence[KnownFile], cutoff: int, left_out: Skipped) -> list[KnownFile]:
    """The files that appeared after the cutoff; counted are those that have older text, too."""
    for file in files:
        if file.first <= cutoff < file.last:
            left_out.add("with text from before and after the cutoff", file.path)
    return [file for file in files if file.first > cutoff]


def _each_change_once(commits: Sequence[KnownCommit], left_out: Skipped) -> list[KnownCommit]:
    """The commits in the order of time, without those that repeat the changes of an older one."""
    seen: set[bytes] = set()
    kept = []
    for commit in sorted(commits, key=lambda commit: (commit.time, commit.place)):
        if commit.changes in seen:
            left_out.add("with the changes of an older commit", commit.hash[:12])
            continue
        kept.append(commit)
        if commit.changes is not None:
            seen.add(commit.changes)
    return kept


def _cutoff(commits: Sequence[KnownCommit], files: Sequence[KnownFile], fraction: float) -> int:
    """The latest time after which there are `fraction` of the bytes of both sides; the earliest one if none is.

    Raises:
        UserError: there is no time between two commits.
    """
    times = np.unique(np.array([commit.time for commit in commits], dtype=np.int64))
    if len(times) < 2:
        found = "1 commit" if len(commits) == 1 else f"{len(commits)} commits of one time"
        raise UserError(
            f"tokenize.validation_fraction ({fraction:g}) keeps the newest commits for validation, and the history "
            f"holds {found}: set it to 0, or read more of the history"
        )
    candidates = times[:-1]
    sizes = [commit.num_bytes for commit in commits], [file.num_bytes for file in files]
    of_commits = _bytes_up_to([commit.time for commit in commits], sizes[0], candidates)
    training = of_commits + _bytes_up_to([file.last for file in files], sizes[1], candidates)
    validation = sum(sizes[0]) - of_commits
    validation += sum(sizes[1]) - _bytes_up_to([file.first for file in files], sizes[1], candidates)
    reached = np.flatnonzero(validation >= fraction * (training + validation))
    return int(candidates[reached[-1] if len(reached) else 0])


def _bytes_up_to(times: list[int], sizes: list[int], until: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bytes of what is not later than each of the times in `until`."""
    order = np.argsort(np.array(times, dtype=np.int64), kind="stable")
    sums = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64)[order])])
    result: npt.NDArray[np.int64] = sums[np.searchsorted(np.array(times, dtype=np.int64)[order], until, side="right")]
    return result
