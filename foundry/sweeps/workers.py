"""Several processes on this machine that work on one sweep, started and ended by this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from foundry.errors import FoundryError
from foundry.training.run_lock import Holder
from foundry.training.signals import STOPPING


class InterruptedSweep(FoundryError):
    """A signal came while workers were at work; exit code 128 plus the signal's number."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        name = signal.Signals(signal_number).name
        super().__init__(f"the sweep was interrupted by {name}; the same command goes on")


def run_workers(path: Path, count: int, options: Sequence[str]) -> list[int]:
    """Let `count` processes work on the sweep in the file `path`, and wait for all of them; their exit codes.

    Each ends when this process does, however that ends. A signal to this process goes to each of them once.

    Args:
        options: further options of the command.

    Raises:
        InterruptedSweep: SIGTERM or Ctrl-C.
    """
    received: list[int] = []
    workers: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for worker in workers:
            worker.send_signal(number)

    with _handled_by(pass_on):
        try:
            workers.extend(_started(path, index, count, options) for index in range(count) if not received)
            codes = [worker.wait() for worker in workers]
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
    if received:
        raise InterruptedSweep(received[0])
    return codes


def _started(path: Path, index: int, count: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """A worker in a session of its own, so that Ctrl-C at a terminal reaches it through this process alone."""
    threads = max(1, _cores() // count)
    return subprocess.Popen(
        [sys.executable, "-m", "foundry", "sweep", str(path), "--worker", str(index), *options],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={"OMP_NUM_THREADS": str(threads), **os.environ},
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _handled_by(handle: Any) -> Iterator[None]:
    previous: dict[int, Any] = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def parent_of_worker() -> Holder:
    """The process that started this one; from now on this one is asked to stop when that ends.

    The parent holds the other end of this process's standard input, which is closed however the parent ends.
    """
    parent = Holder.of(psutil.Process(os.getppid()))

    def end_with_parent() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, name="ends with its parent", daemon=True).start()
    return parent


def device_of_worker(device: str, index: int) -> str | None:
    """The GPU of a worker where there are several and the experiment leaves open which; None leaves it as it is."""
    if device not in ("auto", "cuda"):
        return None
    import torch

    count = torch.cuda.device_count()
    return f"cuda:{index % count}" if count > 1 else None
