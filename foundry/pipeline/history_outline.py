"""Who committed when, and on which branches, read from the headers of all commits in one pass."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from foundry.data.git import GitRepository

BRANCHES = "refs/heads"
REMOTE_BRANCHES = "refs/remotes"
SECONDS_A_DAY = 86_400
FIRST_TIME, LAST_TIME = -62_135_596_800, 253_402_300_799
"""Seconds since 1970 of the years 1 to 9999; another date is a mistake, and counts as none."""
_PERSON = re.compile(rb"(.*) (-?\d{1,18}) [+-]\d+$", re.DOTALL)
_MAIL = re.compile(rb"<([^<>]*)>?\s*$")


@dataclass
class HistoryOutline:
    """Figures about all commits of all branches, each commit counted once.

    Attributes:
        branches: the commits that each branch contains, by its name.
        first_time, last_time: of the committers, in seconds since 1970.
        undated: commits without a date that can be read.
        days: commits by the days since 1970 of their committers' times, in UTC.
        authors: a digest for each.
        patched_ids: the commits that are no merges, whose patches are read; children before parents.
    """

    num_commits: int = 0
    num_merges: int = 0
    num_roots: int = 0
    branches: dict[str, int] = field(default_factory=dict)
    first_time: int | None = None
    last_time: int | None = None
    undated: int = 0
    days: Counter[int] = field(default_factory=Counter)
    authors: set[bytes] = field(default_factory=set)
    patched_ids: list[str] = field(default_factory=list)


def outline_of(repository: GitRepository) -> HistoryOutline:
    """Read the header of every commit that HEAD, a branch or a tag leads to."""
    outline = HistoryOutline()
    tips = _branch_tips(repository)
    names = sorted(tips)
    pending: dict[bytes, int] = {}
    for number, name in enumerate(names):
        pending[tips[name]] = pending.get(tips[name], 0) | 1 << number
    containing: Counter[int] = Counter()
    for commit_id, header in repository.commit_headers():
        parents = _count(outline, commit_id, header)
        branches = pending.pop(commit_id, 0)
        containing[branches] += 1
        for parent in parents:
            pending[parent] = pending.get(parent, 0) | branches
    for number, name in enumerate(names):
        outline.branches[name] = sum(count for mask, count in containing.items() if mask >> number & 1)
    return outline


def _branch_tips(repository: GitRepository) -> dict[str, bytes]:
    """The commit of each branch: the local ones, and those of other places that no local one is equal to."""
    found: dict[str, bytes] = {}
    for prefix in (BRANCHES, REMOTE_BRANCHES):
        for name, commit_id in repository.references(prefix):
            short = name.decode(errors="backslashreplace").removeprefix(f"{prefix}/")
            if not short.endswith("/HEAD") and found.get(short.partition("/")[2]) != commit_id.encode():
                found[short] = commit_id.encode()
    return found


def _count(outline: HistoryOutline, commit_id: bytes, header: bytes) -> list[bytes]:
    """Count one commit; its parents."""
    fields = list(_fields(header))
    parents = [value for name, value in fields if name == b"parent"]
    outline.num_commits += 1
    outline.num_merges += len(parents) > 1
    outline.num_roots += not parents
    outline.patched_ids.extend([commit_id.decode()] if len(parents) < 2 else [])
    people = dict(reversed(fields))  # the first of a name that stands there twice
    outline.authors.add(_author_key(people.get(b"author", b"")))
    _count_time(outline, people.get(b"committer", b""))
    return parents


def _fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in header.split(b"\n"):
        name, _, value = line.partition(b" ")
        yield name, value


def _author_key(person: bytes) -> bytes:
    """Tells one author from another without keeping who it is: by mail address, else by name."""
    matched = _PERSON.match(person)
    who = matched[1] if matched else person
    mail = _MAIL.search(who)
    key = mail[1].strip().lower() if mail and mail[1].strip() else who
    return hashlib.sha256(key).digest()


def _count_time(outline: HistoryOutline, person: bytes) -> None:
    matched = _PERSON.match(person)
    time = int(matched[2]) if matched else LAST_TIME + 1
    if not FIRST_TIME <= time <= LAST_TIME:
        outline.undated += 1
        return
    outline.first_time = time if outline.first_time is None else min(outline.first_time, time)
    outline.last_time = time if outline.last_time is None else max(outline.last_time, time)
    outline.days[time // SECONDS_A_DAY] += 1
