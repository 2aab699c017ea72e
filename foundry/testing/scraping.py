"""Scrapes a repository for a scenario, reads back what was stored, and asks git itself for the same facts."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry.data.git import GitRepository
from foundry.errors import FoundryError
from foundry.pipeline.config import PipelineConfig, RedactConfig, ScrapeConfig
from foundry.pipeline.phase import HISTORY_FOLDER, PhaseOutcome, Pipeline
from foundry.pipeline.phases.scrape import ScrapePhase
from foundry.pipeline.records import (
    COMMITS_FILE,
    FILES_FILE,
    SUMMARY_FILE,
    CommitRecord,
    FileChange,
    FileRecord,
    read_commits,
    read_files,
)
from foundry.testing.kill_points import KillPoint, kill_points
from foundry.testing.limits import file_size_limit
from foundry.testing.repositories import SampleRepository

PIPELINE = Path("pipeline")
ELSEWHERE = Path("from-scratch")
FILES = (COMMITS_FILE, FILES_FILE, SUMMARY_FILE)


@dataclass
class Scraping:
    """What a scenario scrapes, how, and what came of it.

    Attributes:
        settings: of `scrape` and `redact`, by their dotted keys; addresses stay as they are unless it says otherwise.
        commits: ids that the scenario has names for.
        room: bytes that a file may have while it is tried to scrape; None is without limit.
        witness: is written to by the programs that a hostile repository names.
    """

    repository: SampleRepository | None = None
    settings: dict[str, Any] = field(default_factory=lambda: {"redact.emails": "keep"})
    commits: dict[str, str] = field(default_factory=dict)
    witness: Path | None = None
    room: int | None = None
    reports: list[str] = field(default_factory=list)
    outcome: PhaseOutcome | None = None
    refusal: FoundryError | None = None

    @property
    def git(self) -> SampleRepository:
        """The repository of the scenario."""
        assert self.repository is not None, "the scenario has no repository"
        return self.repository

    @property
    def history(self) -> Path:
        """Where the records are."""
        return PIPELINE / HISTORY_FOLDER

    def scrape(self, folder: Path = PIPELINE) -> PhaseOutcome:
        """Run the phase."""
        self.outcome = ScrapePhase().run(self.pipeline(folder))
        return self.outcome

    def try_to_scrape(self) -> None:
        """Run the phase, and keep what it is refused with."""
        try:
            with file_size_limit(self.room) if self.room else contextlib.nullcontext():
                self.scrape()
        except FoundryError as error:
            self.refusal = error

    def pipeline(self, folder: Path = PIPELINE) -> Pipeline:
        """What the phase is given."""
        sections: dict[str, dict[str, Any]] = {"scrape": {}, "redact": {}}
        for key, value in self.settings.items():
            section, name = key.split(".")
            sections[section][name] = value
        config = PipelineConfig(scrape=ScrapeConfig(**sections["scrape"]), redact=RedactConfig(**sections["redact"]))
        repository = GitRepository.open(self.git.folder, self.git.folder.name)
        return Pipeline(config, folder, repository, self.reports.append, Path.cwd(), {})

    @property
    def records(self) -> list[CommitRecord]:
        """Every commit that was stored."""
        return list(read_commits(self.history / COMMITS_FILE))

    @property
    def files(self) -> list[FileRecord]:
        """Every file that was stored."""
        return list(read_files(self.history / FILES_FILE))

    def record(self, name: str) -> CommitRecord:
        """The record of a commit by its subject, by its id, or by a name that the scenario has given it."""
        wanted = self.commits.get(name, name)
        found = [record for record in self.records if wanted in (record["hash"], record["subject"])]
        assert len(found) == 1, f"{len(found)} commits are {name!r}"
        return found[0]

    def contents(self, folder: Path = PIPELINE) -> dict[str, bytes]:
        """The bytes of each file that a scrape has left."""
        return {name: (folder / HISTORY_FOLDER / name).read_bytes() for name in FILES}

    def from_scratch(self) -> dict[str, bytes]:
        """What a scrape leaves that finds nothing before it."""
        shutil.rmtree(ELSEWHERE, ignore_errors=True)
        ScrapePhase().run(self.pipeline(ELSEWHERE))
        return self.contents(ELSEWHERE)


@dataclass(frozen=True)
class Killed:
    """What a killed scrape has left, and what the one after it made of that.

    Attributes:
        num_read: commits whose diffs the second one has read.
        names: everything in the pipeline's folder after it.
    """

    point: str
    left: dict[str, bytes]
    following: dict[str, bytes]
    num_read: float
    names: list[str]


@dataclass
class Earlier:
    """What was there before the act.

    Attributes:
        contents: the bytes of each file of records.
        entries: of the repository.
        secrets: what must not be stored.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    after: dict[str, bytes] = field(default_factory=dict)


