"""The metrics of a run: one JSON object a line, none lost and none doubled by a resume."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from foundry import files


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file, up to the first line that a kill or a power cut left unfinished."""
    rows: list[dict[str, Any]] = []
    if not path.exists():
        return rows
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = json.loads(line)
        except ValueError:
            break
        rows.append(row)
    return rows


class MetricsLog:
    """Appends lines to a metrics file, from a given step on."""

    def __init__(self, path: Path, resume_after_step: int) -> None:
        """Open the log, and take out what was written after `resume_after_step`: those steps are made again."""
        kept = [row for row in read_metrics(path) if row["step"] <= resume_after_step]
        files.write_text(path, "".join(_line(row) for row in kept))
        self._stream = path.open("a", encoding="utf-8")

    def append(self, row: dict[str, Any]) -> None:
        """Write one row; readers of the file see it at once."""
        self._stream.write(_line(row))
        self._stream.flush()

    def flush_to_disk(self) -> None:
        """Wait until all rows are on disk; called before a checkpoint that counts on them."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
