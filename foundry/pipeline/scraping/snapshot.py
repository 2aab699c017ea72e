"""The files that are committed at one commit: which of them are kept, and which commit last changed each."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from foundry.data.documents import Skipped, text_of
from foundry.data.git import GitRepository, TreeEntry
from foundry.data.isolated_git import IsolatedGit, spooled
from foundry.data.languages import language_of, suffixes_of
from foundry.data.progress import Progress
from foundry.pipeline.config import RedactConfig, ScrapeConfig
from foundry.pipeline.licence_expressions import is_allowed
from foundry.pipeline.records import FileRecord
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.scraping.commit_objects import parse_commit
from foundry.pipeline.scraping.graph import Graph
from foundry.pipeline.scraping.licensing import contents_of, licence_finder, path_of
from foundry.pipeline.scraping.patches import LINK, SUBMODULE
from foundry.pipeline.scraping.quoting import unquoted
from foundry.pipeline.scraping.redacting import redactions_of

_LAST_CHANGES = ("diff-tree", "--stdin", "--root", "-r", "--raw", "-c", "--no-renames", "--ignore-submodules=none")


@dataclass
class Coverage:
    """How much of what is tracked is kept.

    Attributes:
        num_tracked: files, links and submodules.
        tracked_bytes: of the files and links.
    """

    num_tracked: int = 0
    tracked_bytes: int = 0
    num_kept: int = 0
    kept_bytes: int = 0

    def as_results(self) -> dict[str, Any]:
        """The counts and their ratios; 1 where nothing is tracked."""
        return {
            "files_tracked": self.num_tracked,
            "files_kept": self.num_kept,
            "files_ratio": round(self.num_kept / self.num_tracked, 6) if self.num_tracked else 1.0,
            "bytes_tracked": self.tracked_bytes,
            "bytes_kept": self.kept_bytes,
            "bytes_ratio": round(self.kept_bytes / self.tracked_bytes, 6) if self.tracked_bytes else 1.0,
        }


@dataclass
class Snapshot:
    """The files at a commit; reading its records fills `coverage` and `skipped`."""

    repository: GitRepository
    git: IsolatedGit
    graph: Graph
    commit_id: str
    config: ScrapeConfig
    redact: RedactConfig
    coverage: Coverage = field(default_factory=Coverage)
    skipped: Skipped = field(default_factory=Skipped)

    def records(self, progress: Progress) -> Iterator[FileRecord]:
        """The record of each text file that is kept, by path, one at a time in memory.

        Raises:
            FoundryError: git failed.
        """
        entries = list(self.repository.tree(self.commit_id))
        licences = licence_finder(self.git, entries)
        name_of = Redactor(self.redact).name
        chosen = self._chosen(entries)
        last = self._last_changes({path_of(entry) for entry in chosen})
        authors = self._authors({self.commit_id, *last.values()})
        for number, (entry, content) in enumerate(zip(chosen, contents_of(self.git, chosen), strict=True), start=1):
            progress.update(f"reading files: {number:,} of {len(chosen):,}")
            path = path_of(entry)
            text = text_of(content, name_of(path), self.skipped)
            licence = None if text is None else licences.licence_of(path, text)
            if text is not None and self._is_wanted(licence, path):
                self.coverage.num_kept += 1
                self.coverage.kept_bytes += len(content)
                commit_id = last.get(path, self.commit_id)
                yield self._record(entry, text, licence, commit_id, *authors[commit_id])

    def _record(
        self, entry: TreeEntry, text: str, licence: str | None, commit_id: str, author: str, time: int
    ) -> FileRecord:
        path = path_of(entry)
        redactor = Redactor(self.redact)
        shown = redactor.name(path)
        redacted = redactor.redact(text, shown)
        return {
            "path": shown,
            "language": language_of(path),
            "licence": licence,
            "blob": entry.object_id,
            "bytes": entry.size,
            "redactions": redactions_of(redactor),
            "text": redacted,
            "last_commit": commit_id,
            "author": redactor.name(author),
            "time": time,
        }

    def _is_wanted(self, licence: str | None, path: str) -> bool:
        if not self.redact.licences or is_allowed(licence, self.redact.licences):
            return True
        self.skipped.add("other licence", Redactor(self.redact).name(path))
        return False

    def _chosen(self, entries: list[TreeEntry]) -> list[TreeEntry]:
        suffixes = suffixes_of(self.config.languages, "scrape.languages")
        chosen = []
        name_of = Redactor(self.redact).name
        for entry in entries:
            self.coverage.num_tracked += 1
            self.coverage.tracked_bytes += entry.size
            if reason := self._reason_to_skip(entry, suffixes):
                self.skipped.add(reason, name_of(path_of(entry)))
            else:
                chosen.append(entry)
        return chosen

    def _reason_to_skip(self, entry: TreeEntry, suffixes: tuple[str, ...]) -> str | None:
        path = path_of(entry)
        if entry.mode in (LINK, SUBMODULE):
            return "symbolic link" if entry.mode == LINK else "submodule"
        if any(fnmatchcase(path, pattern) for pattern in self.config.exclude):
            return "excluded"
        if suffixes and not path.rpartition("/")[2].lower().endswith(suffixes):
            return "other language"
        return f"larger than {self.config.max_file_bytes:,} bytes" if entry.size > self.config.max_file_bytes else None

    def _last_changes(self, paths: set[str]) -> Mapping[str, str]:
        """The newest commit that changed each path; a merge counts where it differs from all of its parents."""
        missing, last = set(paths), {}
        with contextlib.closing(self._changes()) as changes:
            for commit_id, path in changes:
                if path in missing:
                    last[path] = commit_id
                    missing.remove(path)
                if not missing:
                    break
        return last

    def _changes(self) -> Generator[tuple[str, str], None, None]:
        """Every commit and each path that it changed, the newest first."""
        reachable = [self.graph.ids[position] for position in self.graph.reachable_from(self.commit_id)]
        with spooled(reachable) as ids, self.git.stream(*_LAST_CHANGES, stdin=ids) as output:
            commit_id = ""
            for line in output:
                if line.startswith(b":"):
                    yield commit_id, unquoted(line.rstrip(b"\n").partition(b"\t")[2])
                else:
                    commit_id = line.decode().strip()

    def _authors(self, commit_ids: set[str]) -> dict[str, tuple[str, int]]:
        """The author's name and the committer's time of each commit."""
        with spooled(sorted(commit_ids)) as ids:
            parsed = ((commit_id, parse_commit(content)) for commit_id, content in self.git.objects_asked_for(ids))
            return {commit_id: (said.author["name"], said.committer["time"]) for commit_id, said in parsed}
