"""What lies in a folder, without opening what must not be opened: to show that something was left as it was."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

HASHED_BYTES = 1 << 20
"""Of larger files the beginning and the end are compared, and the size: some claim to hold terabytes."""


def entries_of(*places: Path) -> dict[str, str]:
    """Every entry at and below the places by its path, with its kind, size and content in a few characters.

    Symbolic links are not followed, named pipes and devices not opened.
    """
    return {str(path): _description(path) for place in places for path in _paths(place)}


def contents_below(folder: Path) -> dict[str, str]:
    """The entries below `folder` by their paths relative to it, as `entries_of` describes them."""
    return {os.path.relpath(path, folder): description for path, description in entries_of(folder).items()}


def _paths(place: Path) -> list[Path]:
    if not os.path.lexists(place):
        return []
    if place.is_symlink() or not place.is_dir():
        return [place]
    return [place, *(path for entry in sorted(place.iterdir()) for path in _paths(entry))]


def _description(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link to {path.readlink()}"
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        return f"special file {stat.filemode(status.st_mode)}"
    with path.open("rb") as stream:
        digest = hashlib.sha256(stream.read(HASHED_BYTES))
        stream.seek(max(HASHED_BYTES, status.st_size - HASHED_BYTES))
        digest.update(stream.read(HASHED_BYTES))
    return f"file of {status.st_size:,} bytes, {digest.hexdigest()[:16]}"
