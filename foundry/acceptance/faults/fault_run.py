"""Planted faults as a part of an acceptance run: those whose guards were selected, then random mutants."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundry.acceptance.coverage_data import lines_by_scenario
from foundry.acceptance.faults.allure_results import report_faults
from foundry.acceptance.faults.budget import Allowance
from foundry.acceptance.faults.covering import Covering, covering_of
from foundry.acceptance.faults.fault import PlantedFault, catalogue_of, read_catalogue
from foundry.acceptance.faults.figures import FIGURES_NAME, FaultFigures, MutantFigures, write_figures
from foundry.acceptance.faults.mutants import core_of, equivalent_of, in_random_order, mutants_of, read_equivalent
from foundry.acceptance.faults.mutating import Mutating
from foundry.acceptance.faults.planting import Planting, guards_in
from foundry.acceptance.faults.telling import mutant_summary, mutant_told, summary, told
from foundry.acceptance.record import AcceptanceRecord, FaultTally
from foundry.acceptance.selection import SelectedFeature
from foundry.acceptance.stopping import StopRequest
from foundry.errors import FoundryError, UserError

Say = Callable[[str], None]
MAX_SEED = 1_000_000


def guarded_faults(project: Path, selected: Sequence[SelectedFeature]) -> list[PlantedFault]:
    """The faults of the project's catalogue whose guards are selected, or are not there at all.

    Raises:
        UserError: there is no catalogue, it breaks a rule, or no fault is left.
    """
    faults = read_catalogue([catalogue_of(project)])
    places = {f"{_path(item, project)}:{scenario.line}" for item in selected for scenario in item.scenarios}
    guards = guards_in(project, (fault.guard for fault in faults))
    chosen = [it for it in faults if not guards[it.guard] or not places.isdisjoint(guards[it.guard])]
    if not chosen:
        raise UserError(
            f"--planted-faults: none of the {len(faults)} has a selected scenario as its guard; select more"
        )
    return chosen


def _path(item: SelectedFeature, project: Path) -> str:
    return Path(item.feature.filename).absolute().relative_to(project).as_posix()


def plant(
    project: Path, faults: Sequence[PlantedFault], workers: int, allowance: Allowance, seed: int, say: Say
) -> FaultFigures:
    """Plant the faults and tell what becomes of each."""
    say(f"\nplanting {len(faults)} faults, in copies of the project")
    figures = Planting(project, faults, lambda it: say(told(it)), workers, allowance, seed).run()
    for line in summary(figures):
        say(line)
    return figures


def try_mutants(
    project: Path,
    covering: Covering,
    workers: int,
    allowance: Allowance,
    seed: int,
    say: Say,
    places: Sequence[str] = (),
    most: int | None = None,
) -> MutantFigures:
    """Try random mutants of the core, or of `places`, as many as there is time for, but not more than `most`."""
    mutants = in_random_order(mutants_of(project, places or core_of(project)), seed)[:most]
    say(f"\ntrying random mutants, {len(mutants)} at most, with the seed {seed}")
    equivalent = read_equivalent(equivalent_of(project))
    mutating = Mutating(
        project, mutants, covering, equivalent, lambda it: say(mutant_told(it)), workers, allowance, seed
    )
    figures = mutating.run()
    for line in mutant_summary(figures):
        say(line)
    return figures


@dataclass(frozen=True)
class FaultRun:
    """The planted faults that an acceptance run was asked for.

    Attributes:
        seed: of the order in which a limited time is spent.
    """

    project: Path
    faults: Sequence[PlantedFault]
    workers: int
    budget_seconds: float | None
    seed: int
    _scratch: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)

    @property
    def figures_path(self) -> Path:
        """Where the figures are written; the file goes with this object."""
        return Path(self._scratch.name, FIGURES_NAME)

    @classmethod
    def asked_for(cls, selected: Sequence[SelectedFeature], workers: int, budget_seconds: float | None) -> FaultRun:
        """The faults in the catalogue of the working directory whose guards are selected.

        Raises:
            UserError: there is no catalogue, it breaks a rule, or no fault is left.
        """
        project = Path.cwd()
        faults = guarded_faults(project, selected)
        return cls(project, faults, workers, budget_seconds, random.randrange(MAX_SEED))

    def concluded(
        self, record: AcceptanceRecord, coverage: Path | None, results: Path, stop: StopRequest, say: Say
    ) -> AcceptanceRecord:
        """Plant the faults, and try mutants if the time is limited and not over; the record with what came out.

        Figures go into the file `figures_path`, and a result of each fault into Allure's `results`. Where a signal asks
        to stop, what was found until then is kept; what goes wrong is a complaint, so that the run itself is reported.

        Args:
            record: of the run of the suite.
            coverage: the folder with its coverage; None where that was not measured.
        """
        allowance = Allowance(self.budget_seconds, lambda: bool(stop.signal_number))
        figures: FaultFigures | None = None
        try:
            figures = plant(self.project, self.faults, self.workers, allowance, self.seed, say)
            if self.budget_seconds is not None and not allowance.is_over():
                lines = lines_by_scenario(coverage) if coverage else {}
                figures = self._with_mutants(figures, covering_of(record, lines), allowance, say)
        except FoundryError as error:
            record = _with_complaint(record, str(error))
        if stop.signal_number:
            ended_early = f"interrupted by {stop.name} while faults were planted"
            record = record.model_copy(update={"ended_early": ended_early})
        if figures is None:
            return record
        write_figures(figures, self.figures_path)
        report_faults(figures, results)
        return with_faults(record, figures)

    def _with_mutants(self, figures: FaultFigures, covering: Covering, allowance: Allowance, say: Say) -> FaultFigures:
        if not covering.scenarios:
            say("no scenario is kept, so that none could notice a random mutant")
            return figures
        mutants = try_mutants(self.project, covering, self.workers, allowance, self.seed, say)
        return figures.model_copy(update={"mutants": mutants})


def with_faults(record: AcceptanceRecord, figures: FaultFigures) -> AcceptanceRecord:
    """The record with what became of the planted faults; that none could be tried is a complaint."""
    num_not_tried = figures.counts["not tried"]
    num_tried = len(figures.faults) - num_not_tried
    if not num_tried and not record.ended_early:
        record = _with_complaint(record, f"there was no time for any of {num_not_tried}; allow more with --budget")
    survived = tuple(fault.name for fault in figures.not_caught)
    tally = FaultTally(planted=num_tried, survived=survived, not_tried=num_not_tried)
    if figures.mutants:
        counted, killed = figures.mutants.num_counted, figures.mutants.counts["killed"]
        tally = tally.model_copy(update={"mutants": counted, "mutants_killed": killed})
    return record.model_copy(update={"faults": tally})


def _with_complaint(record: AcceptanceRecord, text: str) -> AcceptanceRecord:
    return record.model_copy(update={"complaints": (*record.complaints, f"planted faults: {text}")})
