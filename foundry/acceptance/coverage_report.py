"""The folder `coverage/` of a release bundle: pages to read, figures, and the data to merge with other hosts'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foundry.acceptance.coverage_data import Executed, read_executed, write_executed
from foundry.acceptance.coverage_figures import (
    FIGURES_NAME,
    CoverageFigures,
    coverage_figures,
    reporting,
    write_figures,
)
from foundry.acceptance.measured_modules import Modules
from foundry.errors import UserError

FOLDER_NAME = "coverage"
"""The name of the folder in a bundle."""


def write_coverage(executed: Executed, modules: Modules, folder: Path) -> CoverageFigures:
    """Make `folder`: `index.html` with a page for each module, `coverage.json`, and the data."""
    figures = coverage_figures(executed, modules)
    with reporting(executed, modules) as report:
        report.html_report(directory=str(folder), title="Coverage")
    write_executed(executed, folder)
    write_figures(figures, folder / FIGURES_NAME)
    return figures


def merge_coverage(shards: Sequence[Path], modules: Modules) -> Executed | None:
    """What the bundles in `shards` executed together; None where none of them measured coverage.

    Raises:
        UserError: some measured it and some did not.
    """
    measured = [shard for shard in shards if (shard / FOLDER_NAME).is_dir()]
    if not measured:
        return None
    for shard in shards:
        if shard not in measured:
            raise UserError(f"{shard}: has no coverage, and {measured[0]} has; run every shard with --coverage")
    return read_executed([shard / FOLDER_NAME for shard in shards])
