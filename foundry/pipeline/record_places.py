"""Records by the place where they begin in their file, so that they can be read in another order than written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from foundry.errors import FoundryError
from foundry.pipeline.records import CommitRecord, FileRecord


def commits_with_places(path: Path) -> Iterator[tuple[int, CommitRecord]]:
    """The commits in a file, each with its place in bytes."""
    return ((place, cast(CommitRecord, record)) for place, record in _with_places(path))


def files_with_places(path: Path) -> Iterator[tuple[int, FileRecord]]:
    """The files in a file, each with its place in bytes."""
    return ((place, cast(FileRecord, record)) for place, record in _with_places(path))


def commits_at(path: Path, places: Iterable[int]) -> Iterator[CommitRecord]:
    """The commits at these places, in this order."""
    return (cast(CommitRecord, record) for record in _at(path, places))


def files_at(path: Path, places: Iterable[int]) -> Iterator[FileRecord]:
    """The files at these places, in this order."""
    return (cast(FileRecord, record) for record in _at(path, places))


def _with_places(path: Path) -> Iterator[tuple[int, object]]:
    place = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            yield place, _parsed(line, path, number)
            place += len(line)


def _at(path: Path, places: Iterable[int]) -> Iterator[object]:
    with path.open("rb") as stream:
        for place in places:
            if stream.tell() != place:
                stream.seek(place)
            yield _parsed(stream.readline(), path, None)


def _parsed(line: bytes, path: Path, number: int | None) -> object:
    try:
        return json.loads(line)
    except ValueError:
        where = "" if number is None else f" in line {number:,}"
        raise FoundryError(f"{path}: holds no record{where}; scrape again by `--from scrape --force`") from None
