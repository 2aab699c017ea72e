"""Runs the acceptance suite: drives worker processes over the features, counts, sums up, draws the report."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import allure_commons
from allure_commons.logger import AllureFileLogger
from rich.console import Console

from foundry.acceptance.board import Board
from foundry.acceptance.formatter import clear_results, place_of, report_unrun
from foundry.acceptance.preflight import refuse_what_is_missing, shown_checks, with_preflight
from foundry.acceptance.report import build_report
from foundry.acceptance.selection import SelectedFeature, select
from foundry.acceptance.worker import Outcome

DEFAULT_WORKERS = 2


def accept(
    paths: Sequence[str] = ("features",),
    *,
    tags: Sequence[str] = (),
    results: Path = Path("allure-results"),
    report: Path = Path("report.html"),
    workers: int = DEFAULT_WORKERS,
    console: Console | None = None,
) -> int:
    """Run the scenarios below `paths` that the tag expressions select, and write the report.

    Results and report of an earlier run are removed first.

    Returns:
        0 where every selected scenario that can run here passed, 1 where one did not, 2 where none could run.

    Raises:
        UserError: there is no such feature, no scenario is selected, a tag is not on the list, or the machine lacks
            something that every run needs.
        FoundryError: the report cannot be built; everything else is done by then.
    """
    console = console or Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    selected, checks = with_preflight(lambda: select(paths, tags), tags, out=report.parent, workers=workers)
    refuse_what_is_missing(checks)
    for line in shown_checks(checks):
        console.print(line, markup=False)
    workers = max(1, min(workers, len(selected)))
    clear_results(results)
    report.unlink(missing_ok=True)
    board = Board(console, selected)
    with _workspaces() as workspaces:
        suite = SuiteRun(selected, board, results.resolve(), workspaces)
        with board.progress(workers):
            suite.run(workers, paths, tags)
        suite.report_missing()
        board.end(time.monotonic() - started, suite.complaints, workspaces)
    about = {
        "Selection": " ".join([*paths, *(f"--tags={tag}" for tag in tags)]),
        "Scenarios": str(sum(len(item.scenarios) for item in selected)),
        "Processes": str(workers),
    }
    build_report(results, report, about=about, say=console.print)
    console.print(f"report: {report.resolve()}")
    return board.exit_code if not suite.complaints else 1


@contextlib.contextmanager
def _workspaces() -> Iterator[Path]:
    """A folder for the workspaces of scenarios; what failed ones leave there is kept, unless the run is broken off."""
    folder = Path(tempfile.mkdtemp(prefix="foundry-accept-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not any(folder.iterdir()):
        folder.rmdir()


@dataclass
class SuiteRun:
    """The worker processes of one run, and what they left undone."""

    selected: list[SelectedFeature]
    board: Board
    results: Path
    workspaces: Path
    hook_errors: list[str] = field(default_factory=list)
    """Errors of hooks that belong to no scenario."""
    crashes: list[str] = field(default_factory=list)
    """How worker processes ended that did not end by themselves."""

    @property
    def complaints(self) -> list[str]:
        """What went wrong outside the scenarios."""
        return [*self.hook_errors, *self.crashes]

    def run(self, workers: int, paths: Sequence[str], tags: Sequence[str]) -> None:
        """Hand the features to `workers` processes until none is left."""
        waiting: queue.SimpleQueue[SelectedFeature] = queue.SimpleQueue()
        for item in self.selected:
            waiting.put(item)
        with tempfile.TemporaryDirectory(prefix="foundry-logs-") as logs:
            processes = [self._start(Path(logs, f"{number}.log"), paths, tags) for number in range(workers)]
            threads = [threading.Thread(target=self._serve, args=(process, waiting)) for process in processes]
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            finally:
                for number, process in enumerate(processes):
                    _stop(process)
                    self._examine(process, Path(logs, f"{number}.log"))

    def report_missing(self) -> None:
        """Report each selected scenario that no worker accounted for, as broken."""
        logger = AllureFileLogger(self.results)
        allure_commons.plugin_manager.register(logger)
        try:
            for item in self.selected:
                for scenario in item.scenarios:
                    if place_of(scenario) not in self.board.outcomes:
                        reason = "it did not run: " + "; ".join(self.crashes or ["its worker did not say why"])
                        report_unrun(scenario, reason)
                        self.board.note(Outcome(place_of(scenario), "broken", reason, 0.0))
        finally:
            allure_commons.plugin_manager.unregister(logger)

    def _start(self, log: Path, paths: Sequence[str], tags: Sequence[str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "foundry.acceptance.worker"]
        command += ["--results", str(self.results), "--log", str(log), "--workspaces", str(self.workspaces)]
        command += [*(f"--tags={tag}" for tag in tags), *paths]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _serve(self, process: subprocess.Popen[str], waiting: queue.SimpleQueue[SelectedFeature]) -> None:
        """Give one worker a feature at a time, and pass on what it tells."""
        assert process.stdin and process.stdout
        with contextlib.suppress(queue.Empty, BrokenPipeError):
            while True:
                item = waiting.get_nowait()
                process.stdin.write(json.dumps(item.locations) + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    news = json.loads(line)
                    if news is None:
                        break
                    if isinstance(news, str):
                        self.hook_errors.append(news)
                    else:
                        self.board.note(Outcome(**news))
                else:
                    break
                self.board.show(item)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()

    def _examine(self, process: subprocess.Popen[str], log: Path) -> None:
        """Complain where a worker did not end by itself, or failed for a reason that it has not told."""
        if process.returncode != 0:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:] if log.exists() else []
            code = process.returncode
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            crash = "\n".join([f"a worker process {how}", *last])
            if crash not in self.crashes:
                self.crashes.append(crash)


def _stop(process: subprocess.Popen[str]) -> None:
    """End a worker that still runs, with everything that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
