"""The warm process: it has imported what the suite needs of other libraries, and forks a child for each trial.

It stands by itself and imports nothing of the project, so that a child imports all of that from the copy of the
project that it is given. It reads an order a line from its standard input and writes an answer a line to its
standard output, both JSON. An order is `{"warm": [names of modules]}`, or a trial (see `Order` in `nurseries`).

A child that hangs is killed, and so is everything that it has started.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

SET_CHILD_SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER` of Linux: orphans among the descendants become children of this process."""
POLL_SECONDS = 0.02
ENDING_SECONDS = 30.0
"""How long hooks may take between scenarios and after the last one."""


def main() -> None:
    """Serve orders until there are no more."""
    orders, answers = _private_channels()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in orders:
        order = json.loads(line)
        answers.write(json.dumps(_warm(order["warm"]) if "warm" in order else _try(order)) + "\n")
        answers.flush()


def _private_channels() -> tuple[IO[str], IO[str]]:
    """The pipes to the coordinator, out of reach of the children and of what they start."""
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("r+") as nothing:
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    return orders, answers


def _warm(modules: Sequence[str]) -> dict[str, Any]:
    """Import what can be imported; a library that misses something here will say so in the child that asks for it."""
    failed = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  # told to the coordinator
            failed.append(f"{name}: {error}")
    gc.freeze()
    return {"failed": failed}


def _try(order: dict[str, Any]) -> dict[str, Any]:
    hears, speaks = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hears)
        os._exit(_be_the_child(order, speaks))
    os.close(speaks)
    try:
        return _follow(child, hears, order)
    finally:
        os.close(hears)
        _end_remains(order["environment"]["TMPDIR"])


def _be_the_child(order: dict[str, Any], speaks: int) -> int:
    def tell(subject: str, **details: Any) -> None:
        os.write(speaks, (json.dumps({"subject": subject, **details}) + "\n").encode())

    try:
        os.setsid()
        with Path(order["log"]).open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.environ.update(order["environment"])
        sys.path[:0] = order["sources"]
        os.chdir(order["folder"])
        # Found in the copy where it has one, else in the sources of the running suite.
        importlib.import_module("foundry.acceptance.faults.trial").run(order, tell)
        return 0
    except BaseException:  # noqa: BLE001  # whatever it was, it is told, and the child must not return
        tell("trouble", text=traceback.format_exc().strip())
        return 1


def _follow(child: int, hears: int, order: dict[str, Any]) -> dict[str, Any]:
    """Take down what the child tells until it has ended, or has taken too long for what it is at."""
    news: list[dict[str, Any]] = []
    unread = b""
    deadline = time.monotonic() + order["loading_seconds"]
    while True:
        has_ended, status = os.waitpid(child, os.WNOHANG)
        for line in (lines := (unread + _available(hears)).split(b"\n"))[:-1]:
            news.append(json.loads(line))
            deadline = time.monotonic() + _allowed(news[-1], order["seconds"])
        unread = lines[-1]
        if has_ended:
            return {"news": news, "exit_code": os.waitstatus_to_exitcode(status), "timed_out": False}
        if time.monotonic() > deadline:
            _kill_family(child)
            os.waitpid(child, 0)
            return {"news": news, "exit_code": -int(signal.SIGKILL), "timed_out": True}


def _available(descriptor: int) -> bytes:
    """What can be read now, after a short wait for it."""
    told = b""
    while select.select([descriptor], [], [], 0 if told else POLL_SECONDS)[0]:
        if not (part := os.read(descriptor, 65536)):
            time.sleep(POLL_SECONDS)
            break
        told += part
    return told


def _allowed(news: dict[str, Any], seconds: dict[str, float]) -> float:
    """How long the child may take until it tells the next."""
    return seconds.get(news["place"], ENDING_SECONDS) if news["subject"] == "began" else ENDING_SECONDS


def _kill_family(child: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in [*(family := psutil.Process(child)).children(recursive=True), family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _end_remains(folder: str) -> None:
    """Kill what a trial has left behind: whoever has its folder for temporary files, and orphans that came here."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == folder:
                process.kill()
    while children := psutil.Process().children():
        for process in children:
            _kill_family(process.pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


Tell = Callable[..., None]
"""Takes the subject of a piece of news, and its details by name."""

if __name__ == "__main__":
    main()
