"""One process works on a run at a time, and the others can say which.

The lock is the kernel's (`flock`), so a process that ends gives it back, however it ends; what the holder writes beside
it is for messages alone, and never decides anything.

Among hosts that share a filesystem the promise reaches as far as that filesystem passes `flock` on: NFSv4, and NFSv3
with its lock manager, Lustre mounted with `flock`, GPFS and CephFS do; NFS mounted `nolock` and Lustre mounted
`localflock` lock each host by itself. There a launch still warns where a process of another host has not signed off.
"""

from __future__ import annotations

import contextlib
import datetime
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, field_validator

from foundry import files
from foundry.errors import FoundryError
from foundry.untrusted import read_regular

LOCKS_FOLDER = ".locks"
MAX_DETAILS_BYTES = 10_000
PATIENCE_SECONDS = 1.0
"""How long a refused launch waits for the holder's details, which it may be about to write."""
START_TOLERANCE_SECONDS = 5.0
"""When a process began is computed from the wall clock, which may be set meanwhile."""


class Holder(BaseModel):
    """The process that holds a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: int
    host: str
    since: str
    """UTC, ISO 8601, to the second."""
    process_started: float
    """Seconds since 1970; tells the process from a later one with the same number."""

    @field_validator("host", "since")
    @classmethod
    def _can_be_shown(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("holds control characters")
        return value

    @classmethod
    def this_process(cls) -> Holder:
        """The holder that this process is."""
        return cls.of(psutil.Process())

    @classmethod
    def of(cls, process: psutil.Process) -> Holder:
        """The holder that a process of this host is."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return cls(process=process.pid, host=socket.gethostname(), since=now, process_started=process.create_time())

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this host."""
        return self.host == socket.gethostname()

    @property
    def has_ended(self) -> bool:
        """Whether the process is known to run no more; of another host nothing is known."""
        if not self.is_here:
            return False
        try:
            started = psutil.Process(self.process).create_time()
        except psutil.Error:
            return True
        return abs(started - self.process_started) > START_TOLERANCE_SECONDS

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"


@dataclass(frozen=True)
class RunLock:
    """The lock of one run folder, kept beside it, because the folder itself appears in one rename."""

    run_folder: Path
    subject: str = "run"
    """What the folder holds, in the message."""

    @property
    def path(self) -> Path:
        """The file that is locked; it is empty, and stays."""
        folder = self.run_folder.resolve() if self.run_folder.is_symlink() else self.run_folder
        return folder.parent / LOCKS_FOLDER / f"{folder.name}.lock"

    @property
    def details(self) -> Path:
        """Where the holder says who it is."""
        return self.path.with_suffix(".holder.json")

    def holder(self) -> Holder | None:
        """Who holds the run, by its own word; None where nobody does, or whoever wrote it has ended."""
        holder = self._written()
        return None if holder is None or holder.has_ended else holder

    @contextlib.contextmanager
    def held(self, warn: Callable[[str], None]) -> Iterator[None]:
        """Work on the run alone.

        Args:
            warn: is told of a process of another host that has not signed off.

        Raises:
            FoundryError: another process is at work on the run; the message names it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise FoundryError(self._refusal()) from None
        try:
            self._sign_on(warn)
            yield
        finally:
            self.details.unlink(missing_ok=True)
            lock.release()

    def forget_the_ended(self) -> None:
        """Remove what a process that was killed has left beside the lock of a run that nobody will work on again."""
        files.temporary_sibling(self.details)  # sweeps what was being written
        if self.details.exists() and self.holder() is None:
            self.details.unlink(missing_ok=True)

    def _sign_on(self, warn: Callable[[str], None]) -> None:
        """Replace the details of whoever was killed. They are a courtesy: a full disk is no reason not to go on."""
        left = self.holder()
        if left is not None and left.host != socket.gethostname():
            warn(f"{self.run_folder}: {left} has not signed off; if it is still at work, stop this launch")
        self.details.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            files.write_json(self.details, Holder.this_process().model_dump())

    def _refusal(self) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (holder := self.holder()) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        who = "" if holder is None else f": {holder}"
        return f"{self.run_folder}: another process is at work on this {self.subject}{who}; wait for it, or stop it"

    def _written(self) -> Holder | None:
        try:
            return Holder.model_validate_json(read_regular(self.details, MAX_DETAILS_BYTES))
        except (OSError, ValueError):
            return None
