"""Looks from outside whether the folder of an index still holds its vectors, without Qdrant's library.

No digest can vouch for what Qdrant writes, which differs from one writing to the next; the number of its points can.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from foundry.embeddings.description import QDRANT_FOLDER, IndexDescription, read_description
from foundry.embeddings.stored_points import META, STORAGE
from foundry.errors import UserError
from foundry.untrusted import read_json, shown

MAX_META_BYTES = 1_000_000


def storage_problem(folder: Path) -> str | None:
    """What is wrong with the vectors of the index in `folder`, in words; None for a whole one, or one on a server.

    What describes the index is taken as it stands: an index that nothing describes has no problem here.
    """
    try:
        description = read_description(folder)
    except UserError:
        return None
    if description is None or description.url is not None:
        return None
    if not has_collection(folder, description):
        return f"{QDRANT_FOLDER} holds no collection {description.collection}"
    try:
        found = _count_points(_storage_file(folder, description))
    except (sqlite3.Error, OSError) as error:
        return f"{QDRANT_FOLDER} cannot be read: {shown(str(error))}"
    if found != description.points:
        return f"{QDRANT_FOLDER} holds {found:,} points instead of {description.points:,}"
    return None


def has_collection(folder: Path, description: IndexDescription) -> bool:
    """Whether the list of collections names that of the index, and the file of its points is there."""
    try:
        names = read_json(folder / QDRANT_FOLDER / META, MAX_META_BYTES)["collections"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    path = _storage_file(folder, description)
    return description.collection in names and path.is_file() and not path.is_symlink()


def _storage_file(folder: Path, description: IndexDescription) -> Path:
    return folder / QDRANT_FOLDER / "collection" / description.collection / STORAGE


def _count_points(path: Path) -> int:
    """How many rows its table of points has; the file is opened for reading alone."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as storage:
        return int(storage.execute("SELECT count(*) FROM points").fetchone()[0])
