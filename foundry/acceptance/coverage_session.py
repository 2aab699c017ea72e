"""Measures which lines and branches an acceptance run executes, in every process that it starts.

coverage starts by itself in each Python process whose environment names a configuration (`COVERAGE_PROCESS_START`),
before the first module is imported; each process leaves a data file when it ends.
What a process has executed is lost where a signal ends it that it does not handle; a worker keeps what it executed
before the scenario in which that happens.
"""

from __future__ import annotations

import configparser
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

from foundry.acceptance.measured_modules import Modules, without_measuring
from foundry.acceptance.scenario_tracing import SCENARIO_VARIABLE

START_VARIABLE = "COVERAGE_PROCESS_START"
OVERRIDING_VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""coverage prefers it to `START_VARIABLE`."""
DATA_NAME = "raw"
MAX_PATTERNS = 150


@dataclass(frozen=True)
class CoverageSession:
    """A measurement.

    Attributes:
        modules: what is measured.
        raw: a folder that no other measurement uses, for one data file from each process.
    """

    modules: Modules
    raw: Path


@contextlib.contextmanager
def measuring(session: CoverageSession) -> Iterator[None]:
    """Measure what this process, and those that it starts, execute inside the block."""
    configuration = _write_configuration(session)
    measurement = without_measuring(Coverage(config_file=str(configuration)))
    with _environment({START_VARIABLE: str(configuration), OVERRIDING_VARIABLE: None, SCENARIO_VARIABLE: None}):
        measurement.start()
        try:
            yield
        finally:
            measurement.stop()
            measurement.save()


def _write_configuration(session: CoverageSession) -> Path:
    """The configuration that each process reads; nothing in it depends on where the process is started.

    Files are chosen with `include`: with `source`, each process would list every module when it ends.
    """
    run = {
        "branch": "true",
        "parallel": "true",
        "data_file": str(session.raw / DATA_NAME),
        "include": "".join(f"\n{pattern}" for pattern in _patterns(session.modules)),
        "context": f"${{{SCENARIO_VARIABLE}-}}",
        "patch": "_exit",
        "core": "ctrace",  # the only one fast enough that can tell scenarios apart
        "disable_warnings": "\nno-data-collected\nmodule-not-measured",
    }
    parser = configparser.RawConfigParser()
    parser.read_dict({"run": run})
    path = session.raw / "coverage.ini"
    with path.open("w", encoding="utf-8") as stream:
        parser.write(stream)
    return path


def _patterns(modules: Modules) -> list[str]:
    """The modules themselves, or the folder that has them all: many patterns make each process start later."""
    files = sorted(map(str, modules.values()))
    return files if len(files) <= MAX_PATTERNS else [f"{os.path.commonpath(files)}/*"]


@contextlib.contextmanager
def _environment(changes: dict[str, str | None]) -> Iterator[None]:
    """Set variables inside the block, or take away those that are None, for this process and those it starts."""
    before = {name: os.environ.pop(name, None) for name in changes}
    os.environ.update({name: value for name, value in changes.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
