"""What an index holds, in two files beside it whose bytes depend on texts and model alone.

The files of Qdrant itself differ from one writing to the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from foundry.errors import UserError
from foundry.files import new_file, write_json
from foundry.untrusted import read_regular, shown

POINTS_FILE = "points.jsonl"
INDEX_FILE = "index.json"
QDRANT_FOLDER = "qdrant"
MAX_BYTES = 1_000_000


class IndexDescription(BaseModel):
    """The content of `index.json`.

    Attributes:
        model: how the user named the model.
        model_digest: says which one that was.
        dimension: the length of its vectors.
        collection: the name of the collection of Qdrant.
        url: the server that has it; None where it is in the folder `qdrant` beside this file.
        points: vectors.
        commits: commits that they stand for.
        files: files that they stand for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    model_digest: str
    dimension: PositiveInt
    collection: str
    url: str | None
    points: NonNegativeInt
    commits: NonNegativeInt
    files: NonNegativeInt


def write_points(path: Path, payloads: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a line for each point: its id and what is kept beside its vector, sorted by kind, key and line."""
    rows = ({"id": point_id, **payload} for point_id, payload in payloads.items())
    with new_file(path) as new, new.open("w", encoding="ascii") as stream:
        for row in sorted(rows, key=lambda row: (row["kind"], row["key"], row["line"], row["id"])):
            del row["group"]
            stream.write(json.dumps(row, separators=(",", ":")) + "\n")


def write_description(path: Path, description: IndexDescription) -> None:
    """Write `index.json`."""
    write_json(path, description.model_dump())


def read_description(folder: Path) -> IndexDescription | None:
    """What the index in a folder is; None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    path = folder / INDEX_FILE
    try:
        return IndexDescription.model_validate_json(read_regular(path, MAX_BYTES))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, OSError) as error:
        reason = str(error)
    raise UserError(
        f"{path}: cannot be read: {shown(reason)}; embed again with `foundry pipeline … --only embed --force`"
    )
