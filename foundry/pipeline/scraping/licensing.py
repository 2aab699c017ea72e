"""Which files of a tree have a licence that is allowed, and commits without the changes of all others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from foundry.data.git import GitRepository, TreeEntry
from foundry.data.isolated_git import IsolatedGit, spooled
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.licence_expressions import is_allowed
from foundry.pipeline.licences import LicenceFinder, is_licence_file
from foundry.pipeline.records import CommitRecord, as_line
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.scraping.patches import LINK, SUBMODULE

MAX_LICENCE_BYTES = 1_000_000


def path_of(entry: TreeEntry) -> str:
    """The path of an entry, with surrogate escapes where it is not UTF-8."""
    return entry.path.decode(errors="surrogateescape")


def contents_of(git: IsolatedGit, entries: Sequence[TreeEntry]) -> Iterator[bytes]:
    """The content of each file, one at a time in memory."""
    with spooled([entry.object_id for entry in entries]) as ids:
        yield from (content for _, content in git.objects_asked_for(ids))


def licence_finder(git: IsolatedGit, entries: Sequence[TreeEntry]) -> LicenceFinder:
    """Asks the files of a tree that name licences, wherever they stand, even if they are not kept."""
    asked = [entry for entry in _files(entries) if entry.size <= MAX_LICENCE_BYTES and is_licence_file(path_of(entry))]
    contents = zip(asked, contents_of(git, asked), strict=True)
    return LicenceFinder({path_of(entry): content.decode(errors="replace") for entry, content in contents})


def allowed_paths(
    repository: GitRepository, git: IsolatedGit, commit_id: str, redact: RedactConfig, max_file_bytes: int
) -> frozenset[str] | None:
    """The files at a commit whose licence is known to be allowed, by their paths as records have them.

    None where every licence is allowed. What a larger file says of itself is not read, so its licence is not known.

    Raises:
        FoundryError: git failed.
    """
    if not redact.licences:
        return None
    entries = list(repository.tree(commit_id))
    finder = licence_finder(git, entries)
    read = [entry for entry in _files(entries) if entry.size <= max_file_bytes]
    redactor = Redactor(redact)
    allowed: set[str] = set()
    others = {redactor.name(path_of(entry)) for entry in entries if entry.size > max_file_bytes}
    for entry, content in zip(read, contents_of(git, read), strict=True):
        licence = finder.licence_of(path_of(entry), content.decode(errors="replace"))
        (allowed if is_allowed(licence, redact.licences) else others).add(redactor.name(path_of(entry)))
    return frozenset(allowed - others)


def _files(entries: Sequence[TreeEntry]) -> list[TreeEntry]:
    return [entry for entry in entries if entry.mode not in (LINK, SUBMODULE)]


def with_hunks_of(line: bytes, allowed: frozenset[str]) -> bytes:
    """The line of a commit without the hunks of all files but those that are allowed, with a note of it."""
    record: CommitRecord = json.loads(line)
    left_out = [change for change in record["files"] if change["hunks"] and change["path"] not in allowed]
    if not left_out:
        return line
    for change in left_out:
        change["hunks"] = []
    record["notes"].append(
        f"the hunks of {len(left_out):,} of its {len(record['files']):,} files are left out: their licences are not "
        "known to be allowed"
    )
    return as_line(record).encode("ascii")
