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

COLUMN = "input_ids"
ROWS_AT_A_TIME = 1000
MAX_TOKEN_ID = 2**32 - 1


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
        for table in dataset.with_format("arrow").iter(batch_size=ROWS_AT_A_TIME):
            for value in table[COLUMN]:
                row += 1
                ids = self._ids(value, row)
                if len(ids):
                    yield TokenDocument(f"{self.path}, row {row}", ids)
                else:
                    skipped.add("empty", f"row {row}")
            progress.update(f"reading {self.path}: {row:,} of {len(dataset):,} rows")

    def _open(self) -> Any:
        try:
            import datasets
        except ImportError as error:
            raise UserError(
                f"{self.path} was saved by the datasets library, which is not installed: "
                "pip install 'foundry-lm[datasets]'"
            ) from error
        try:
            dataset = datasets.load_from_disk(str(self.path))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{self.path} cannot be read by the datasets library: {str(error).splitlines()[0]}"
            ) from error
        if COLUMN not in dataset.column_names:
            found = ", ".join(dataset.column_names) or "none"
            raise UserError(f"{self.path}: no column {COLUMN!r}; its columns are {found}")
        return dataset

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
