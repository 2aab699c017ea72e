"""Documents from files outside version control: a folder of text, a `.txt` file, a `.jsonl` file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.data.documents import Document, Skipped, text_of
from foundry.data.progress import Progress
from foundry.errors import UserError

MAX_FILE_BYTES = 50_000_000
"""A larger text file is left out before it is read; of a `.jsonl` file no line may be longer."""


@dataclass(frozen=True)
class TextSource:
    """Streams the documents of a file, or of every file in a folder; symbolic links are not followed.

    Attributes:
        path: a file, or a folder.
        text_field: the key of the text in a line of `.jsonl`.
    """

    path: Path
    text_field: str

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def documents(self, skipped: Skipped, progress: Progress) -> Iterator[Document]:
        """One document for each text file and each line of `.jsonl`, in the order of the paths."""
        count = 0
        for path in self._files(skipped):
            for document in self._documents_of(path, skipped):
                count += 1
                yield document
                progress.update(f"reading {self.path}: {count:,} documents")

    def _files(self, skipped: Skipped) -> Iterator[Path]:
        if self.path.is_file():
            return iter([self.path])
        return files_in(self.path, skipped)

    def _documents_of(self, path: Path, skipped: Skipped) -> Iterator[Document]:
        if path.suffix == ".jsonl":
            yield from self._lines(path, skipped)
            return
        name = self._name(path)
        if is_too_large(path):
            skipped.add(f"larger than {MAX_FILE_BYTES:,} bytes", name)
            return
        text = text_of(path.read_bytes(), name, skipped)
        if text is not None:
            yield Document("text", name, text)

    def _name(self, path: Path) -> str:
        return path.name if path == self.path else path.relative_to(self.path).as_posix()

    def _lines(self, path: Path, skipped: Skipped) -> Iterator[Document]:
        with path.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(MAX_FILE_BYTES + 1), b""), start=1):
                if len(line) > MAX_FILE_BYTES:
                    raise UserError(f"{path}, line {number}: is longer than {MAX_FILE_BYTES:,} bytes")
                if line.strip():
                    text = self._text_in(line, f"{path}, line {number}")
                    if text:
                        yield Document("text", f"{self._name(path)}:{number}", text)
                    else:
                        skipped.add("empty", f"{self._name(path)}:{number}")

    def _text_in(self, line: bytes, place: str) -> str:
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
            raise UserError(f"{place}: expected an object, found {_json_name(row)}")
        if self.text_field not in row:
            fields = ", ".join(row) or "none"
            raise UserError(
                f"{place}: no field {self.text_field!r}; set data.text_field to one of its fields: {fields}"
            )
        text = row[self.text_field]
        if not isinstance(text, str):
            raise UserError(f"{place}: field {self.text_field!r} must be text, found {_json_name(text)}")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{place}: field {self.text_field!r} holds half of a surrogate pair") from error
        return text


def is_too_large(path: Path) -> bool:
    """Whether a file is left out before it is read."""
    return path.suffix != ".jsonl" and path.stat().st_size > MAX_FILE_BYTES


def _json_name(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def files_in(folder: Path, skipped: Skipped) -> Iterator[Path]:
    """The regular files below a folder, in the order of their names; hidden names and symbolic links are counted."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            skipped.add("hidden", entry.name)
        elif entry.is_symlink():
            skipped.add("symbolic link", entry.name)
        elif entry.is_dir():
            yield from files_in(path, skipped)
        elif entry.is_file():
            yield path
        else:
            skipped.add("not a file", entry.name)
