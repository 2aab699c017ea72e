"""A small history with everything that a graph of commits can have: merges, open branches, tags of all kinds."""

from __future__ import annotations

from pathlib import Path

from foundry.testing.odd_histories import when
from foundry.testing.raw_objects import ADA, Files, ObjectWriter
from foundry.testing.repositories import SampleRepository

NUM_COMMITS = 8


def branched_repository(folder: Path, author: bytes = ADA) -> tuple[SampleRepository, dict[str, str]]:
    """A repository of eight commits on the branches `main`, `merged` and `unmerged`; one at `folder` is written anew.

    A commit of `unmerged` is older than its parent. `v1` is a plain tag, `v2` one with a message, `v2-again` a tag of
    that tag, and `side/one` stands on the unmerged branch.

    Returns:
        the repository, and the ids of the commits by their subjects.
    """
    repository = SampleRepository(folder)
    writer = ObjectWriter(folder / ".git")
    ids: dict[str, str] = {}

    def commit(subject: str, hour: int, files: Files, *parents: str) -> None:
        message = f"{subject}\n\nWhat it is for.\n".encode()
        ids[subject] = writer.commit(files, [ids[parent] for parent in parents], message, when(hour, author))

    commit("First", 0, {b"a.py": b"a = 1\n", b"lib/b.py": b"b = 1\n"})
    commit("Second", 1, {b"a.py": b"a = 2\n", b"lib/b.py": b"b = 1\n"}, "First")
    commit("Aside", 2, {b"a.py": b"a = 1\n", b"lib/b.py": b"b = 1\n", b"m.py": b"m = 1\n"}, "First")
    commit("Aside again", 3, {b"a.py": b"a = 1\n", b"lib/b.py": b"b = 1\n", b"m.py": b"m = 2\n"}, "Aside")
    commit("Third", 4, {b"a.py": b"a = 3\n", b"lib/b.py": b"b = 1\n"}, "Second")
    merged = {b"a.py": b"a = 3\n", b"lib/b.py": b"b = 1\n", b"m.py": b"m = 2\n"}
    commit("Merge", 6, merged, "Third", "Aside again")
    commit("Open", 2, {b"a.py": b"a = 3\n", b"lib/b.py": b"b = 1\n", b"u.py": b"u = 1\n"}, "Third")
    commit("Newest", 7, {**merged, b"lib/b.py": b"b = 2\n"}, "Merge")
    for branch, subject in (("main", "Newest"), ("merged", "Aside again"), ("unmerged", "Open")):
        writer.branch(branch, ids[subject])
    repository.git("tag", "--force", "v1", ids["Second"])
    repository.git("tag", "--force", "--annotate", "--message", "Second version", "v2", ids["Merge"])
    repository.git("tag", "--force", "--annotate", "--message", "The same", "v2-again", "v2")
    repository.git("tag", "--force", "side/one", ids["Open"])
    repository.git("reset", "--quiet", "--hard")
    return repository, ids
