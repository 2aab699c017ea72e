"""Looks into a folder of embedded Qdrant before Qdrant does, because Qdrant unpickles what stands there.

Unpickling runs what the bytes name. A folder that came from elsewhere may therefore hold points, and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import sqlite3
from pathlib import Path
from typing import Any

from foundry.errors import FoundryError
from foundry.untrusted import read_json, shown

META = "meta.json"
STORAGE = "storage.sqlite"
MAX_META_BYTES = 1_000_000
SCHEMA = [
    ("index", "sqlite_autoindex_points_1", None),
    ("table", "points", "CREATE TABLE points (id TEXT PRIMARY KEY, point BLOB)"),
]
POINT = ("qdrant_client.http.models.models", "PointStruct")


def require_points_alone(folder: Path, collection: str) -> None:
    """Check that a folder holds one collection of Qdrant at most, and that in points, without running any of it.

    Raises:
        FoundryError: names what is not as Qdrant writes it, and what to do.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    try:
        _forget_first_instant(folder)
        _check_names(folder, collection)
        _check_meta(folder / META, collection)
        _check_storage(folder / "collection" / collection / STORAGE)
    except (ValueError, OSError, sqlite3.DatabaseError, pickle.UnpicklingError) as error:
        raise FoundryError(
            f"{folder}: {shown(str(error))}; this is not as Qdrant writes it, so it is not opened: remove the "
            "folder, and embed again"
        ) from None


def _forget_first_instant(folder: Path) -> None:
    """Remove the empty list of collections of a process that was killed when it had just made the folder."""
    meta = folder / META
    is_empty = meta.is_file() and not meta.is_symlink() and meta.stat().st_size == 0
    if is_empty and not (folder / "collection").exists():
        meta.unlink()


def _check_names(folder: Path, collection: str) -> None:
    home = f"collection/{collection}"
    storage = {f"{home}/{STORAGE}{ending}" for ending in ("", "-journal", "-wal", "-shm")}
    files = {META, f"{META}.tmp", ".lock", *storage}
    folders = {"collection", home}
    for entry in (folder, *sorted(folder.rglob("*"))):
        name = entry.relative_to(folder).as_posix()
        if entry.is_symlink():
            raise ValueError(f"{name} is a symbolic link")
        is_known = (entry.is_dir() and name in {".", *folders}) or (entry.is_file() and name in files)
        if not is_known:
            raise ValueError(f"{name} is not a part of an index")


def _check_meta(path: Path, collection: str) -> None:
    """Qdrant makes paths of the names of collections."""
    with contextlib.suppress(FileNotFoundError):
        names = read_json(path, MAX_META_BYTES)["collections"]
        if set(names) - {collection}:
            raise ValueError(f"{META} names collections beside {collection}")


def _check_storage(path: Path) -> None:
    if not path.exists():
        return
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as storage:
        schema = sorted(storage.execute("SELECT type, name, sql FROM sqlite_master"))
        if schema and schema != SCHEMA:
            raise ValueError(f"{STORAGE} holds other tables")
        for (content,) in storage.execute("SELECT point FROM points") if schema else ():
            _PointReader(io.BytesIO(content)).load()


class _PointReader(pickle.Unpickler):
    """Makes points, and refuses every other class or function."""

    def find_class(self, module: str, name: str) -> Any:
        """See `pickle.Unpickler.find_class`."""
        if (module, name) != POINT:
            raise pickle.UnpicklingError(f"{STORAGE} holds {module}.{name}, which is not a point")
        from qdrant_client.http.models import PointStruct

        return PointStruct
