"""One process sends the metrics of a run at a time, also where the one before it was killed.

The library's background process outlives a killed client by some seconds, and goes on sending what it was handed. Were
the next client to ask meanwhile which steps the service holds, they would be sent twice. So the background process is
written down, and ended before anybody else begins.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from foundry import files
from foundry.training.run_lock import Holder, RunLock
from foundry.untrusted import read_regular

BACKGROUND_NAME = "wandb-core"
MAX_DETAILS_BYTES = 10_000
ENDING_SECONDS = 5.0
OTHER_HOST_SECONDS = 5.0
"""A background process of another host cannot be ended from here; by then it has noticed that it is alone."""


@dataclass(frozen=True)
class TrackerLock:
    """The lock on sending the metrics of a run, kept beside that of the run."""

    run_folder: Path

    @property
    def path(self) -> Path:
        """The file that is locked; it is empty, and stays."""
        return RunLock(self.run_folder).path.with_suffix(".tracking")

    @property
    def details(self) -> Path:
        """Where the background process of the holder is written down."""
        return self.path.with_suffix(".tracking.json")

    @contextlib.contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Send alone; the background process of this one is gone when the block ends.

        Args:
            seconds: how long to wait for another process; below 0 for as long as it takes.

        Raises:
            Timeout: another process sends, and has not ended in that time.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path).acquire(timeout=seconds):
            self._end_background()
            try:
                yield
            finally:
                self._end_background()

    def is_held(self) -> bool:
        """Whether a process sends the metrics of the run now."""
        if not self.path.exists():
            return False
        try:
            with FileLock(self.path).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def write_down_background(self) -> None:
        """Remember the background process that this process has started, before it is handed anything to send."""
        for child in psutil.Process().children():
            if child.name() == BACKGROUND_NAME:
                files.write_json(self.details, Holder.of(child).model_dump())

    def _end_background(self) -> None:
        try:
            background = Holder.model_validate_json(read_regular(self.details, MAX_DETAILS_BYTES))
        except (OSError, ValueError):
            return
        if not background.is_here:
            time.sleep(OTHER_HOST_SECONDS)
        elif not background.has_ended:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(background.process)
                if process.name() == BACKGROUND_NAME:
                    process.kill()
                    process.wait(ENDING_SECONDS)
        self.details.unlink(missing_ok=True)
