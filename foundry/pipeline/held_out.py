"""What is kept for validation: the newest commits, so that nothing of what a model is judged by has taught it.

The rule. A commit counts as committed when it says, but not before any commit that leads to it; a clock that alone is
ahead of its time is not believed, see `foundry.pipeline.commit_times`. Commits after a time,
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
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundry.data.documents import Skipped
from foundry.errors import UserError
from foundry.pipeline.commit_times import Clocks, CommitTimes
from foundry.pipeline.marked_documents import encodable
from foundry.pipeline.records import CommitRecord, FileRecord

RULE = (
    "Commits after the cutoff validate, the others train; a commit counts as not older than those that lead to it, and "
    "as made with them where its clock is ahead of two that follow and theirs are not. "
    "A file trains if its last change is not after the cutoff, and validates if it appeared after it, renames "
    "followed; one with text from both sides is left out. Of commits with equal changes the oldest is kept, and what "
    "is after the cutoff is left out if more than half of its new lines stand in what trains."
)
BEFORE_ALL = -(2**62)
"""The time of what was there before the first commit that was read."""
BEFORE_FIRST = -1
OF_ANY_AGE = (BEFORE_FIRST,)
"""Of text that may be older than the first commit that was read."""
MAX_ORIGINS = 64
"""A path that so many commits have added may be of any age, so that none costs more than a little."""


class KnownCommit(NamedTuple):
    """What the division needs of a commit.

    Attributes:
        place: of its record, see `foundry.pipeline.record_places`.
        time: not before those of the commits that lead to it, in seconds since 1970, see `Ages.of_commits`.
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
    """When commits were made and paths appeared, by the rule of `foundry.pipeline.commit_times`.

    Commits are learned one after another, parents first; what is asked for is known after the last of them. Of paths
    are kept the numbers of the commits that may have brought their oldest text, and of those that changed them.
    """

    def __init__(self) -> None:
        self._clocks = Clocks()
        self._origins: dict[str, tuple[int, ...]] = {}
        self._changes: dict[str, array[int]] = {}

    def learn(self, record: CommitRecord) -> None:
        """Take the next commit in."""
        number = self._clocks.add(record["hash"], record["parents"], record["committer"]["time"])
        begins = OF_ANY_AGE if "shallow" in record["flags"] else (number,)
        for file in record["files"]:
            path = file["path"]
            found = {*self._since(file["change"], file["old_path"], path, begins), *self._origins.get(path, ())}
            self._origins[path] = OF_ANY_AGE if BEFORE_FIRST in found or len(found) > MAX_ORIGINS else tuple(found)
            self._changes.setdefault(path, array("q")).append(number)

    def _since(self, change: str, old_path: str | None, path: str, begins: tuple[int, ...]) -> tuple[int, ...]:
        """How old the text is that a change leaves at a path; an added one begins with the commit, where that is known.

        What a shallow history begins with may be of any age.
        """
        if change == "added":
            return begins
        if change in ("renamed", "copied") and old_path is not None:
            return self._origins.get(old_path, OF_ANY_AGE)
        return self._origins.get(path, OF_ANY_AGE)

    @cached_property
    def of_commits(self) -> CommitTimes:
        """The times of the commits that were learned; none can be learned after."""
        return self._clocks.times()

    def of_file(self, record: FileRecord) -> tuple[int, int]:
        """The times when a file appeared, and was changed last.

        Which commit was the last says git by clocks; where one of those that changed the path was not followed, the
        latest of all of them counts.
        """
        times, changes = self.of_commits, self._changes.get(record["path"], array("q"))
        last = times.of(record["last_commit"], record["time"])
        if any(times.is_moved(number) for number in changes):
            last = max(last, *(times.by_number[number] for number in changes))
        origins = self._origins.get(record["path"], OF_ANY_AGE)
        first = BEFORE_ALL if origins == OF_ANY_AGE else min(times.by_number[number] for number in origins)
        return min(first, last), last


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


def disproportion(division: Division, fraction: float) -> str | None:
    """A note where validation holds more than twice the fraction of the bytes that was asked for; else None."""
    training, validation = (
        sum(commit.num_bytes for commit in commits) + sum(file.num_bytes for file in files)
        for commits, files in (
            (division.training_commits, division.training_files),
            (division.validation_commits, division.validation_files),
        )
    )
    share = validation / max(training + validation, 1)
    if share <= 2 * fraction:
        return None
    return (
        f"validation holds {share:.0%} of the text, and tokenize.validation_fraction asks for {fraction:.0%}: commits "
        "after the cutoff are large, or of one time; check the dates of the newest commits with git log --format=%cI"
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
