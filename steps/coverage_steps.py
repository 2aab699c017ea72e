"""Steps on coverage: a sample product whose scenarios are run, its figures, floors and groups of modules."""

from __future__ import annotations

import random
import shlex
from dataclasses import dataclass, field

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.coverage_figures import CoverageFigures
from foundry.acceptance.floors import CoverageFloors, below_floors, missing, read_floors
from foundry.acceptance.module_groups import balanced_groups
from foundry.testing.measured_product import (
    EVERYTHING,
    MeasuredRun,
    measured_run,
    merged_run,
    run_in,
    write_sample_product,
)


@dataclass
class CoverageState:
    """What the scenario has run, and what it holds against what.

    Attributes:
        parts: the runs of the parts of the suite, where it was run in parts.
        complaints: what is below its floor.
    """

    run: MeasuredRun | None = None
    parts: tuple[MeasuredRun, ...] = ()
    floors: CoverageFloors = field(default_factory=CoverageFloors)
    complaints: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)

    @property
    def measured(self) -> MeasuredRun:
        assert self.run is not None, "nothing was run"
        return self.run

    @property
    def figures(self) -> CoverageFigures:
        assert self.measured.figures is not None, f"no coverage; it printed:\n{self.measured.output}"
        return self.measured.figures


@when("the sample product's scenarios are run with coverage")
def run_everything(context: Context) -> None:
    context.world.of(CoverageState).run = measured_run(*EVERYTHING)


@when('the sample product is run with "{arguments}"')
def run_with(context: Context, arguments: str) -> None:
    write_sample_product(context.world.workspace)
    context.world.of(CoverageState).run = run_in(context.world.workspace, *shlex.split(arguments))


@when('the sample product is run with coverage and the floors "{floors}"')
def run_with_floors(context: Context, floors: str) -> None:
    write_sample_product(context.world.workspace, floors)
    context.world.of(CoverageState).run = run_in(context.world.workspace, "--coverage")


@when("the sample product is run with coverage of the source {source}")
def run_with_source(context: Context, source: str) -> None:
    write_sample_product(context.world.workspace, source=source)
    context.world.of(CoverageState).run = run_in(context.world.workspace, "--coverage")


@when("the sample product is run in {number:d} parts by {option}, and merged")
def run_in_parts(context: Context, number: int, option: str) -> None:
    state = context.world.of(CoverageState)
    *parts, state.run = merged_run(option, number)
    state.parts = tuple(parts)


@when("the sample product, with a floor of {floor:d} % of the lines, is run in {number:d} parts by {option} and merged")
def run_in_parts_with_floor(context: Context, floor: int, number: int, option: str) -> None:
    state = context.world.of(CoverageState)
    *parts, state.run = merged_run(option, number, f"lines = {floor}\nbranches = 0")
    state.parts = tuple(parts)


@then("each scenario of the merge has one result")
def one_result_each(context: Context) -> None:
    run = context.world.of(CoverageState).measured
    assert run.record is not None, f"there is no record; it printed:\n{run.output}"
    expected = sorted(scenario.key for scenario in run.record.scenarios)
    assert expected and sorted(run.results) == expected, f"results of {sorted(run.results)}, expected {expected}"


@then("these lines and branches are missing")
def missing_are(context: Context) -> None:
    figures = context.world.of(CoverageState).figures
    found = [[it.module, str(it.lines), str(it.branches), missing(it)] for it in figures.modules]
    expected = [[row[name] for name in ("module", "lines", "branches", "missing")] for row in context.table]
    assert found == expected, f"found: {found}\nexpected: {expected}"


@then('{number:d} lines of "{module}" do not count, since they need a GPU')
def gpu_only(context: Context, number: int, module: str) -> None:
    hidden = {it.module: it.gpu_only for it in context.world.of(CoverageState).figures.modules if it.gpu_only}
    assert hidden == {module: number}, f"hidden: {hidden}, expected {number} in {module} alone"


@then('it is printed that "{line}"')
def printed_is(context: Context, line: str) -> None:
    printed = context.world.of(CoverageState).measured.output.splitlines()
    assert line in printed, "it printed:\n" + "\n".join(printed)


@then('its folder of coverage has "{first}", "{second}", "{third}" and "{fourth}"')
def folder_has(context: Context, first: str, second: str, third: str, fourth: str) -> None:
    left = context.world.of(CoverageState).measured.files
    assert {first, second, third, fourth} <= set(left), f"left: {left}"


@then("nothing of the measurement is left anywhere else")
def nothing_left(context: Context) -> None:
    remains = context.world.of(CoverageState).measured.remains
    assert remains == (), f"left: {remains}"


