"""Runs of the sample suite as a user starts them, in a folder that stays for what comes next."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord, read_record
from foundry.testing.sample_suite import write_sample_suite
from foundry.testing.warm_commands import terminal

TIMEOUT_SECONDS = 100


@dataclass(frozen=True)
class SampleEnd:
    """What a run of the sample suite has left.

    Attributes:
        record: None where it wrote none.
        results: Allure's, one a scenario that was reported.
        page: the report; empty where there is none.
        workspaces: the names of those that are left.
    """

    exit_code: int
    output: str
    record: AcceptanceRecord | None
    results: tuple[dict[str, Any], ...]
    page: str
    workspaces: tuple[str, ...]

    @property
    def recorded(self) -> dict[str, ScenarioRecord]:
        """What the record says of each scenario, by its name."""
        assert self.record is not None, f"there is no record; exit code {self.exit_code}:\n{self.output}"
        return {scenario.name: scenario for scenario in self.record.scenarios}

    @property
    def order(self) -> list[str]:
        """The names of the scenarios in the order in which they began."""
        return sorted(self.recorded, key=lambda name: self.recorded[name].started)


@functools.cache
def shared_suite(project: Path, runs: tuple[str, ...]) -> Path:
    """The folder of a sample suite after these runs of `foundry accept`, made once in this process; only to be read."""
    folder = Path(tempfile.mkdtemp(prefix="shared-sample-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    suite = SampleSuite(folder / "suite", project)
    for arguments in runs:
        suite.run(shlex.split(arguments))
    return suite.folder


@dataclass
class SampleSuite:
    """The sample suite, written into a folder.

    Attributes:
        environment: variables that its runs see, beside those of this process.
        on_terminal: its runs print on a terminal of 100 columns.
    """

    folder: Path
    project: Path
    environment: dict[str, str] = field(default_factory=dict)
    on_terminal: bool = False

    def __post_init__(self) -> None:
        write_sample_suite(self.folder, self.project)
        (self.folder / "temporary").mkdir()

    @contextlib.contextmanager
    def running(self, arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """`foundry accept` with these arguments, as the leader of a group; killed when the block ends."""
        shown = self.folder / "output.txt"
        shown.write_text("")
        with contextlib.ExitStack() as held:
            place = held.enter_context(terminal(shown)) if self.on_terminal else shown
            descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
            held.callback(os.close, descriptor)
            process = subprocess.Popen(
                [sys.executable, "-m", "foundry", "accept", *arguments],
                cwd=self.folder,
                env={**os.environ, **self.environment, "TMPDIR": str(self.folder / "temporary")},
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def run(self, arguments: Sequence[str], out: str = "release") -> SampleEnd:
        """Run `foundry accept` to its end."""
        with self.running(arguments) as process:
            process.wait(TIMEOUT_SECONDS)
        return self.ended(process, out)

    def interrupt(self, arguments: Sequence[str], signals: Mapping[str, str]) -> SampleEnd:
        """Run it, and send its group signals: each as soon as a file of that name is there, or a text was printed.

        Args:
            signals: the name of the signal by the file or text.

        Raises:
            AssertionError: it ended before.
        """
        with self.running(arguments) as process:
            for sign, name in signals.items():
                self._wait_for(process, sign)
                os.killpg(process.pid, signal.Signals[name])
            process.wait(TIMEOUT_SECONDS)
        return self.ended(process)

    def _wait_for(self, process: subprocess.Popen[str], sign: str) -> None:
        while not (self.folder / sign).exists() and sign not in self.output:
            assert process.poll() is None, f"it ended without a sign of {sign!r}:\n{self.output}"
            time.sleep(0.05)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")

    def ended(self, process: subprocess.Popen[str], out: str = "release") -> SampleEnd:
        """What there is to see after the end of a run."""
        record, page = self.folder / out / "acceptance.json", self.folder / out / "report.html"
        code = process.returncode
        return SampleEnd(
            exit_code=128 - code if code < 0 else code,
            output=self.output,
            record=read_record(record) if record.exists() else None,
            results=tuple(json.loads(path.read_text()) for path in self.folder.glob("allure-results/*-result.json")),
            page=page.read_text(encoding="utf-8") if page.exists() else "",
            workspaces=tuple(path.name for path in self.folder.glob("temporary/foundry-accept-*/*/*")),
        )

    @property
    def guards_at_work(self) -> list[int]:
        """Those of the processes that the scenarios have left behind that still run."""
        noted = self.folder / "guards.txt"
        guards = [int(line) for line in noted.read_text().split()] if noted.exists() else []
        assert guards, "no scenario has started a process"
        return [guard for guard in guards if _runs(guard)]


@dataclass
class SampleRuns:
    """What the steps of a scenario share: its own sample suite, and the run that it looks at."""

    own: SampleSuite | None = None
    end: SampleEnd | None = None

    def suite(self, folder: Path, project: Path) -> SampleSuite:
        """The scenario's own copy of the suite, written into `folder` when it is first asked for."""
        if self.own is None:
            self.own = SampleSuite(folder, project)
        return self.own

    @property
    def last(self) -> SampleEnd:
        """The run that the scenario looks at."""
        assert self.end is not None, "the sample suite was not run"
        return self.end


def _runs(process: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False
