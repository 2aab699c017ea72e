"""How much of the product the scenarios must run through: the floors in pyproject.toml, and what is below them."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundry.acceptance.coverage_figures import CoverageFigures, ModuleCoverage
from foundry.errors import UserError

SECTION = "tool.foundry.coverage"
MAX_MISSING = 20
"""How many runs of lines a complaint names."""


class CoverageFloors(BaseModel):
    """The section `[tool.foundry.coverage]`; all numbers are percent.

    Attributes:
        lines: of the lines of all modules.
        branches: of the branches of all modules.
        core: of the lines and branches of each core module.
        core_modules: modules, and folders of modules with a slash at the end.
        exceptions: modules with a floor of their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    lines: float = Field(90.0, ge=0, le=100)
    branches: float = Field(85.0, ge=0, le=100)
    core: float = Field(95.0, ge=0, le=100)
    core_modules: tuple[str, ...] = Field((), alias="core-modules")
    exceptions: dict[str, float] = {}

    def of_module(self, module: str) -> float:
        """The floor of one module; 0 where it has none."""
        is_core = any(module == core or (core.endswith("/") and module.startswith(core)) for core in self.core_modules)
        return self.exceptions.get(module, self.core if is_core else 0.0)


def read_floors(project: Path, modules: Collection[str]) -> CoverageFloors:
    """The floors of the project in the folder `project`; those of this class where it configures none.

    Raises:
        UserError: the section has an unknown name, a value that is no percentage, or a module that is not one of
            `modules`.
    """
    path = project / "pyproject.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name in SECTION.split("."):
        content = content.get(name, {})
    try:
        floors = CoverageFloors.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (SECTION, *first["loc"])))
        raise UserError(f"{path}: {where} = {first['input']!r}: {first['msg']}; floors are percentages") from None
    _refuse_unknown(floors, modules, path)
    return floors


def below_floors(figures: CoverageFigures, floors: CoverageFloors) -> list[str]:
    """One line for each floor that is not met: the whole first, then the modules."""
    return [*_below_as_a_whole(figures, floors), *modules_below(figures, floors)]


def modules_below(figures: CoverageFigures, floors: CoverageFloors) -> list[str]:
    """One line for each module that is below its floor."""
    return [
        f"{module.module}: {_shown(module.percent)} % of its lines and branches are covered, its floor is {floor:g} %; "
        f"missing: {missing(module)}"
        for module in figures.modules
        if module.percent < (floor := floors.of_module(module.module))
    ]


def missing(module: ModuleCoverage) -> str:
    """The lines and branches that were not executed, such as `3, 7-9, 12->15`."""
    lines = [f"{first}-{last}" if last > first else f"{first}" for first, last in _runs(module.missing_lines)]
    gone = set(module.missing_lines)
    ways = [f"{start}->{end if end > 0 else 'exit'}" for start, end in module.missing_branches if start not in gone]
    shown, hidden = [*lines, *ways][:MAX_MISSING], len(lines) + len(ways) - MAX_MISSING
    return ", ".join(shown) + (f" and {hidden} more" if hidden > 0 else "")


def _below_as_a_whole(figures: CoverageFigures, floors: CoverageFloors) -> Iterator[str]:
    for what, percent, floor in (
        ("lines", figures.percent_lines, floors.lines),
        ("branches", figures.percent_branches, floors.branches),
    ):
        if percent < floor:
            yield f"all modules: {_shown(percent)} % of the {what} are covered, the floor is {floor:g} %"


def _refuse_unknown(floors: CoverageFloors, modules: Collection[str], path: Path) -> None:
    for name in (*floors.core_modules, *floors.exceptions):
        if name not in modules and not (name.endswith("/") and any(module.startswith(name) for module in modules)):
            raise UserError(f"{path}: {SECTION} names {name}, and no such module is measured; mend the name")


def _shown(percent: float) -> str:
    """Rounded down, so that what is below a floor never looks as if it were on it."""
    return f"{int(percent * 10) / 10:.1f}"


def _runs(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Consecutive numbers together, as first and last."""
    for _, group in itertools.groupby(enumerate(sorted(lines)), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        yield numbers[0], numbers[-1]
