"""The client's side: reads one request, does it, tells how it goes on. Ends when its parent is gone."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

from foundry.wandb_client.problems import problem_of

Tell = Callable[[dict[str, Any]], None]
Act = Callable[[dict[str, Any], Tell, Iterator[dict[str, Any]]], dict[str, Any]]
"""Takes the arguments, a way to tell of progress, and the further messages of the parent; gives the answer."""

ACTS = {
    "check": "checking.check",
    "publish": "publishing.publish",
    "confirm": "publishing.confirm",
    "track": "tracking.track",
    "sync": "tracking.sync",
    "fetch": "fetching.fetch",
}
"""The module of each act, and its function."""


def main() -> None:
    """Do the act that the first line of standard input asks for, and leave without waiting for anything."""
    tempfile.tempdir = os.environ["WANDB_DIR"]  # what the library leaves behind goes with this folder
    messages = Messages()
    request = next(messages)
    tell = _teller()
    try:
        module, function = ACTS[request.pop("act")].split(".")
        act: Act = getattr(importlib.import_module(f"foundry.wandb_client.{module}"), function)
        tell({"event": "answer", **act(request, tell, messages)})
    except Exception as error:  # noqa: BLE001 - the library raises plain exceptions, too
        tell({"event": "problem", **problem_of(error)})
    os._exit(0)


class Messages(Iterator[dict[str, Any]]):
    """What the parent sends, one message a line; where it is gone, this process ends at once, and so does its folder.

    The background process of the library notices that and ends as well.
    """

    def __init__(self) -> None:
        self._arrived: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __next__(self) -> dict[str, Any]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._arrived))
            return self._arrived.pop(0)

    def arrived(self, seconds: float) -> dict[str, Any] | None:
        """The next message, if one comes within so many seconds."""
        with self._changed:
            return self._arrived.pop(0) if self._changed.wait_for(lambda: bool(self._arrived), seconds) else None

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            with self._changed:
                self._arrived.append(json.loads(line))
                self._changed.notify_all()
        shutil.rmtree(os.environ["WANDB_DIR"], ignore_errors=True)
        os._exit(1)


def _teller() -> Tell:
    """Writes events to what was standard output; whatever else is printed goes to standard error from now on."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lock = threading.Lock()

    def tell(event: dict[str, Any]) -> None:
        with lock:
            stream.write(json.dumps(event).encode() + b"\n")

    return tell


if __name__ == "__main__":
    main()
