"""Documents from a folder that the `datasets` library saved, each row with its token numbers in `input_ids`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foundry.data.documents import Skipped, TokenDocument
from foundry.data.progress import Progress
from foundry.errors import UserError
from foundry.untrusted import is_plain_name, read_json, require_regular_files, shown

COLUMN = "input_ids"
ROWS_AT_A_TIME = 1000
MAX_TOKEN_ID = 2**32 - 1
MAX_DESCRIPTION_BYTES = 16_000_000
"""Of each of the two JSON files beside the rows; larger ones are not read."""


@dataclass(frozen=True)
class SavedDatasetSource:
    """Streams the rows of a saved data set from its memory-mapped files."""

    path: Path

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def documents(self, skipped: Skipped, progress: Progress) -> Iterator[TokenDocument]:
        """One document for each row, in their order."""
        dataset = self._open()
        row = 0
        for table in self._tables(dataset):
            for value in table[COLUMN]:
                row += 1
                ids = self._ids(value, row)
                if len(ids):
                    yield TokenDocument(f"{self.path}, row {row}", ids)
                else:
                    skipped.add("empty", f"row {row}")
            progress.update(f"reading {self.path}: {row:,} of {len(dataset):,} rows")

    def _tables(self, dataset: Any) -> Iterator[Any]:
        try:
            yield from dataset.with_format("arrow").iter(batch_size=ROWS_AT_A_TIME)
        except Exception as error:  # see `_open`
            raise self._unreadable(error) from error

    def _open(self) -> Any:
        self._check_descriptions()
        try:
            import datasets
        except ImportError as error:
            raise UserError(
                f"{self.path} was saved by the datasets library, which is not installed: "
                "pip install 'foundry-lm[datasets]'"
            ) from error
        try:
            dataset = datasets.load_from_disk(str(self.path))
        except Exception as error:  # the library raises what its parts happen to raise
            raise self._unreadable(error) from error
        if COLUMN not in dataset.column_names:
            found = ", ".join(dataset.column_names) or "none"
            raise UserError(f"{self.path}: no column {COLUMN!r}; its columns are {found}")
        return dataset

    def _check_descriptions(self) -> None:
        """The library follows the file names of `state.json` wherever they lead, waits for pipes, reads any size."""
        try:
            require_regular_files(self.path)
        except ValueError as error:
            raise UserError(f"{self.path}: {error}") from error
        for name in ("dataset_info.json", "state.json"):
            try:
                content = read_json(self.path / name, MAX_DESCRIPTION_BYTES)
                if name == "state.json":
                    _check_names([entry["filename"] for entry in content["_data_files"]])
            except (OSError, KeyError, TypeError) as error:
                raise UserError(f"{self.path / name}: does not describe a data set: {shown(str(error))}") from error
            except ValueError as error:
                raise UserError(f"{self.path / name}: {error}") from error

    def _unreadable(self, error: Exception) -> UserError:
        reason = shown(str(error).partition("\n")[0] or type(error).__name__)
        return UserError(f"{self.path} cannot be read by the datasets library: {reason}")

    def _ids(self, value: Any, row: int) -> npt.NDArray[np.uint32]:
        """The token numbers of a pyarrow list value."""
        if value.values is None:
            raise UserError(f"{self.path}, row {row}: {COLUMN} is null")
        ids = value.values.to_numpy(zero_copy_only=False)
        if len(ids) == 0:
            return np.empty(0, dtype=np.uint32)
        if ids.dtype.kind not in "iu":
            raise UserError(f"{self.path}, row {row}: {COLUMN} must hold whole numbers, found {ids.dtype}")
        if ids.min() < 0 or ids.max() > MAX_TOKEN_ID:
            raise UserError(
                f"{self.path}, row {row}: {COLUMN} holds {ids.min()}..{ids.max()}, token numbers start at 0"
            )
        tokens: npt.NDArray[np.uint32] = ids.astype(np.uint32)
        return tokens


def _check_names(names: list[Any]) -> None:
    for name in names:
        if not (isinstance(name, str) and is_plain_name(name)):
            raise ValueError(f"names the file {shown(str(name))}, which is not one of this folder")
