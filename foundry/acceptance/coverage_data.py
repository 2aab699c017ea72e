"""What an acceptance run has executed, on disk: lines and branches of each module, and the scenarios of each line.

Modules have their names, not their paths, so that the data of several hosts can be put together.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException, DataError

from foundry.acceptance.coverage_session import DATA_NAME, CoverageSession
from foundry.acceptance.measured_modules import Modules
from foundry.acceptance.scenario_tracing import scenario_of
from foundry.errors import FoundryError, UserError

EXECUTED_NAME = "data"
"""The file with the branches of each module."""
SCENARIOS_NAME = "data-of-scenarios"
"""The file with the lines of each scenario."""

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

    def add(self, data: CoverageData, names: Mapping[str, str]) -> None:
        """Add what one process has executed; `names` are those of the modules by their paths."""
        for path in data.measured_files():
            if (name := names.get(path)) in self.arcs:
                self.arcs[name] |= set(data.arcs(path) or ())
                for line, contexts in data.contexts_by_lineno(path).items():
                    for scenario in filter(None, map(scenario_of, contexts)):
                        self.scenarios[scenario][name].add(line)


def executed_in(session: CoverageSession) -> Executed:
    """What the processes of a session have executed that are over.

    Raises:
        FoundryError: not one process left data.
    """
    names = {str(path): name for name, path in session.modules.items()}
    executed = Executed({name: set() for name in session.modules})
    files = sorted(session.raw.glob(f"{DATA_NAME}.*"))
    for path in files:
        try:
            with _opened(path) as data:
                executed.add(data, names)
        except CoverageException:
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

    A line is there if a scenario executed it; one that was only executed while a module was imported before the
    first scenario is not.

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
