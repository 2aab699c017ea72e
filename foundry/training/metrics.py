"""The metrics of a run: one JSON object a line, none lost and none doubled by a resume."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from foundry import files
from foundry.errors import FoundryError

MAX_STEP = 1 << 53
VOLATILE_KEYS = ("time", "hardware")
"""The sections of a row that hold what a clock and the machine gave: two runs that are the same differ in them."""
TAIL_BYTES = MAX_ROW_BYTES = 1 << 16
"""The end of a file is read in pieces of this size, however long the file is; a longer line is no row."""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file, up to the first line that a kill or a power cut left unfinished."""
    rows: list[dict[str, Any]] = []
    if not path.is_file():
        return rows
    with path.open("rb") as stream:
        while (line := stream.readline(MAX_ROW_BYTES)).endswith(b"\n"):
            row = row_in(line)
            if row is None:
                break
            rows.append(row)
    return rows


class MetricsLog:
    """Appends lines to a metrics file, from a given step on."""

    def __init__(self, path: Path, resume_after_step: int) -> None:
        """Open the log, and take out what was written after `resume_after_step`: those steps are made again.

        Only the end of the file is read: going on at step 1,000,000 costs what going on at step 10 costs.
        """
        if not os.path.lexists(path):
            files.write_bytes(path, b"")
        if path.is_symlink() or not path.is_file():
            raise FoundryError(f"{path}: is not a regular file, so the metrics cannot go on in it; move it away")
        os.truncate(path, _end_of_rows_until(path, resume_after_step))
        self._stream = path.open("a", encoding="utf-8")

    def append(self, row: dict[str, Any]) -> None:
        """Write one row; readers of the file see it at once."""
        self._stream.write(json.dumps(row, allow_nan=False) + "\n")
        self._stream.flush()

    def flush_to_disk(self) -> None:
        """Wait until all rows are on disk; called before a checkpoint that counts on them."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class NoMetrics(MetricsLog):
    """Takes what `MetricsLog` takes, and writes nothing: one process of a launch writes the metrics for all."""

    def __init__(self) -> None:
        pass

    def append(self, row: dict[str, Any]) -> None:
        """Leave it to the process that writes."""

    def flush_to_disk(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is open."""


def row_in(line: bytes) -> dict[str, Any] | None:
    """The row that a line holds; None where it is damaged."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_row = isinstance(row, dict) and isinstance(row.get("step"), int) and 0 <= row["step"] <= MAX_STEP
    return row if is_row else None


def _end_of_rows_until(path: Path, step: int) -> int:
    """The position after the last whole row of at most `step`. Rows stand in ascending order of their steps."""
    with path.open("rb") as stream:
        start = end = path.stat().st_size
        while start > 0:
            start = max(0, start - TAIL_BYTES)
            stream.seek(start)
            tail = stream.read(end - start)
            if start > 0 and b"\n" not in tail:  # the middle of a line that is too long for a row
                end = start
                continue
            # What stands before the first line end belongs to a line that began before this piece.
            whole = tail if start == 0 else tail[tail.find(b"\n") + 1 :]
            place = end - len(whole)
            found = None
            for line in whole.split(b"\n")[:-1]:
                place += len(line) + 1
                row = row_in(line)
                if row is not None and row["step"] <= step:
                    found = place
            if found is not None:
                return found
            end -= len(whole)
    return 0
