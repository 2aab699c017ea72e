"""Ends a process with everything that it has started, also what has left its group, its session and its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterable, Iterator

import psutil

MARKS = "FOUNDRY_ACCEPT_WORKERS"
"""The variable by which what a worker starts is known: children inherit it, workers within workers add theirs."""
ROUNDS = 5
SECONDS_TO_DIE = 2.0


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
        if not found:
            return
        _wait_for(found)


def _wait_for(killed: Iterable[psutil.Process]) -> None:
    """Until none of them runs; a zombie does not, and to collect it is its parent's business."""
    latest = time.monotonic() + SECONDS_TO_DIE
    while any(map(_is_alive, killed)) and time.monotonic() < latest:
        time.sleep(0.005)


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _descendants(process: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(filter(_is_alive, psutil.Process(process).children(recursive=True)))
    return []


def _marked(mark: str) -> Iterator[psutil.Process]:
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if mark in one.environ().get(MARKS, "") and _is_alive(one):
                yield one
