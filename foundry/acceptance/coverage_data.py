"""What an acceptance run has executed, on disk: lines and branches of each module, and the scenarios of each line.

Modules have their names, not their paths, so that the data of several hosts can be put together.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException, DataError

from foundry.acceptance.coverage_session import DATA_NAME, CoverageSession
from foundry.acceptance.measured_modules import Modules
from foundry.acceptance.scenario_tracing import scenario_of
from foundry.data.progress import Progress, Report
from foundry.errors import FoundryError, UserError

EXECUTED_NAME = "data"
"""The file with the branches of each module."""
SCENARIOS_NAME = "data-of-scenarios"
"""The file with the lines of each scenario."""

ARCS_OF_PROCESS = """
    SELECT file.path, context.context, arc.fromno, arc.tono
    FROM arc JOIN file ON file.id = arc.file_id JOIN context ON context.id = arc.context_id
"""

Arc = tuple[int, int]
"""A jump from a line to a line; negative numbers are the entry and the exit of a function."""


@dataclass
class Executed:
    """What was executed.

    Attributes:
        arcs: by module; each measured module is there, also one that was never imported.
        scenarios: the lines by scenario and module.
        num_unreadable: how many processes left data that cannot be read, since they were killed while they wrote.
    """

    arcs: dict[str, set[Arc]]
    scenarios: dict[str, dict[str, set[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    num_unreadable: int = 0

    def add(self, name: str, context: str, arc: Arc) -> None:
        """Add a jump that a process has made in the module `name`, in the context that coverage noted."""
        self.arcs[name].add(arc)
        if scenario := scenario_of(context):
            self.scenarios[scenario][name].update(line for line in arc if line > 0)


def executed_in(session: CoverageSession, report: Report) -> Executed:
    """What the processes of a session have executed that are over.

    Raises:
        FoundryError: not one process left data.
    """
    names = {str(path): name for name, path in session.modules.items()}
    executed = Executed({name: set() for name in session.modules})
    files, progress = sorted(session.raw.glob(f"{DATA_NAME}.*")), Progress(report)
    for number, path in enumerate(files):
        progress.update(f"coverage: read the data of {number:,} of {len(files):,} processes")
        try:
            for module, context, arc in _arcs_of_process(path):
                if name := names.get(module):
                    executed.add(name, context, arc)
        except sqlite3.DatabaseError:
            executed.num_unreadable += 1
    if not any(executed.arcs.values()):
        raise FoundryError(f"coverage measured none of the {len(names)} modules in {len(files)} processes")
    return executed


def write_executed(executed: Executed, folder: Path) -> None:
    """Write both files into `folder`, which has none yet."""
    data = CoverageData(str(folder / EXECUTED_NAME))
    data.add_arcs(executed.arcs)
    data.touch_files(sorted(executed.arcs))
    data.close()
    data = CoverageData(str(folder / SCENARIOS_NAME))
    data.add_lines({})
    data.touch_files(sorted(executed.arcs))
    for scenario, lines in sorted(executed.scenarios.items()):
        data.set_context(scenario)
        data.add_lines(lines)
    data.close()


def read_executed(folders: Sequence[Path]) -> Executed:
    """What the runs have executed together whose coverage is in `folders`.

    Raises:
        UserError: one of the folders has no coverage data.
    """
    executed = Executed({})
    for folder in folders:
        with _known(folder / EXECUTED_NAME) as data:
            for name in data.measured_files():
                executed.arcs.setdefault(name, set()).update(data.arcs(name) or ())
        for name, lines in lines_by_scenario(folder).items():
            for line, scenarios in lines.items():
                for scenario in scenarios:
                    executed.scenarios[scenario][name].add(line)
    return executed


def lines_by_scenario(folder: Path) -> dict[str, dict[int, frozenset[str]]]:
    """The keys of the scenarios that ran through each line of each module; `folder` is `coverage/` of a bundle.

    A line that runs while its module is imported belongs to the scenario that imported it first in its process; it is
    not there if that was before the first scenario.

    Raises:
        UserError: the folder has no such data.
    """
    with _known(folder / SCENARIOS_NAME) as data:
        return {
            name: {line: frozenset(scenarios) for line, scenarios in data.contexts_by_lineno(name).items()}
            for name in sorted(data.measured_files())
        }


def arcs_by_path(executed: Executed, modules: Modules) -> Mapping[Path, set[Arc]]:
    """The arcs of each executed module by its file on this machine.

    Raises:
        UserError: a module is not on this machine.
    """
    missing = sorted(executed.arcs.keys() - modules.keys())
    if missing:
        raise UserError(f"coverage is of {missing[0]}, which is not here; merge in a tree of the same commit")
    return {modules[name]: arcs for name, arcs in executed.arcs.items()}


def _arcs_of_process(path: Path) -> list[tuple[str, str, Arc]]:
    """The path of the module, the context and the arc of each jump in a data file.

    The tables are those that coverage documents, because its own class reads no contexts from the file of a forked
    process: coverage 7.17 forgets to note there that the file has arcs.
    """
    with contextlib.closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as data:
        return [(module, context, (start, end)) for module, context, start, end in data.execute(ARCS_OF_PROCESS)]


@contextlib.contextmanager
def _known(path: Path) -> Iterator[CoverageData]:
    try:
        with _opened(path) as data:
            yield data
    except (CoverageException, OSError):
        raise UserError(
            f"{path}: no coverage data of this version; `foundry accept --coverage` writes such a file"
        ) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[CoverageData]:
    if not path.is_file():
        raise DataError("there is no such file")  # coverage would make one
    data = CoverageData(str(path), read_only=True)
    try:
        data.read()
        yield data
    finally:
        data.close()
