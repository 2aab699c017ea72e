"""Sees, from inside a process and without touching the product, what a training run does next.

Three sources, all of them public: Python's audit events (a file is opened, renamed, removed), its profiling events
(a method of a file object is called), and torch's global hooks (a model or an optimizer is called).
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

PHASES = ("preparing", "step", "evaluation", "checkpoint", "metrics", "run.json", "publishing", "cleaning")
"""What a run is busy with, told from the files it touches."""

WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FILE_EVENTS = {
    "open": "open",
    "os.rename": "rename",
    "os.remove": "remove",
    "os.mkdir": "mkdir",
    "os.rmdir": "rmdir",
    "os.truncate": "truncate",
    "os.link": "link",
}
FILE_METHODS = {"write", "writelines", "flush", "truncate"}

Notice = Callable[[str, str, str], None]
"""Is told of an operation, its path and the phase, before the operation takes effect."""


class Watcher:
    """Tells `notice` of each operation below `folder`, in whichever thread it happens.

    Args:
        folder: paths are told relative to it; what lies elsewhere is not told.
        store: the folder of the artifact store, relative to `folder`.
        notice: is called before the operation takes effect.
    """

    def __init__(self, folder: Path, store: str, notice: Notice) -> None:
        self.folder = f"{folder.resolve()}{os.sep}"
        self.store = store
        self.notice = notice
        self.phase = "preparing"
        self._stepping = self._publishing = False
        self._root: int | None = None
        self._micro_batch = 0
        self._lock = threading.RLock()

    def watch_files(self) -> None:
        """From now on, until the process ends, tell of files that are opened, renamed, removed."""
        sys.addaudithook(self._audit)

    def watch_writes(self) -> None:
        """Tell of each write and flush of a file object; this makes Python code slower."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def watch_steps(self) -> None:
        """Tell of each forward pass of the model, and of each update of its weights."""
        from torch.nn.modules.module import register_module_forward_pre_hook
        from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

        register_module_forward_pre_hook(self._forward)
        register_optimizer_step_pre_hook(lambda *_: self._computing("update", "weights"))
        register_optimizer_step_post_hook(lambda *_: self._updated())

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        operation = FILE_EVENTS.get(event)
        if operation is None:
            return
        if operation == "open" and not arguments[2] & WRITING_FLAGS:
            operation = "read"
        directory = arguments[-1] if operation in ("remove", "rmdir", "mkdir") else -1
        path = self._inside(arguments[0], directory)
        if path is not None:
            self._touched(operation, path)

    def _profile(self, _frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call" or function.__name__ not in FILE_METHODS:
            return
        path = self._inside(getattr(function.__self__, "name", None), -1)
        if path is not None:
            self._touched(function.__name__, path)

    def _inside(self, path: Any, directory: int) -> str | None:
        """The path relative to the folder that is watched; None where it lies elsewhere."""
        if isinstance(path, os.PathLike):
            path = os.fspath(path)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str):
            return None
        if not path.startswith(os.sep):
            path = f"{_folder_of(directory)}{os.sep}{path}"
        return path.removeprefix(self.folder) if path.startswith(self.folder) else None

    def _touched(self, operation: str, path: str) -> None:
        with self._lock:
            self.phase = self._phase_of(operation, path)
            self.notice(operation, without_process(path), self.phase)

    def _phase_of(self, operation: str, path: str) -> str:
        if "run.json" in path:
            return "run.json"
        if "metrics.jsonl" in path:
            return "metrics"
        if path.startswith(self.store):
            self._publishing = True
            return "publishing"
        if "checkpoints" in path:
            return self._phase_of_checkpoints(changes=operation != "read")
        if path.count(os.sep) < 2 or path.endswith(".log"):
            return self.phase  # a look at the run folder as a whole, in the course of something else
        return "publishing" if self._stepping else "preparing"

    def _phase_of_checkpoints(self, changes: bool) -> str:
        if self._publishing:
            return "cleaning" if changes else "publishing"
        return "checkpoint" if changes or self._stepping else "preparing"

    def _forward(self, module: Any, _inputs: Any) -> None:
        if self._root is None:
            self._root = id(module)
        if id(module) != self._root:
            return
        if module.training:
            self._micro_batch += 1
            self._computing("forward", f"micro-batch {self._micro_batch}")
        else:
            with self._lock:
                self.phase = "evaluation"
                self.notice("forward", "validation", self.phase)

    def _updated(self) -> None:
        self._micro_batch = 0
        self._computing("updated", "weights")

    def _computing(self, operation: str, what: str) -> None:
        with self._lock:
            self._stepping = True
            self.phase = "step"
            self.notice(operation, what, self.phase)


def without_process(path: str) -> str:
    """The path with a star for the number of the process that a temporary name ends with."""
    return re.sub(r"(\.writing-[^/]*-)\d+(?=/|$)", r"\1*", path)


def _folder_of(descriptor: int | None) -> str:
    """The folder that a relative path starts from."""
    if descriptor is None or descriptor == -1:
        return str(Path.cwd())
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return str(Path.cwd())
