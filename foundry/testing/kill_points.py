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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.testing.forking import TIMEOUT_SECONDS, context, ended, forked, go_to
from foundry.testing.watching import PHASES, Watcher

Task = ExperimentConfig | Callable[[], Any]

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
        seconds_after_signal: from the last signal to the end; None where none was sent.
        points: the kill points that it passed, where it was watched for them.
    """

    exit_code: int
    problem: str
    phase: str
    seconds: float
    seconds_after_signal: float | None
    points: tuple[KillPoint, ...]

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.exit_code == -signal.SIGKILL


def kill_points(task: Task, folder: Path) -> list[KillPoint]:
    """Run `task` to its end in `folder`, and list every instant at which it could have been killed, in order.

    Raises:
        RuntimeError: the task failed.
    """
    return list(watched(task, folder).points)


def watched(task: Task, folder: Path, timeout: float = TIMEOUT_SECONDS) -> Launch:
    """Run `task` in `folder` to its end, and keep the kill points that it passes, in order; this makes it slower.

    Raises:
        RuntimeError: the task failed.
        TimeoutError: it did not end in time.
    """
    launch = _Launched(task, folder, (), listed=True).follow(timeout)
    _expect_success(launch)
    return launch


def run_and_kill(task: Task, point: KillPoint, folder: Path, timeout: float = TIMEOUT_SECONDS) -> Launch:
    """Run `task` in `folder`, and kill it at `point`. It may end before it comes there: see `Launch.was_killed`.

    Raises:
        TimeoutError: it neither ended nor was killed in time.
    """
    return run_and_signal(task, [(point, signal.SIGKILL)], folder, timeout)


def run_and_signal(
    task: Task, signals: Sequence[tuple[KillPoint, int]], folder: Path, timeout: float = TIMEOUT_SECONDS
) -> Launch:
    """Run `task` in `folder`, and send it signals at several points.

    Raises:
        TimeoutError: it did not end in time.
    """
    return _Launched(task, folder, signals).follow(timeout)


def run_to_end(task: Task, folder: Path, timeout: float = TIMEOUT_SECONDS) -> Launch:
    """Run `task` in `folder` to its end.

    Raises:
        RuntimeError: the task failed.
        TimeoutError: it did not end in time.
    """
    launch = run_and_signal(task, (), folder, timeout)
    _expect_success(launch)
    return launch


def _expect_success(launch: Launch) -> None:
    if launch.exit_code != 0:
        raise RuntimeError(f"the task ended with {launch.exit_code}: {launch.problem}")


class _Launched:
    """A task in a process of its own, seen from the process that sends it signals."""

    def __init__(
        self, task: Task, folder: Path, signals: Sequence[tuple[KillPoint, int]], listed: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.signals = signals
        self.phase = context().RawValue("i", 0)
        self.arguments = (task, folder.resolve(), tuple(signals), self.phase, listed)
        self.due: list[tuple[float, int]] = []
        self.messages: list[tuple[str, Any]] = []
        self.signalled: float | None = None

    def follow(self, timeout: float) -> Launch:
        """Listen to the process until it has ended, and send each signal when its time has come."""
        deadline = time.monotonic() + timeout
        with forked(_watched, *self.arguments) as (process, hears):
            while self._hears_more(hears, process, deadline):
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"the launch did not end within {timeout:g} s")
            over = time.monotonic()
            end = ended(process, self.messages)
        told = dict(self.messages)
        signalled = max((moment for moment in (self.signalled, told.get("signalled")) if moment), default=None)
        return Launch(
            end.exit_code,
            end.problem,
            PHASES[self.phase.value],
            over - told["begun"] if "begun" in told else 0.0,
            None if signalled is None else over - signalled,
            tuple(KillPoint(*fields) for fields in told.get("points", ())),
        )

    def _hears_more(self, hears: Connection, process: BaseProcess, deadline: float) -> bool:
        """Wait for the next message or the next signal that is due; False once the process has ended."""
        next_signal = min(self.due, default=(deadline, 0))[0]
        ready = wait([hears], max(0.0, min(next_signal, deadline) - time.monotonic()))
        if ready:
            try:
                self._heard(*hears.recv())
            except (EOFError, ConnectionResetError):
                process.join(max(0.0, deadline - time.monotonic()))
                return process.exitcode is None
        self._send_what_is_due(process)
        return True

    def _heard(self, subject: str, content: Any) -> None:
        self.messages.append((subject, content))
        now = time.monotonic()
        for number, (point, signal_number) in enumerate(self.signals):
            is_begun = subject == "begun" and point.operation == AFTER
            if is_begun or (subject == "reached" and content == number):
                self.due.append((now + point.delay, signal_number))

    def _send_what_is_due(self, process: BaseProcess) -> None:
        now = time.monotonic()
        for moment, signal_number in [due for due in self.due if due[0] <= now]:
            self.due.remove((moment, signal_number))
            if process.is_alive():
                assert process.pid is not None
                os.kill(process.pid, signal_number)
                self.signalled = now


def _watched(
    tell: Callable[[str, Any], None],
    task: Task,
    folder: Path,
    signals: Sequence[tuple[KillPoint, int]],
    phase: Any,
    listed: bool,
) -> None:
    """Run the task in a forked process that sends itself the signals that are due at once."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    go_to(folder)
    waiting = {(point.operation, point.path, point.occurrence): number for number, (point, _) in enumerate(signals)}
    seen: Counter[tuple[str, str]] = Counter()
    passed: list[tuple[str, str, int, float, str]] = []

    def notice(operation: str, path: str, now: str) -> None:
        phase.value = PHASES.index(now)
        seen[operation, path] += 1
        if listed:
            passed.append((operation, path, seen[operation, path], 0.0, now))
        number = waiting.get((operation, path, seen[operation, path]))
        if number is None:
            return
        point, signal_number = signals[number]
        if point.delay > 0:
            tell("reached", number)
            return
        if signal_number != signal.SIGKILL:
            tell("signalled", time.monotonic())
        os.kill(os.getpid(), signal_number)

    watcher = Watcher(folder, str(task.artifacts.path) if isinstance(task, ExperimentConfig) else "artifacts", notice)
    tell("begun", time.monotonic())
    watcher.watch_files()
    watcher.watch_steps()
    if listed or any(point.operation in WRITES for point, _ in signals):
        watcher.watch_writes()
    _do(task)
    if listed:
        tell("points", passed)


def _do(task: Task) -> None:
    if not isinstance(task, ExperimentConfig):
        task()
        return
    from foundry.trainer import Trainer

    Trainer(task).train()