@then("these scenarios run through these lines")
def scenarios_of_lines(context: Context) -> None:
    found = context.world.of(CoverageState).measured.scenarios
    for row in context.table:
        names = ", ".join(sorted(found[row["module"]].get(int(row["line"]), ())))
        assert names == row["scenarios"], f"{row['module']}:{row['line']}: {names}\nexpected: {row['scenarios']}"


@given("the floors")
def floors_are(context: Context) -> None:
    text = context.text.replace("\\n[", "\n[tool.foundry.coverage.").replace("\\n", "\n")
    write_sample_product(context.world.workspace, text)
    modules = [it.module for it in figures_of_everything().modules]
    context.world.of(CoverageState).floors = read_floors(context.world.workspace, modules)


def figures_of_everything() -> CoverageFigures:
    """The coverage of the sample product's whole suite."""
    run = measured_run(*EVERYTHING)
    assert run.figures is not None, f"no coverage; it printed:\n{run.output}"
    return run.figures


@when("they are held against the sample product's coverage")
def hold_against(context: Context) -> None:
    state = context.world.of(CoverageState)
    state.complaints = below_floors(figures_of_everything(), state.floors)


@then('the complaints are "{complaint}"')
def complaints_are(context: Context, complaint: str) -> None:
    complaints = context.world.of(CoverageState).complaints
    assert complaints == [complaint], f"complaints: {complaints}\nexpected: {complaint}"


@then('the complaints are ""')
def no_complaints(context: Context) -> None:
    complaints = context.world.of(CoverageState).complaints
    assert complaints == [], f"complaints: {complaints}, expected none"


@then("the parts exit with {part:d}, and the merge exits with {merge:d}")
def exit_codes(context: Context, part: int, merge: int) -> None:
    state = context.world.of(CoverageState)
    codes = [*(run.exit_code for run in state.parts), state.measured.exit_code]
    assert codes == [*(part for _ in state.parts), merge], f"exit codes {codes}:\n{state.measured.output}"


@then('the merge prints "{line}"')
def merge_prints(context: Context, line: str) -> None:
    printed = context.world.of(CoverageState).measured.output.splitlines()
    assert line in printed, "it printed:\n" + "\n".join(printed)


@then('the run exits with {code:d} and prints only a line with "{message}"')
def refused(context: Context, code: int, message: str) -> None:
    run = context.world.of(CoverageState).measured
    as_expected = run.exit_code == code and message in run.output and run.output.count("\n") == 1
    assert as_expected, f"exit code {run.exit_code}, expected {code} and {message!r}:\n{run.output}"


@then("figures and scenarios of the merge are those of a run of the whole")
def merge_is_whole(context: Context) -> None:
    merge, whole = context.world.of(CoverageState).measured, measured_run("features")
    assert merge.figures == whole.figures, f"{merge.figures}\nexpected: {whole.figures}\n{merge.output}"
    assert merge.scenarios == whole.scenarios, f"{merge.scenarios}\nexpected: {whole.scenarios}"


@then("each module is measured by exactly one of the parts")
def measured_once(context: Context) -> None:
    state = context.world.of(CoverageState)
    measured = sorted(it.module for part in state.parts if part.figures for it in part.figures.modules)
    expected = [it.module for it in figures_of_everything().modules]
    assert measured == expected, f"measured: {measured}\nexpected: {expected}"


@given("{number:d} modules of all sizes")
def modules_of_sizes(context: Context, number: int) -> None:
    chance = random.Random(number)
    context.world.of(CoverageState).sizes = {
        f"module_{index}.py": int(chance.paretovariate(0.8) * 10) % 400 for index in range(number)
    }


@when("they are split into {number:d} groups")
def split(context: Context, number: int) -> None:
    state = context.world.of(CoverageState)
    state.groups = balanced_groups(state.sizes, number)


@then("each module is in exactly one group")
def in_one_group(context: Context) -> None:
    state = context.world.of(CoverageState)
    grouped = sorted(name for group in state.groups for name in group)
    assert grouped == sorted(state.sizes), f"in groups: {grouped}\nexpected: {sorted(state.sizes)}"


@then("no group is larger than the mean by more than the largest module")
def groups_are_even(context: Context) -> None:
    state = context.world.of(CoverageState)
    totals = [sum(state.sizes[name] for name in group) for group in state.groups]
    mean, largest = sum(totals) / len(totals), max(state.sizes.values())
    assert max(totals) <= mean + largest, f"groups of {totals} statements, the largest module has {largest}"
