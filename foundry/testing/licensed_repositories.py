"""Repositories with files under several licences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foundry.testing.repositories import SampleRepository
from foundry.testing.scraping import Scraping


def under_licence(licence: str, text: str) -> str:
    """A source that says which licence holds for it."""
    return f"# SPDX-License-Identifier: {licence}\n{text}\n"


def several_licences(folder: Path) -> SampleRepository:
    """A repository of three commits on files of two licences, of none, and on one that the last commit takes away."""
    repository = SampleRepository(folder)
    files = {"mine.py": under_licence("MIT", "a = 1"), "theirs.py": under_licence("GPL-3.0-only", "b = 1")}
    repository.commit("Begin", {**files, "unknown.py": "c = 1\n", "gone.py": under_licence("MIT", "d = 1")})
    changed = {name: text.replace("1\n", "2\n") for name, text in files.items()}
    repository.commit("Go on", dict(changed))
    (folder / "gone.py").unlink()
    repository.commit("Take away")
    return repository


def kept_under(cases: Sequence[tuple[str, Sequence[str]]], folder: Path) -> list[bool]:
    """Whether scraping keeps a file under each licence, and its changes with it, where some licences are allowed.

    Args:
        cases: the licence that a file names, or nothing, and what is allowed.
        folder: becomes the repository.

    Raises:
        AssertionError: a file and its changes are not treated alike.
    """
    repository = SampleRepository(folder)
    texts = [under_licence(licence, "a = 1") if licence else "a = 1\n" for licence, _ in cases]
    repository.commit("Begin", {f"{number}.py": text for number, text in enumerate(texts)})
    kept = {allowed: _kept(repository, allowed) for allowed in {tuple(allowed) for _, allowed in cases}}
    return [f"{number}.py" in kept[tuple(allowed)] for number, (_, allowed) in enumerate(cases)]


def _kept(repository: SampleRepository, allowed: Sequence[str]) -> set[str]:
    scraping = Scraping(repository, {"redact.licences": list(allowed)})
    scraping.scrape()
    files = {file["path"] for file in scraping.files}
    changed = {change["path"] for record in scraping.records for change in record["files"] if change["hunks"]}
    assert files == changed, f"files {sorted(files)}, but changes of {sorted(changed)}"
    return files
