"""Asks an index a question in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.embeddings.description import QDRANT_FOLDER, IndexDescription, read_description
from foundry.embeddings.embedder import load_embedder
from foundry.embeddings.index import Hit, VectorIndex
from foundry.embeddings.model_files import find_embedding_model
from foundry.embeddings.qdrant import open_folder, open_server
from foundry.embeddings.storage import has_collection
from foundry.embeddings.texts import Kind
from foundry.errors import FoundryError, UserError

INDEX_FOLDER = "index"
PATIENCE_SECONDS = 5
"""Another search has the index open for less than that."""
MAX_LEVELS = 3
"""A run is so many folders below its pipeline at most."""
HOW = "`foundry pipeline` makes an index where embed.enabled is true"


@dataclass(frozen=True)
class Answer:
    """A commit or a file that was found.

    Attributes:
        rank: 1 for the nearest.
        score: the cosine between question and text, at most 1; comparable within one model alone.
        kind: what it is.
        key: the hash of the commit, or the path of the file.
        time: of the commit, or of the last one that changed the file, in seconds since 1970.
        title: the subject of the commit; empty for a file.
        line: of the nearest piece of the file, the number of the line that says most, from 1; 0 for a commit.
        context: that line; of a commit, what it changed.
    """

    rank: int
    score: float
    kind: Kind
    key: str
    time: int
    title: str
    line: int
    context: str


def find_index(place: Path) -> Path:
    """The folder of the index that belongs to a pipeline, a run inside it, or that is named itself.

    Raises:
        UserError: nothing was indexed there.
    """
    if not place.exists():
        raise UserError(f"{place}: no such folder; name a pipeline, its index, or a run in it")
    above = place.resolve()
    for folder in [place, *[level / INDEX_FOLDER for level in (above, *above.parents[:MAX_LEVELS])]]:
        if read_description(folder) is not None:
            return folder
    raise UserError(f"{place}: nothing is indexed there; {HOW}")


def search(place: Path, question: str, limit: int, kind: Kind | None = None) -> list[Answer]:
    """The commits and files nearest in meaning to a question, the nearest first; each is named once.

    Args:
        place: see `find_index`.
        kind: leave out the others; None means both.

    Raises:
        UserError: the question is empty, nothing was indexed, or the model is gone or was changed.
        FoundryError: the index is in use, or its server does not answer.
    """
    if not question.strip():
        raise UserError("QUESTION: is empty; say in words what you look for")
    folder = find_index(place)
    description = read_description(folder)
    assert description is not None
    if not description.points:
        raise UserError(f"{folder}: holds neither commits nor files; {HOW}")
    _require_collection(folder, description)
    asked = _question_vector(question, description)  # before the index is opened, which others wait for
    with open_index(folder, description) as index:
        _require_whole(index, description)
        hits = index.nearest(asked, limit, kind)
    return _ranked(hits)


@contextlib.contextmanager
def open_index(folder: Path, description: IndexDescription) -> Iterator[VectorIndex]:
    """The vectors that an index in a folder consists of, for the length of the block.

    Raises:
        FoundryError: see `foundry.embeddings.qdrant`.
    """
    opened = (
        open_folder(folder / QDRANT_FOLDER, PATIENCE_SECONDS)
        if description.url is None
        else open_server(description.url, description.collection)
    )
    with opened as index:
        yield index


def _require_collection(folder: Path, description: IndexDescription) -> None:
    """Check that a folder has what Qdrant would make where it is missing."""
    if description.url is None and not has_collection(folder, description):
        raise _useless(str(folder / QDRANT_FOLDER), description, "is gone")


def _require_whole(index: VectorIndex, description: IndexDescription) -> None:
    found = index.dimension()
    if found != description.dimension:
        state = "is gone" if found is None else f"has vectors of {found} numbers instead of {description.dimension}"
        raise _useless(index.place, description, state)


def _useless(place: str, description: IndexDescription, state: str) -> FoundryError:
    return FoundryError(
        f"{place}: the collection {description.collection} {state}; embed again with "
        "`foundry pipeline … --only embed --force`"
    )


def _question_vector(question: str, description: IndexDescription) -> Any:
    files = find_embedding_model(description.model)
    if files.digest != description.model_digest:
        raise UserError(
            f"embed.model: {description.model} is not what the index was made with; embed again with `foundry pipeline`"
        )
    return load_embedder(files).query(question)


def _ranked(hits: list[Hit]) -> list[Answer]:
    """In the order of the scores that are shown, and of the names where these are equal."""
    rows = sorted((-round(hit.score, 4), str(hit.payload["key"]), hit) for hit in hits)
    return [
        Answer(rank, -score, *(hit.payload[name] for name in ("kind", "key", "time", "title", "line", "context")))
        for rank, (score, _key, hit) in enumerate(rows, 1)
    ]
