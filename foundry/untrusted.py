"""Reading files that somebody else may have made: regular ones, of a bounded size, and JSON without tricks.

Nothing here waits for a named pipe, follows a symbolic link, or holds more memory than the caller allows.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

MAX_SHOWN_CHARACTERS = 80
MAX_DIGITS = 1000


def read_regular(path: Path, max_bytes: int, *, follow_link: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        follow_link: read what a symbolic link leads to, as in the cache of the model hub.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be opened or read.
        ValueError: it is a symbolic link, no regular file, or larger than `max_bytes`.
    """
    if path.is_symlink() and not follow_link:
        raise ValueError("is a symbolic link, which is not followed here")
    no_follow = 0 if follow_link else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | no_follow | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is not a regular file")
        if status.st_size > max_bytes:
            raise ValueError(f"has {status.st_size:,} bytes, more than the {max_bytes:,} that are read")
        return stream.read(max_bytes)


def read_json(path: Path, max_bytes: int, *, follow_link: bool = False) -> Any:
    """The value in a regular JSON file.

    Raises:
        OSError, ValueError: see `read_regular` and `parse_json`.
    """
    return parse_json(read_regular(path, max_bytes, follow_link=follow_link))


def require_regular_files(folder: Path) -> None:
    """Check a folder before a library is let loose on it: nothing in it that one would wait for.

    Raises:
        ValueError: names the entry that is neither a file nor a folder.
    """
    for entry in sorted(folder.iterdir()):
        if not (entry.is_file() or entry.is_dir()):
            raise ValueError(f"{shown(entry.name)} is neither a file nor a folder")


def parse_json(content: bytes) -> Any:
    """The value that UTF-8 JSON describes; its size is for the caller to bound.

    Raises:
        ValueError: it is not UTF-8, not JSON, nested too deeply, or holds a key twice, NaN, or a number without end.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_no_constant,
            parse_int=_short_number,
        )
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def is_plain_name(name: str) -> bool:
    """Whether `name` stays in the folder that it is put into, on every system, and can be shown on one line."""
    return name not in ("", ".", "..") and len(name) <= 255 and name.isprintable() and not set(name) & set("/\\:")


def shown(text: str) -> str:
    """Text of unknown origin in a few characters of one line, without anything that a terminal obeys."""
    cut = text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
    return cut if cut.isprintable() and cut.strip() == cut != "" else repr(cut)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("holds a key twice")
    return found


def _short_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"holds a number of {len(digits):,} digits")
    return int(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"holds {name}, which is not a number")
