"""Ends a process with everything that it has started, also what has left its group, its session and its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from collections.abc import Iterator

import psutil

MARKS = "FOUNDRY_ACCEPT_WORKERS"
"""The variable by which what a worker starts is known: children inherit it, workers within workers add theirs."""
ROUNDS = 5


def new_mark() -> str:
    """What tells the processes of one worker from all others."""
    return uuid.uuid4().hex


def marked_environment(mark: str) -> dict[str, str]:
    """This process's variables for a worker whose processes are to be known by `mark`."""
    return {**os.environ, MARKS: ":".join(filter(None, [os.environ.get(MARKS, ""), mark]))}


def kill_tree(process: int, mark: str) -> None:
    """Kill a process that leads a group, if it still runs, and all that descends from it or carries its mark."""
    for _ in range(ROUNDS):  # what is killed may have been starting another one
        found = {*_descendants(process), *_marked(mark)}
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(found, timeout=1)
        if not found:
            return


def _descendants(process: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(psutil.Process(process).children(recursive=True))
    return []


def _marked(mark: str) -> Iterator[psutil.Process]:
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if mark in one.environ().get(MARKS, "") and one.status() != psutil.STATUS_ZOMBIE:
                yield one
