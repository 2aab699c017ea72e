"""Documents from a git repository: the text files of one commit, and the commits that lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from foundry.config import GitConfig
from foundry.data.documents import Document, Skipped, text_of
from foundry.data.git import Commit, GitRepository, PatchLimits, TreeEntry
from foundry.data.languages import suffixes_of
from foundry.data.progress import Progress

_SYMBOLIC_LINK = "120000"
_SUBMODULE = "160000"
_ABBREVIATED_IDS = re.compile(rb"^index [0-9a-f]+\.\.[0-9a-f]+.*\n", re.MULTILINE)
_FILE_IN_PATCH = re.compile(rb"^(?=diff --git )", re.MULTILINE)


@dataclass(frozen=True)
class GitSource:
    """Streams the files and commits of a repository; the working tree is not read.

    Attributes:
        commit_id: the commit whose files and ancestors are read.
    """

    repository: GitRepository
    commit_id: str
    config: GitConfig

    @property
    def description(self) -> str:
        """The repository and the commit."""
        return f"{self.repository.shown_as} at {self.commit_id[:12]}"

    def documents(self, skipped: Skipped, progress: Progress) -> Iterator[Document]:
        """The files in the order of their paths, then the commits, newest first."""
        if self.config.files:
            yield from self._files(skipped, progress)
        if self.config.commits:
            yield from self._commits(skipped, progress)

    def _files(self, skipped: Skipped, progress: Progress) -> Iterator[Document]:
        chosen = self._chosen_files(skipped)
        blobs = self.repository.blobs(entry.object_id for entry in chosen)
        for number, (entry, content) in enumerate(zip(chosen, blobs, strict=True), start=1):
            path = entry.path.decode("utf-8")
            text = text_of(content, path, skipped)
            if text is not None:
                yield Document("file", path, text)
            progress.update(f"reading files: {number:,} of {len(chosen):,}")

    def _chosen_files(self, skipped: Skipped) -> list[TreeEntry]:
        suffixes = suffixes_of(self.config.languages)
        chosen = []
        for entry in self.repository.tree(self.commit_id):
            reason = self._reason_to_skip(entry, suffixes)
            if reason is None:
                chosen.append(entry)
            else:
                skipped.add(reason, entry.path.decode("utf-8", errors="replace"))
        return chosen

    def _reason_to_skip(self, entry: TreeEntry, suffixes: tuple[str, ...]) -> str | None:
        if entry.mode == _SYMBOLIC_LINK:
            return "symbolic link"
        if entry.mode == _SUBMODULE:
            return "submodule"
        try:
            path = entry.path.decode("utf-8")
        except UnicodeDecodeError:
            return "path not UTF-8"
        if any(fnmatchcase(path, pattern) for pattern in self.config.exclude):
            return "excluded"
        if suffixes and not path.rpartition("/")[2].lower().endswith(suffixes):
            return "other language"
        return f"larger than {self.config.max_file_bytes:,} bytes" if entry.size > self.config.max_file_bytes else None

    def _commits(self, skipped: Skipped, progress: Progress) -> Iterator[Document]:
        if self.config.max_commits == 0:
            return
        total = self.repository.num_commits(self.commit_id)
        total = total if self.config.max_commits is None else min(total, self.config.max_commits)
        limits = PatchLimits(self.config.max_patch_bytes, self.config.max_file_bytes)
        commits = self.repository.commits(self.commit_id, self.config.max_commits, limits)
        for number, commit in enumerate(commits, start=1):
            document = _commit_document(commit, skipped)
            if document is not None:
                yield document
            progress.update(f"reading commits: {number:,} of {total:,}")


def _commit_document(commit: Commit, skipped: Skipped) -> Document | None:
    """Message and patch.

    The part of a patch that is not UTF-8 text is left out, and so are the abbreviated object ids: how far git shortens
    them depends on what else is in the clone.
    """
    name = commit.commit_id[:12]
    message = text_of(commit.message or b"\n", f"message of {name}", skipped)
    if message is None:
        return None
    if commit.is_cut:
        skipped.add("end of a long patch", name)
    parts = [part for part in _FILE_IN_PATCH.split(_ABBREVIATED_IDS.sub(b"", commit.patch)) if part]
    texts = [text_of(part, f"patch of {name}", skipped) for part in parts]
    patch = "".join(text for text in texts if text is not None)
    return Document("commit", commit.commit_id, f"{message}\n{patch}")