def plain_git(repository: SampleRepository, *arguments: str) -> bytes:
    """What git prints by itself, as bytes."""
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "log.showRoot=true", "-C", str(repository.folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def numbers_by_git(repository: SampleRepository, commit_id: str) -> dict[str, tuple[str, str]]:
    """The inserted and deleted lines of each file of a commit against its first parent; `-` for binary ones."""
    options = ("--first-parent", "-m", "--numstat", "-z", "--format=", "-M")
    fields = iter(plain_git(repository, "show", *options, commit_id).lstrip(b"\n").split(b"\0"))
    found = {}
    for entry in fields:
        if entry:
            inserted, deleted, path = entry.split(b"\t", 2)
            if not path:
                next(fields)
                path = next(fields)
            found[path.decode(errors="surrogateescape")] = (inserted.decode(), deleted.decode())
    return found


def numbers_of(record: CommitRecord) -> dict[str, tuple[str, str]]:
    """The same of a record."""
    return {
        change["path"]: ("-", "-")
        if change["kind"] == "binary"
        else (str(change["insertions"]), str(change["deletions"]))
        for change in record["files"]
    }


def content_at(repository: SampleRepository, commit_id: str, path: str) -> bytes:
    """The bytes of a file at a commit; nothing where it is not there."""
    name = os.fsencode(f"{commit_id}:") + path.encode(errors="surrogateescape")
    try:
        return plain_git(repository, "cat-file", "blob", os.fsdecode(name))
    except subprocess.CalledProcessError:
        return b""


def patched(before: bytes, change: FileChange) -> bytes:
    """What the hunks of a change make of the file before it.

    Raises:
        AssertionError: a hunk does not fit.
    """
    old = before.split(b"\n")
    old = [line + b"\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    new: list[bytes] = []
    at = 0
    for hunk in change["hunks"]:
        start = hunk["old_start"] - (1 if hunk["old_lines"] else 0)
        new += old[at:start]
        at = start
        for sign, line in _lines_of(hunk["text"]):
            if sign in " -":
                assert old[at] == line, f"{change['path']}: {old[at]!r} is not {line!r}"
                at += 1
            if sign in " +":
                new.append(line)
        assert at == start + hunk["old_lines"], f"{change['path']}: {at} is not {start} + {hunk['old_lines']}"
    return b"".join(new + old[at:])


def _lines_of(text: str) -> list[tuple[str, bytes]]:
    """Signs and lines; one that a backslash follows has no end."""
    lines: list[tuple[str, bytes]] = []
    for line in text.split("\n")[:-1]:
        if line.startswith("\\"):
            sign, last = lines[-1]
            lines[-1] = (sign, last.removesuffix(b"\n"))
        else:
            assert line[:1] in tuple(" +-"), f"{line!r} is no line of a diff"
            lines.append((line[0], line[1:].encode() + b"\n"))
    return lines


def scrape_sample(settings: dict[str, Any], repository: Path) -> None:
    """Scrape into the current folder; a task for a process of its own."""
    Scraping(SampleRepository(repository), settings).scrape()


def instants_of_scraping(task: Callable[[], None], folder: Path, count: int) -> list[KillPoint]:
    """So many instants of a scrape that is run to its end in `folder`: each rename, and others evenly spread."""
    changes = ("open", "rename", "mkdir", "rmdir", "remove", "write", "flush")
    points = [point for point in kill_points(task, folder) if point.operation in changes]
    renames = [point for point in points if point.operation == "rename"]
    others = [point for point in points if point.operation != "rename"]
    return renames + others[:: max(1, len(others) // (count - len(renames)))][: count - len(renames)]
