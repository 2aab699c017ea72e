"""The rows of a `.jsonl` file: one JSON object in each line, and an error that names file and line for what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.errors import UserError

MAX_LINE_BYTES = 50_000_000
"""No line may be longer."""


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        number: of the line, counted from 1.
        place: file and line, for messages.
        fields: what the object holds.
    """

    number: int
    place: str
    fields: dict[str, Any]

    @property
    def names(self) -> str:
        """The names of the fields, for messages."""
        return ", ".join(self.fields) or "none"

    def text(self, field: str) -> str:
        """The text in a field that is there.

        Raises:
            UserError: it is no text.
        """
        return checked_text(self.fields[field], f"{self.place}: field {field!r}")


def rows_of(path: Path) -> Iterator[Row]:
    """Every line of a file that is not blank, one at a time in memory.

    Raises:
        UserError: a line is too long, or holds no JSON object.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), start=1):
            place = f"{path}, line {number}"
            if len(line) > MAX_LINE_BYTES:
                raise UserError(f"{place}: is longer than {MAX_LINE_BYTES:,} bytes")
            if line.strip():
                yield Row(number, place, _object_in(line, place))


def checked_text(value: Any, what: str) -> str:
    """`value`, if it is text that can be written as UTF-8.

    Raises:
        UserError: it is not; the message begins with `what`.
    """
    if not isinstance(value, str):
        raise UserError(f"{what} must be text, found {json_name(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{what} holds half of a surrogate pair") from error
    return value


def json_name(value: Any) -> str:
    """What JSON calls a value of this kind, with its article."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _object_in(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not valid JSON ({error.msg} at column {error.colno})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not valid UTF-8 ({error.reason} at byte {error.start + 1})") from error
    except ValueError as error:
        raise UserError(f"{place}: holds a number that is too long to be read") from error
    except RecursionError as error:
        raise UserError(f"{place}: is nested too deeply") from error
    if not isinstance(row, dict):
        raise UserError(f"{place}: expected an object, found {json_name(row)}")
    return row
