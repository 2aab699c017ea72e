"""Reads a metrics file while a training run writes it, so that every step is seen once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from foundry.training.metrics import MAX_ROW_BYTES, row_in


class FollowedMetrics:
    """The rows of a metrics file beyond a step.

    A resume, or a loss spike, cuts the file back and writes its last steps again. They are the same steps, so those
    that were given once are not given again.

    Attributes:
        last_step: the last step that was given; at first the one that the rows begin after.
        bytes_read: how much of the file has been read.
    """

    def __init__(self, path: Path, after_step: int) -> None:
        self.path = path
        self.last_step = after_step
        self.bytes_read = 0
        self._last_line = b""

    def new_rows(self, limit: int) -> list[dict[str, Any]]:
        """The next rows, as far as they are whole: at most `limit`."""
        rows: list[dict[str, Any]] = []
        if self.path.is_symlink() or not self.path.is_file():
            return rows
        with self.path.open("rb") as stream:
            stream.seek(self.bytes_read - len(self._last_line))
            if stream.read(len(self._last_line)) != self._last_line:  # the file was cut back, and has grown again
                self.bytes_read = stream.seek(0)
            while len(rows) < limit and (line := stream.readline(MAX_ROW_BYTES)).endswith(b"\n"):
                row = row_in(line)
                if row is None:
                    break
                self.bytes_read, self._last_line = self.bytes_read + len(line), line
                if row["step"] > self.last_step:
                    self.last_step = row["step"]
                    rows.append(row)
        return rows

    @property
    def total_bytes(self) -> int:
        """The size of the file now."""
        return self.path.stat().st_size if self.path.is_file() else 0


def last_step_in(path: Path) -> int:
    """The last step of a metrics file; 0 where it has none."""
    rows = FollowedMetrics(path, after_step=0)
    while rows.new_rows(limit=1000):
        pass
    return rows.last_step
