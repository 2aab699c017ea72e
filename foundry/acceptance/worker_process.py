"""A worker of an acceptance run as the coordinator sees it: what it was given, where it is, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry.acceptance.process_trees import kill_tree, marked_environment, new_mark
from foundry.acceptance.worker import SHOW_STACK

READ_BYTES = 1 << 16
LOG_LINES = 40
SECONDS_FOR_THE_STACK = 0.5
SECONDS_TO_END = 20.0


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of a run are started with.

    Attributes:
        scratch: a folder for logs and for results that are not complete.
        workspaces: a folder for the workspaces of the scenarios.
        trace_scenarios: tell coverage which scenario runs.
    """

    paths: tuple[str, ...]
    tags: tuple[str, ...]
    scratch: Path
    workspaces: Path
    fail_fast: bool = False
    trace_scenarios: bool = False

    def command(self, number: int, log: Path, results: Path, workspaces: Path) -> list[str]:
        """The command line of the worker with this number."""
        options = ["--number", str(number)]
        options += ["--results", str(results), "--log", str(log), "--workspaces", str(workspaces)]
        options += ["--fail-fast"] if self.fail_fast else []
        options += ["--trace-scenarios"] if self.trace_scenarios else []
        options += [f"--tags={tag}" for tag in self.tags]
        return [sys.executable, "-m", "foundry.acceptance.worker", *options, *self.paths]


@dataclass(eq=False)
class WorkerProcess:
    """One worker process.

    Attributes:
        number: of its place among the workers, from 1; the one that replaces it after its death has the same.
        todo: the places of the scenarios of its piece that have not ended.
        place: of the scenario that it is in; empty between scenarios.
        step: the step that it is in.
        since: when that scenario began, or the last one ended, by the monotonic clock.
        is_ready: it has loaded everything and asked for work.
        is_dismissed: it gets no more orders.
        num_ended: the scenarios that it has brought to an end.
    """

    number: int
    settings: WorkerSettings
    todo: list[str] = field(default_factory=list)
    place: str = ""
    step: str = ""
    since: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    is_dismissed: bool = False
    num_ended: int = 0

    def __post_init__(self) -> None:
        self._mark = new_mark()
        self._unread = b""
        self._log_start = 0
        self._log = self.settings.scratch / f"{self.number}.log"
        self.results = self.settings.scratch / f"results-{self.number}"
        self.workspaces = self.settings.workspaces / str(self.number)
        self.workspaces.mkdir(exist_ok=True)
        self._known_workspaces = set(self.workspaces.iterdir())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.settings.command(self.number, self._log, self.results, self.workspaces),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=marked_environment(self._mark),
                start_new_session=True,
            )
        self._log_start = self._log.stat().st_size
        assert self._process.stdin and self._process.stdout
        self._orders, self._news = self._process.stdin, self._process.stdout
        os.set_blocking(self._news.fileno(), False)

    def fileno(self) -> int:
        """The descriptor that is readable when there is news."""
        return self._news.fileno()

    @property
    def has_ended(self) -> bool:
        """Whether the process is over; what it started may still run."""
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int:
        """Negative where a signal ended it."""
        return self._process.wait(SECONDS_TO_END)

    @property
    def end(self) -> str:
        """How it ended, as part of a sentence."""
        return f"was ended by {self.cause}" if self.exit_code < 0 else f"ended with {self.cause}"

    @property
    def cause(self) -> str:
        """The signal that ended it, or its exit code."""
        return signal.Signals(-self.exit_code).name if self.exit_code < 0 else f"exit code {self.exit_code}"

    def order(self, places: Sequence[str]) -> None:
        """Have it run these scenarios of one feature."""
        self.todo = list(places)
        with contextlib.suppress(BrokenPipeError):  # its death is noticed by itself
            self._orders.write(json.dumps(self.todo).encode() + b"\n")
            self._orders.flush()

    def dismiss(self) -> None:
        """Let it end after the scenario that it is in."""
        self.is_dismissed = True
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()

    def news(self) -> Iterator[tuple[str, Any]]:
        """What it has told since the last call: the kind and the content of each piece of news."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._news.fileno(), READ_BYTES):
                self._unread += piece
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            kind, content = json.loads(line)
            yield kind, content

    def begin(self, place: str, log_size: int) -> None:
        """Note that it is in a scenario, and how much its log held when that began."""
        self.place, self.step, self.since, self._log_start = place, "", time.monotonic(), log_size

    def finish(self, place: str, workspace: str) -> None:
        """Note that a scenario of its piece has ended, and which workspace it left, if any."""
        self._known_workspaces |= {Path(workspace)} if workspace else set()
        self.todo.remove(place)
        self.num_ended += 1
        self.place, self.step, self.since = "", "", time.monotonic()

    def left_workspace(self) -> Path | None:
        """The workspace that the scenario in which it died left behind."""
        return next(iter(set(self.workspaces.iterdir()) - self._known_workspaces), None)

    def remove_workspace(self) -> None:
        """Remove the workspace of the scenario that it did not bring to an end."""
        if workspace := self.left_workspace():
            shutil.rmtree(workspace, ignore_errors=True)

    def keep_results(self, folder: Path, names: Iterable[str]) -> None:
        """Move complete files that it has written for Allure into Allure's folder, where that was not done before."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.results / name).rename(folder / name)

    def show_stack(self) -> None:
        """Have it write into its log where it is, if it still can."""
        if not self.has_ended:
            latest, size = time.monotonic() + SECONDS_FOR_THE_STACK, self._log.stat().st_size
            self._process.send_signal(SHOW_STACK)
            while self._log.stat().st_size == size and time.monotonic() < latest:
                time.sleep(0.01)
            time.sleep(0.05)  # it may have more to write

    def kill(self) -> None:
        """Kill it, and whatever it has left running, and drop the results that it did not complete."""
        kill_tree(self._process.pid, self._mark)
        self._process.wait(SECONDS_TO_END)
        for pipe in (self._orders, self._news):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        shutil.rmtree(self.results, ignore_errors=True)

    def last_lines(self) -> str:
        """The end of what its log has of the scenario that it is in, or of its life before the first one."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            text = log.read().decode("utf-8", errors="replace").strip()
        return "\n".join(text.splitlines()[-LOG_LINES:])
