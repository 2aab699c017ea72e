"""Steps about the catalogue of planted faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import then, when
from behave.runner import Context

from foundry.acceptance.faults.fault import CATALOGUE, DoesNotApply, PlantedFault, read_catalogue
from foundry.acceptance.faults.planting import guards_in


@dataclass
class Catalogue:
    """The faults of each file of the catalogue, by its name."""

    project: Path = Path()
    areas: dict[str, list[PlantedFault]] = field(default_factory=dict)

    @property
    def faults(self) -> list[PlantedFault]:
        return [fault for area in self.areas.values() for fault in area]


def catalogue_of(context: Context) -> Catalogue:
    return context.world.of(Catalogue)


@when("the catalogue of planted faults is read")
def read(context: Context) -> None:
    catalogue = catalogue_of(context)
    catalogue.project = context.origin
    files = sorted((catalogue.project / CATALOGUE).glob("*.yaml"))
    assert read_catalogue(files), "the catalogue is empty"
    catalogue.areas = {file.stem: read_catalogue([file]) for file in files}


@then("it holds at least {count:d} faults of at least {areas:d} areas")
def holds(context: Context, count: int, areas: int) -> None:
    found = catalogue_of(context).areas
    sizes = {area: len(faults) for area, faults in found.items()}
    assert sum(sizes.values()) >= count and len(sizes) >= areas, f"{sum(sizes.values())} faults: {sizes}"


WALLS = ("foundry/evaluation/passing/sandboxed.py", "foundry/evaluation/passing/seccomp.py")
"""Where these do not hold, the guards' hostile programs do what they say: to every process and file of the user."""


def problem_with(fault: PlantedFault, project: Path) -> str:
    if fault.module in WALLS:
        return f"{fault.module} must hold: without it, hostile programs are carried out on this machine"
    if not fault.module.startswith("foundry/") or fault.module.startswith(("foundry/acceptance/", "foundry/testing/")):
        return f"{fault.module} is no module of the product"
    try:
        compile(fault.planted(project), fault.module, "exec")
    except (DoesNotApply, SyntaxError) as error:
        return str(error)
    return ""


@then("each fits one place of one module of the product, and leaves it valid Python and the sandbox closed")
def fits(context: Context) -> None:
    catalogue = catalogue_of(context)
    problems = {
        fault.name: problem for fault in catalogue.faults if (problem := problem_with(fault, catalogue.project))
    }
    assert not problems, "\n".join(f"{name}: {problem}" for name, problem in problems.items())


@then("each names a guard that is one scenario")
def has_guard(context: Context) -> None:
    catalogue = catalogue_of(context)
    places = guards_in(catalogue.project, [fault.guard for fault in catalogue.faults])
    wrong = {fault.name: places[fault.guard] for fault in catalogue.faults if len(places[fault.guard]) != 1}
    assert not wrong, f"not one scenario each: {wrong}"
