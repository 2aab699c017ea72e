"""Documents from files outside version control: a folder of text, a `.txt` file, a `.jsonl` file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foundry.data.documents import Document, Skipped, text_of
from foundry.data.json_lines import MAX_LINE_BYTES, rows_of
from foundry.data.progress import Progress
from foundry.errors import UserError

MAX_FILE_BYTES = MAX_LINE_BYTES
"""A larger text file is left out before it is read."""


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
        for row in rows_of(path):
            name = f"{self._name(path)}:{row.number}"
            if self.text_field not in row.fields:
                raise UserError(
                    f"{row.place}: no field {self.text_field!r}; set data.text_field to one of its fields: {row.names}"
                )
            if text := row.text(self.text_field):
                yield Document("text", name, text)
            else:
                skipped.add("empty", name)


def is_too_large(path: Path) -> bool:
    """Whether a file is left out before it is read."""
    return path.suffix != ".jsonl" and path.stat().st_size > MAX_FILE_BYTES


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
