"""What a phase has left beside its outputs: files whose bytes are never twice the same, and that can be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from foundry.embeddings.storage import storage_problem
from foundry.pipeline.phase import INDEX_FOLDER


def _problem_of_index(folder: Path) -> str | None:
    problem = storage_problem(folder / INDEX_FOLDER)
    return None if problem is None else f"{INDEX_FOLDER}/{problem}"


CHECKS: Mapping[str, Callable[[Path], str | None]] = {"embed": _problem_of_index}
"""By the name of a phase: what is wrong with such files in a pipeline's folder, in words."""


def problem_with_unlisted(name: str, folder: Path) -> str | None:
    """What is wrong with the files that the phase `name` has left beside its outputs; None where nothing is.

    Args:
        folder: of the pipeline.
    """
    check = CHECKS.get(name)
    return None if check is None else check(folder)
