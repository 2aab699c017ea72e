"""A scrape from its first question to the folder that it leaves, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from foundry.data.git import GitRepository, run_git
from foundry.data.git import reading_environment as git_environment
from foundry.data.isolated_git import IsolatedGit, isolated_git
from foundry.data.languages import suffixes_of
from foundry.data.progress import Progress
from foundry.errors import UserError
from foundry.files import disk_failures_explained, new_folder, write_text
from foundry.pipeline.config import RedactConfig, ScrapeConfig
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE, SUMMARY_FILE, Redaction, as_line
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.redaction.counts import Counts
from foundry.pipeline.scraping.commit_records import Wanted
from foundry.pipeline.scraping.graph import Graph, read_graph
from foundry.pipeline.scraping.licensing import allowed_paths, with_hunks_of
from foundry.pipeline.scraping.parts import read_in_parts
from foundry.pipeline.scraping.previous import PreviousHistory, previous_history, split_line
from foundry.pipeline.scraping.references import References, read_references, replaced_history
from foundry.pipeline.scraping.snapshot import Snapshot

FORMAT = 2
"""Goes up when equal commits get other lines."""


@dataclass(frozen=True)
class Scraped:
    """What a scrape has found.

    Attributes:
        summary: what stands in `scrape.json`.
        num_read: commits whose diffs were read, and not taken over from an earlier scrape.
    """

    summary: dict[str, Any]
    num_read: int


def scrape(
    repository: GitRepository, config: ScrapeConfig, redact: RedactConfig, folder: Path, progress: Progress
) -> Scraped:
    """Read the history and the files of `repository` into `folder`.

    Commits that an earlier scrape has left there are taken over; the result is that of a scrape from scratch.

    Raises:
        UserError: there are no commits, or a language is not known.
        FoundryError: git failed, or there is no space; `folder` is as it was.
    """
    suffixes_of(config.languages, "scrape.languages")  # a mistake there is told before any work
    with disk_failures_explained(folder), isolated_git(repository, folder.parent) as git:
        _put_back(folder)
        references = read_references(repository, git)
        if not references.tips:
            raise UserError(f"{repository.shown_as} has no commits; commit something first")
        boundary = sorted(repository.shallow_boundary())
        graph = read_graph(git, references, boundary)
        licensed = allowed_paths(repository, git, references.head or graph.ids[-1], redact, config.max_file_bytes)
        fingerprint = _fingerprint(config, redact, boundary, licensed)
        work = _Scrape(repository, config, redact, progress, git, references, graph, licensed)
        with new_folder(folder.with_name(f"{folder.name}.new")) as new:
            scraped = work.write(new, previous_history(folder, fingerprint), fingerprint)
        _swap(folder)
    return scraped


def _fingerprint(
    config: ScrapeConfig, redact: RedactConfig, boundary: list[str], licensed: frozenset[str] | None
) -> str:
    """Of all that decides about the line of a commit but the commit itself."""
    git_version = run_git(["version"], git_environment()).decode()
    parts = [FORMAT, config.max_patch_lines, redact.model_dump(mode="json"), boundary, git_version]
    if licensed is not None:
        parts.append(sorted(licensed))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _put_back(folder: Path) -> None:
    """Mend what a process that was killed between two renames has left."""
    old, new = folder.with_name(f"{folder.name}.old"), folder.with_name(f"{folder.name}.new")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (old, new):
        if left.exists():
            shutil.rmtree(left)


def _swap(folder: Path) -> None:
    old, new = folder.with_name(f"{folder.name}.old"), folder.with_name(f"{folder.name}.new")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    if old.exists():
        shutil.rmtree(old)


@dataclass
class _Scrape:
    repository: GitRepository
    config: ScrapeConfig
    redact: RedactConfig
    progress: Progress
    git: IsolatedGit
    references: References
    graph: Graph
    licensed: frozenset[str] | None
    redactions: Counts = field(default_factory=Counts)

    def write(self, folder: Path, previous: PreviousHistory, fingerprint: str) -> Scraped:
        """Fill a new folder."""
        first = max(0, len(self.graph.ids) - (self.config.max_commits or len(self.graph.ids)))
        positions = range(first, len(self.graph.ids))
        wanted = [self._wanted(position) for position in positions if self.graph.ids[position] not in previous.ids]
        parts = folder / "parts"
        parts.mkdir()
        files: dict[str, Any] = {}
        read = read_in_parts(
            self.git,
            self.redact,
            self.config.max_patch_lines,
            wanted,
            parts,
            self.progress,
            lambda: files.update(self._write_files(folder / FILES_FILE)),
        )
        commits = self._write_commits(folder / COMMITS_FILE, self._lines(positions, previous, read))
        shutil.rmtree(parts)
        summary = {
            "format": FORMAT,
            "fingerprint": fingerprint,
            **commits,
            "branches": len(self.references.branches),
            "tags": len(self.references.tags),
            **files,
            "notes": self._notes(first),
            "redactions": self.redactions.as_results(),
        }
        write_text(folder / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")
        return Scraped(summary, len(wanted))

    def _wanted(self, position: int) -> Wanted:
        parents = self.graph.parents[position]
        commit_id = self.graph.ids[position]
        is_boundary = commit_id in self.graph.boundary
        if not parents:
            return Wanted(commit_id, None, None, is_boundary)
        return Wanted(commit_id, self.graph.ids[parents[0]], self.graph.times[parents[0]], is_boundary)

    def _lines(self, positions: range, previous: PreviousHistory, read: Iterator[bytes]) -> Iterator[bytes]:
        """The final line of each commit: what was there before, or was read now, with the references of today."""
        name_of = Redactor(self.redact).name
        names = [name_of(name) for name in (*self.references.branches, *self.references.tags)]
        num_branches = len(self.references.branches)

        @lru_cache(maxsize=64)
        def containment(bits: int) -> bytes:
            branches = sorted(name for number, name in enumerate(names[:num_branches]) if bits >> number & 1)
            tags = sorted(name for number, name in enumerate(names[num_branches:], num_branches) if bits >> number & 1)
            return b'"branches":%s,"tags":%s' % (_json(branches), _json(tags))

        earlier = previous.lines()
        for position in positions:
            commit_id = self.graph.ids[position]
            if commit_id in previous.ids:
                line = next(line for earlier_id, line in earlier if earlier_id == commit_id)
            else:
                line = next(read) if self.licensed is None else with_hunks_of(next(read), self.licensed)
            redactions, rest = split_line(line)
            self._count(json.loads(redactions))
            references = containment(self.graph.containment[position])
            yield b'{"hash":"%s",%s,"redactions":%s%s' % (commit_id.encode(), references, redactions, rest)

    def _write_commits(self, path: Path, lines: Iterator[bytes]) -> dict[str, Any]:
        digest, num_commits, num_noted = hashlib.sha256(), 0, 0
        with path.open("wb") as stream:
            for line in lines:
                digest.update(line)
                stream.write(line)
                num_commits += 1
                num_noted += not line.endswith(b'"notes":[]}\n')
        return {"commits": num_commits, "commits_with_notes": num_noted, "commits_sha256": digest.hexdigest()}

    def _write_files(self, path: Path) -> dict[str, Any]:
        commit_id = self.references.head or self.graph.ids[-1]
        snapshot = Snapshot(self.repository, self.git, self.graph, commit_id, self.config, self.redact)
        with path.open("w", encoding="ascii") as stream:
            for record in snapshot.records(self.progress):
                self._count(record["redactions"])
                stream.write(as_line(record))
        return {
            "snapshot": commit_id,
            "coverage": snapshot.coverage.as_results(),
            "skipped_files": snapshot.skipped.as_statistics(),
        }

    def _count(self, redactions: list[Redaction]) -> None:
        for place, kind, count in redactions:
            self.redactions.add(str(place), str(kind), int(count))

    def _notes(self, num_left_out: int) -> list[str]:
        num_grafts, num_replaced = replaced_history(self.repository)
        num_changes = self.repository.num_uncommitted_changes()
        stated = [
            (len(self.graph.boundary), "shallow clone: the parents of {} not cloned", "commit"),
            (num_grafts, "{} not followed", "graft"),
            (num_replaced, "{} not followed", "replacement object"),
            (self.references.num_other_tags, "{} without a commit", "tag"),
            (num_changes, "{} left out", "uncommitted change"),
            (num_left_out, "{} left out, by scrape.max_commits", "older commit"),
        ]
        notes = [text.format(f"{count:,} {noun}{'s' * (count != 1)}") for count, text, noun in stated if count]
        if self.references.head is None:
            notes.append("HEAD names no commit: the files are those of the newest commit")
        return notes


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
