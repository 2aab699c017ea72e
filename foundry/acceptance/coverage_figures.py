"""The figures of coverage: lines and branches of each module, and which are missing."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from coverage import Coverage, CoverageData
from pydantic import BaseModel, ConfigDict, ValidationError

from foundry import files
from foundry.acceptance.coverage_data import Executed, arcs_by_path
from foundry.acceptance.measured_modules import Modules, without_measuring
from foundry.errors import UserError

FIGURES_NAME = "coverage.json"
GPU_MARKER = "# gpu-only$"
"""The comment at the end of lines that need a GPU; coverage's `exclude_also` has it, so they count nowhere."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModuleCoverage(_Frozen):
    """How much of one module was executed.

    Attributes:
        module: such as `foundry/config.py`.
        lines: how many statements there are; a statement counts as one line.
        branches: how many ways lead on from lines with several.
        missing_branches: the ways that were not taken, from line to line; a negative line is the exit of a function.
        gpu_only: the statements that the marker `# gpu-only` takes out.
    """

    module: str
    lines: int
    covered_lines: int
    branches: int
    covered_branches: int
    missing_lines: tuple[int, ...] = ()
    missing_branches: tuple[tuple[int, int], ...] = ()
    gpu_only: int = 0

    @property
    def percent(self) -> float:
        """Executed lines and branches, of all lines and branches."""
        return _percent(self.covered_lines + self.covered_branches, self.lines + self.branches)


class CoverageFigures(_Frozen):
    """How much of the product was executed by an acceptance run.

    Attributes:
        group: the part of the modules that was measured, such as `2/5`; empty where all were.
        num_unreadable: how many processes left data that cannot be read.
    """

    format: Literal[1] = 1
    group: str = ""
    modules: tuple[ModuleCoverage, ...]
    num_unreadable: int = 0

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(module.lines for module in self.modules)

    @property
    def branches(self) -> int:
        """How many branches there are."""
        return sum(module.branches for module in self.modules)

    @property
    def gpu_only(self) -> int:
        """How many lines need a GPU, and count nowhere."""
        return sum(module.gpu_only for module in self.modules)

    @property
    def percent_lines(self) -> float:
        """Executed lines in percent."""
        return _percent(sum(module.covered_lines for module in self.modules), self.lines)

    @property
    def percent_branches(self) -> float:
        """Executed branches in percent."""
        return _percent(sum(module.covered_branches for module in self.modules), self.branches)

    @property
    def summary(self) -> str:
        """The figures in one line."""
        hidden = f"; not counted, since they need a GPU: {self.gpu_only:,}" if self.gpu_only else ""
        return (
            f"{self.percent_lines:.1f} % of {self.lines:,} lines and {self.percent_branches:.1f} % of "
            f"{self.branches:,} branches in {len(self.modules):,} modules{hidden}"
        )


def write_figures(figures: CoverageFigures, path: Path) -> None:
    """Write the figures in one rename."""
    files.write_text(path, json.dumps(figures.model_dump(mode="json"), indent=1) + "\n")


def read_figures(path: Path) -> CoverageFigures:
    """The figures in the file `path`.

    Raises:
        UserError: there are none, or they are not of this version.
    """
    try:
        return CoverageFigures.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{error.error_count()} errors"
        raise UserError(f"{path}: no coverage figures of this version ({why}); run with --coverage again") from None


@contextlib.contextmanager
def reporting(executed: Executed, modules: Modules) -> Iterator[Coverage]:
    """coverage's own reports of what was executed, with the exclusions that the working directory configures."""
    with tempfile.TemporaryDirectory(prefix="foundry-coverage-") as folder:
        path = Path(folder, "data")
        arcs = {str(path): arcs for path, arcs in arcs_by_path(executed, modules).items()}
        data = CoverageData(str(path))
        data.add_arcs(arcs)
        data.touch_files(sorted(arcs))
        data.close()
        report = without_measuring(Coverage(data_file=str(path)))
        report.set_option("run:parallel", False)
        report.load()
        yield report


def coverage_figures(executed: Executed, modules: Modules) -> CoverageFigures:
    """The figures of what was executed, the modules in the order of their names."""
    with reporting(executed, modules) as report, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        report.json_report(outfile=str(path), morfs=[str(modules[name]) for name in executed.arcs])
        found = {Path.cwd() / name: figures for name, figures in json.loads(path.read_bytes())["files"].items()}
    figures = (_module(name, found[modules[name]], modules[name]) for name in sorted(executed.arcs))
    return CoverageFigures(modules=tuple(figures), num_unreadable=executed.num_unreadable)


def _module(name: str, found: dict[str, Any], path: Path) -> ModuleCoverage:
    summary = found["summary"]
    return ModuleCoverage(
        module=name,
        lines=summary["num_statements"],
        covered_lines=summary["covered_lines"],
        branches=summary["num_branches"],
        covered_branches=summary["covered_branches"],
        missing_lines=tuple(found["missing_lines"]),
        missing_branches=tuple((start, end) for start, end in found["missing_branches"]),
        gpu_only=_num_gpu_only(path, summary["num_statements"]),
    )


def _num_gpu_only(path: Path, num_statements: int) -> int:
    """How many statements more the module would have without the marker."""
    if not re.search(GPU_MARKER, path.read_text(encoding="utf-8"), re.MULTILINE):
        return 0
    unmarked = without_measuring(Coverage(data_file=None))
    exclusions = [pattern for pattern in unmarked.get_exclude_list() if pattern != GPU_MARKER]
    unmarked.clear_exclude()
    for pattern in exclusions:
        unmarked.exclude(pattern)
    return len(unmarked.analysis2(str(path))[1]) - num_statements


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0
