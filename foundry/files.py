"""Nothing exists until it is whole: files and folders appear in one rename, flushed to disk before it.

Every writer of something that others read goes through this module. A temporary name stands in the same folder as
the final one, because a rename is atomic within one filesystem only.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foundry.errors import FoundryError

TEMPORARY_PREFIX = ".writing-"
FAILURES_OF_THE_DISK = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""Operating system errors that say that something cannot be written, and that no code can prevent."""
MISTAKES_ABOUT_FILES = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR}
"""A file stands where a folder is needed, or a folder where a file is."""


def disk_failure(error: OSError, place: Path, what: str = "", needed: int | None = None) -> FoundryError:
    """An error of the disk in one line: what could not be written, why, and how much room there is.

    Args:
        place: a folder on the disk, or one that would be made there; named where the error names no file.
        what: could not be written, where it is more than that file.
        needed: the bytes that were to be written, where that is known.
    """
    existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    need = f"it needs {needed:,} bytes, and " if needed is not None else ""
    return FoundryError(
        f"{error.filename or place}: {what}{' ' * bool(what)}could not be written: {error.strerror or error}; {need}"
        f"{shutil.disk_usage(existing).free:,} bytes are free there. Earlier checkpoints are whole; mend that and "
        "launch again to go on"
    )


@contextlib.contextmanager
def disk_failures_explained(place: Path) -> Iterator[None]:
    """Turn errors of the disk inside the block into one line, see `disk_failure`; other errors stay what they are.

    Raises:
        FoundryError: something could not be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FAILURES_OF_THE_DISK:
            raise
        raise disk_failure(error, place) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of a file, or the entries of a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Wait until a folder is on disk with all that is in it."""
    for written in sorted(folder.rglob("*"), reverse=True):
        flush_to_disk(written)
    flush_to_disk(folder)


def temporary_sibling(path: Path) -> Path:
    """A name beside `path`, on the same filesystem, that belongs to this process alone.

    What processes that were killed have left under such names for the same `path` is removed.
    """
    prefix = f"{TEMPORARY_PREFIX}{path.name}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        if not _is_running(left.name.removeprefix(prefix)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{prefix}{os.getpid()}")


def _is_running(process: str) -> bool:
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary name that becomes the file `path` in one rename when the block ends without an exception.

    A reader sees the old file or the new one, never a part. What was written is flushed to disk before the rename.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_sibling(path)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush_to_disk(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one rename."""
    with new_file(path) as new:
        new.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 `text` at `path` in one rename."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` as indented JSON, in one rename."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes `path` in one rename when the block ends without an exception.

    Files written into it are flushed to disk first. On an exception it is removed and `path` is untouched.

    Raises:
        FileExistsError: `path` already holds something.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_sibling(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        flush_folder(temporary)
        if path.exists():
            raise FileExistsError(f"{path} already exists")
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_to_disk(path.parent)


@contextlib.contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """An empty folder in `parent` for the length of the block; one that a killed process left is removed first."""
    folder = temporary_sibling(parent / name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remains_of_the_dead(folder: Path) -> list[Path]:
    """What processes that are gone have left half-written in `folder`; what others are writing now is not named."""
    return [
        left for left in sorted(folder.glob(f"{TEMPORARY_PREFIX}*")) if not _is_running(left.name.rpartition("-")[2])
    ]


def remove_remains(folder: Path) -> None:
    """Remove what killed processes have left half-written in `folder` and in the folders in it.

    Only for whoever has `folder` to itself: what is being written there now would be removed, too.
    """
    for depth in ("", "*/"):
        for left in folder.glob(f"{depth}{TEMPORARY_PREFIX}*"):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder in a way that never leaves a part of it under its name."""
    doomed = temporary_sibling(folder)
    folder.rename(doomed)
    shutil.rmtree(doomed)
