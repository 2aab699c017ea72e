"""Coverage as a part of an acceptance run, or of the merging of its shards: measured, written, held against floors."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from coverage.exceptions import CoverageException

from foundry.acceptance.coverage_data import Executed, executed_in, read_executed
from foundry.acceptance.coverage_report import FOLDER_NAME, Say, with_coverage, write_coverage
from foundry.acceptance.coverage_session import CoverageSession, measuring
from foundry.acceptance.floors import CoverageFloors, read_floors
from foundry.acceptance.measured_modules import Modules, measured_modules
from foundry.acceptance.module_groups import group_of_modules
from foundry.acceptance.record import AcceptanceRecord
from foundry.acceptance.shards import Shard
from foundry.errors import FoundryError, UserError


@dataclass(frozen=True)
class CoverageRun:
    """The coverage that an acceptance run was asked for.

    Attributes:
        modules: what is measured.
        group: which of the modules that is, such as `2/5`; empty where all are measured.
        scratch: a folder that exists as long as the run.
    """

    modules: Modules
    floors: CoverageFloors
    group: str
    scratch: Path

    @property
    def folder(self) -> Path:
        """Where pages, figures and data are written."""
        return self.scratch / FOLDER_NAME

    def measuring(self) -> AbstractContextManager[None]:
        """Measure what this process, and those that it starts, execute inside the block."""
        return measuring(self._session)

    def concluded(self, record: AcceptanceRecord, say: Say) -> AcceptanceRecord:
        """The record with the coverage of the run, which is over; what goes wrong is a complaint."""
        try:
            return self._with(executed_in(self._session, say), record, say)
        except (FoundryError, CoverageException) as error:
            return record.model_copy(update={"complaints": (*record.complaints, str(error))})

    def merged(self, shards: Sequence[Path], record: AcceptanceRecord, say: Say) -> AcceptanceRecord:
        """The record with the coverage of the bundles in `shards`.

        Raises:
            UserError: one of them has no coverage, or is of other modules.
        """
        return self._with(read_executed([shard / FOLDER_NAME for shard in shards]), record, say)

    def _with(self, executed: Executed, record: AcceptanceRecord, say: Say) -> AcceptanceRecord:
        figures = write_coverage(executed, self.modules, self.folder, self.group)
        return with_coverage(record, figures, self.floors, say)

    @property
    def _session(self) -> CoverageSession:
        return CoverageSession(self.modules, self.scratch)


def coverage_run(group: Shard | None = None) -> AbstractContextManager[CoverageRun]:
    """Get ready to measure the modules that the working directory configures, or a group of them, inside a block.

    Raises:
        UserError: what is configured is wrong, or there is no such group.
    """
    modules = measured_modules()
    floors = read_floors(Path.cwd(), modules)
    chosen = group_of_modules(modules, group) if group else modules
    return _in_scratch(chosen, floors, str(group or ""))


@contextlib.contextmanager
def _in_scratch(modules: Modules, floors: CoverageFloors, group: str) -> Iterator[CoverageRun]:
    with tempfile.TemporaryDirectory(prefix="foundry-coverage-") as scratch:
        yield CoverageRun(modules, floors, group, Path(scratch).resolve())


def have_coverage(shards: Sequence[Path]) -> bool:
    """Whether coverage was measured where the bundles in `shards` come from.

    Raises:
        UserError: in some of them it was, and in some it was not.
    """
    measured = [shard for shard in shards if (shard / FOLDER_NAME).is_dir()]
    for shard in shards:
        if measured and shard not in measured:
            raise UserError(f"{shard}: has no coverage, and {measured[0]} has; run every shard with --coverage")
    return bool(measured)
