"""The folder `coverage/` of a release bundle: pages to read, figures, and the data to merge with other hosts'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foundry.acceptance.coverage_data import Executed, write_executed
from foundry.acceptance.coverage_figures import (
    FIGURES_NAME,
    CoverageFigures,
    coverage_figures,
    reporting,
    write_figures,
)
from foundry.acceptance.floors import CoverageFloors, below_floors, modules_below
from foundry.acceptance.measured_modules import Modules
from foundry.acceptance.record import AcceptanceRecord, CoverageTally

FOLDER_NAME = "coverage"
"""The name of the folder in a bundle."""

FOR_THE_NEXT_REPORT = (".gitignore", "status.json")
"""What coverage writes beside its pages for itself."""

Say = Callable[[str], None]


def write_coverage(executed: Executed, modules: Modules, folder: Path, group: str = "") -> CoverageFigures:
    """Make `folder`: `index.html` with a page for each module, `coverage.json`, and the data."""
    figures = coverage_figures(executed, modules).model_copy(update={"group": group})
    with reporting(executed, modules) as report:
        report.html_report(directory=str(folder), title="Coverage")
    for name in FOR_THE_NEXT_REPORT:
        (folder / name).unlink()
    write_executed(executed, folder)
    write_figures(figures, folder / FIGURES_NAME)
    return figures


def with_coverage(
    record: AcceptanceRecord, figures: CoverageFigures, floors: CoverageFloors, say: Say
) -> AcceptanceRecord:
    """The record of a run whose coverage has these figures; each floor that is not met is a complaint."""
    say(f"coverage: {figures.summary}")
    if figures.num_unreadable:
        say(f"coverage: without {figures.num_unreadable} processes that were killed while they wrote their data")
    if not is_of_everything(record):
        say("coverage: the floors are not checked, they are meant for a run of all features")
        unmet = []
    else:
        unmet = modules_below(figures, floors) if figures.group else below_floors(figures, floors)
    tally = CoverageTally(lines=figures.percent_lines, branches=figures.percent_branches)
    return record.model_copy(update={"coverage": tally, "complaints": (*record.complaints, *unmet)})


def is_of_everything(record: AcceptanceRecord) -> bool:
    """Whether every feature was run to the end."""
    chosen = record.paths != ("features",) or record.tags or record.last_failed or record.shard
    return not (chosen or record.ended_early)
