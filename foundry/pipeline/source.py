"""The repository of a pipeline: found by a path or a URL, and described for the manifest."""

from __future__ import annotations

import re
from pathlib import Path

from foundry.data.clones import is_url, up_to_date_clone
from foundry.data.git import GitRepository
from foundry.data.progress import Report
from foundry.errors import UserError
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.manifest import RepositoryFacts
from foundry.pipeline.scraping.references import digest_of_references, replaced_history
from foundry.reproducibility import without_password

FALLBACK_NAME = "repository"
MAX_NAME = 100
LONGEST_HARMLESS_NAME = 15
"""A token is longer; the library that knows tokens takes long to import, and most branches have short names."""
_PREFIX = re.compile(r"^data\.git\.(repository|revision): ")


def open_source(source: str, report: Report | None) -> GitRepository:
    """The repository that a path or a URL names; a URL is cloned, or fetched again.

    Raises:
        FoundryError: there is none, or it cannot be reached.
    """
    if source.startswith("-") or not source:
        raise UserError(f"{source!r}: a repository is named by a path or a URL, and begins without a dash")
    if is_url(source):
        return up_to_date_clone(source, "HEAD", report)
    path = Path(source).expanduser()
    if path.is_file():
        raise UserError(f"{source}: is a file, not a repository; a configuration is named by --config {source}")
    return GitRepository.open(path, source)


def plain_message(error: Exception) -> str:
    """What went wrong with a repository, without the key of an experiment, which a pipeline does not have."""
    return _PREFIX.sub("", str(error))


def name_of(source: str) -> str:
    """The name of a pipeline by that of its repository: letters, digits, dots, dashes and underscores."""
    if is_url(source):
        stem = re.split(r"[/:]", without_password(source).rstrip("/"))[-1]
    else:
        stem = _top_of(Path(source).expanduser()).name
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", stem.removesuffix(".git"))
    return re.sub(r"^[^A-Za-z0-9]+", "", cleaned)[:MAX_NAME].rstrip("-") or FALLBACK_NAME


def _top_of(path: Path) -> Path:
    """The nearest folder at or above `path` that holds a `.git`; else the path itself."""
    resolved = path.resolve()
    return next((folder for folder in (resolved, *resolved.parents) if (folder / ".git").exists()), resolved)


def described_source(repository: GitRepository, source: str, redact: RedactConfig) -> RepositoryFacts:
    """What the repository holds now.

    Raises:
        FoundryError: it has no commit, or cannot be read.
    """
    place = without_password(source) if is_url(source) else str(repository.work_tree or repository.git_dir)
    return RepositoryFacts(
        source=place,
        head=repository.resolve("HEAD"),
        branch=_shown_branch(repository.current_branch(), redact),
        refs_digest=digest_of_references(repository),
        is_bare=repository.work_tree is None,
        is_shallow=repository.is_shallow,
        has_grafts=any(replaced_history(repository)),
    )


def _shown_branch(name: str | None, redact: RedactConfig) -> str | None:
    if name is None or (len(name) <= LONGEST_HARMLESS_NAME and "@" not in name):
        return name
    from foundry.pipeline.redaction import Redactor

    return Redactor(redact).name(name)
