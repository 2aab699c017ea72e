"""Kill points: all instants of a run at which a process can be ended from outside, to see what is left of its work.

`kill_points` runs a task to its end and lists what it did, `run_and_kill` runs it again and kills it there:

    points = kill_points(config, Path("rehearsal"))
    half_written = next(point for point in points if point.operation == "write" and point.phase == "checkpoint")
    run_and_kill(config, half_written, Path("workspace"))
    run_to_end(config, Path("workspace"))

A task is an experiment, which is launched, or a function without arguments that can be pickled. It runs in a process
of its own, with the given folder as its working directory; only files below that folder are seen.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.testing.forking import TIMEOUT_SECONDS, context, ended, forked, go_to
from foundry.testing.watching import PHASES, Watcher

Task = ExperimentConfig | Callable[[], Any]

COMPUTATIONS = ("forward", "update", "updated")
WRITES = ("write", "writelines", "flush", "truncate")
AFTER = "after"


@dataclass(frozen=True)
class KillPoint:
    """An instant at which a process is killed.

    Attributes:
        operation: what the process is about to do: `read`, `open` (for writing), `rename`, `remove`, `mkdir`,
            `rmdir`, `truncate` of a path; `write` or `flush` of an open file; `forward` of a micro-batch, `update`
            of the weights, `updated` when that is done; or `after`, which knows only the time.
        path: relative to the working directory, with a star for the number of a process; for a computation its name.
        occurrence: counted from 1, of this operation on this path.
        delay: seconds. At 0 the process ends before the operation takes effect; above, its parent kills it so much
            later, wherever it is then. With `after`, the seconds since the task began.
        phase: what the run was busy with, one of `foundry.testing.watching.PHASES`.
    """

    operation: str
    path: str = ""
    occurrence: int = 1
    delay: float = 0.0
    phase: str = ""

    @classmethod
    def after(cls, seconds: float) -> KillPoint:
        """So long after the task began, whatever it is doing."""
        return cls(AFTER, delay=seconds)

    def later(self, delay: float) -> KillPoint:
        """The same instant, `delay` seconds later."""
        return replace(self, delay=delay)

    def __str__(self) -> str:
        """In words, such as `rename runs/a/run.json (3rd time), 1.2 ms later`."""
        if self.operation == AFTER:
            return f"after {1000 * self.delay:.1f} ms"
        later = f", {1000 * self.delay:.1f} ms later" if self.delay else ""
        return f"{self.operation} {self.path} (no. {self.occurrence}){later}"


@dataclass(frozen=True)
class Launch:
    """What became of a launch.

    Attributes:
        exit_code: -9 where it was killed.
        problem: the message of what it raised; empty where it raised nothing.
        phase: what it was last busy with.
        seconds: from the beginning of the task to its end.
        points: the kill points that it passed, where it was watched for them.
    """

    exit_code: int
    problem: str
    phase: str
    seconds: float
    points: tuple[KillPoint, ...] = ()

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.exit_code == -signal.SIGKILL


def kill_points(task: Task, folder: Path) -> list[KillPoint]:
    """Run `task` to its end in `folder`, and list every instant at which it could have been killed, in order.

    Raises:
        RuntimeError: the task failed.
    """
    launch = _launch(task, folder, None, TIMEOUT_SECONDS, listed=True)
    _expect_success(launch)
    return list(launch.points)


def run_and_kill(task: Task, point: KillPoint, folder: Path, timeout: float = TIMEOUT_SECONDS) -> Launch:
    """Run `task` in `folder`, and kill it at `point`. It may end before it comes there: see `Launch.was_killed`.

    Raises:
        TimeoutError: it neither ended nor was killed in time.
    """
    return _launch(task, folder, point, timeout)


def run_to_end(task: Task, folder: Path, timeout: float = TIMEOUT_SECONDS) -> Launch:
    """Run `task` in `folder` to its end.

    Raises:
        RuntimeError: the task failed.
        TimeoutError: it did not end in time.
    """
    launch = _launch(task, folder, None, timeout)
    _expect_success(launch)
    return launch


def _expect_success(launch: Launch) -> None:
    if launch.exit_code != 0:
        raise RuntimeError(f"the task ended with {launch.exit_code}: {launch.problem}")


def _launch(task: Task, folder: Path, point: KillPoint | None, timeout: float, listed: bool = False) -> Launch:
    folder.mkdir(parents=True, exist_ok=True)
    phase = context().RawValue("i", 0)
    with forked(_watched, task, folder.resolve(), point, phase, listed) as (process, hears):
        messages = _follow(process, hears, point, timeout)
        end = ended(process, messages)
    told = dict(messages)
    seconds = told["over"] - told["begun"] if "begun" in told and "over" in told else 0.0
    points = tuple(KillPoint(*fields) for fields in told.get("points", ()))
    return Launch(end.exit_code, end.problem, PHASES[phase.value], seconds, points)


def _follow(process: BaseProcess, hears: Connection, point: KillPoint | None, timeout: float) -> list[tuple[str, Any]]:
    """Listen to a process until it has ended, and kill it when its time has come."""
    deadline, kill_at = time.monotonic() + timeout, None
    messages: list[tuple[str, Any]] = []
    while True:
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            process.kill()
            kill_at, point = None, None
        if now >= deadline:
            raise TimeoutError(f"the launch did not end within {timeout:g} s")
        ready = wait([hears, process.sentinel], (kill_at or deadline) - now)
        if hears in ready:
            try:
                messages.append(hears.recv())
            except (EOFError, ConnectionResetError):
                process.join(max(0.0, deadline - time.monotonic()))
                return messages
            subject = messages[-1][0]
            if point is not None and subject == ("begun" if point.operation == AFTER else "reached"):
                kill_at = time.monotonic() + point.delay
        elif process.sentinel in ready and not hears.poll():
            process.join()
            return messages


def _watched(
    tell: Callable[[str, Any], None], task: Task, folder: Path, point: KillPoint | None, phase: Any, listed: bool
) -> None:
    """Run the task in a forked process; told of its beginning and its end, and watched meanwhile."""
    import torch

    torch.set_num_threads(1)
    go_to(folder)
    store = str(task.artifacts.path) if isinstance(task, ExperimentConfig) else "artifacts"
    seen: Counter[tuple[str, str]] = Counter()
    passed: list[tuple[str, str, int, float, str]] = []

    def notice(operation: str, path: str, now: str) -> None:
        phase.value = PHASES.index(now)
        seen[operation, path] += 1
        if listed:
            passed.append((operation, path, seen[operation, path], 0.0, now))
        if point is not None and (operation, path, seen[operation, path]) == _place_of(point):
            if point.delay == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            tell("reached", None)

    watcher = Watcher(folder, store, notice)
    tell("begun", time.monotonic())
    watcher.watch_files()
    watcher.watch_steps()
    if listed or (point is not None and point.operation in WRITES):
        watcher.watch_writes()
    _do(task)
    if listed:
        tell("points", passed)
    tell("over", time.monotonic())


def _place_of(point: KillPoint) -> tuple[str, str, int]:
    return point.operation, point.path, point.occurrence


def _do(task: Task) -> None:
    if not isinstance(task, ExperimentConfig):
        task()
        return
    from foundry.trainer import Trainer

    Trainer(task).train()
