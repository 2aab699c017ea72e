"""Steps about random mutants: which there are, which scenarios are run against them, and what becomes of them."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.faults.covering import Covering, TimedScenario
from foundry.acceptance.faults.mutants import CORE, Mutant, equivalent_of, in_random_order, mutants_of, read_equivalent
from foundry.acceptance.faults.operators import mutations
from foundry.testing.sample_product import write_sample_product


@dataclass(frozen=True)
class TriedMutants:
    """What trying the mutants of the sample product has printed and written."""

    output: str
    figures: tuple[dict[str, Any], ...]


@dataclass
class MutantState:
    """A source and its mutants, samples, scenarios to choose from, or a trial."""

    source: str = ""
    mutants: list[str] = field(default_factory=list)
    samples: list[list[Mutant]] = field(default_factory=list)
    covering: Covering = field(default_factory=lambda: Covering(()))
    chosen: list[str] = field(default_factory=list)
    tried: TriedMutants = field(default_factory=lambda: TriedMutants("", ()))
    times_found: dict[str, int] = field(default_factory=dict)


@functools.cache
def tried_mutants() -> TriedMutants:
    """Try every mutant of the sample product once, however many scenarios look at it."""
    with tempfile.TemporaryDirectory(prefix="sample-product-") as folder:
        command = [sys.executable, "-m", "foundry.acceptance.faults", "--mutants", "100", "--out", "../figures.json"]
        project = Path(folder, "product")
        project.mkdir()
        write_sample_product(project)
        answer = subprocess.run([*command, "library"], cwd=project, capture_output=True, text=True, timeout=120)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        figures = json.loads(Path(folder, "figures.json").read_text(encoding="utf-8"))
        return TriedMutants(answer.stdout, tuple(figures["mutants"]["mutants"]))


@functools.cache
def core_mutants(project: Path) -> list[Mutant]:
    """Every mutant of the core."""
    return mutants_of(project, CORE)


@given("the source")
def source_given(context: Context) -> None:
    context.world.of(MutantState).source = context.text.replace("\\n", "\n")


@when("it is mutated")
def mutate(context: Context) -> None:
    state = context.world.of(MutantState)
    state.mutants = [mutation.applied(state.source) for mutation in mutations(state.source)]


@then("its mutants are")
def mutants_are(context: Context) -> None:
    mutants, expected = context.world.of(MutantState).mutants, context.text.split("\\n")
    assert mutants == [text for text in expected if text], f"its mutants: {mutants}\nexpected: {expected}"


@when("the mutants of the sample product are tried")
def try_mutants(context: Context) -> None:
    context.world.of(MutantState).tried = tried_mutants()


@then("the trial tells of the survivors")
def tells_survivors(context: Context) -> None:
    output = context.world.of(MutantState).tried.output
    told = [line for line in output.splitlines() if line.startswith("survived: ")]
    expected = [f"survived: library/lending.py:{row['line']}  {row['source']}" for row in context.table]
    missing = [row["mutation"] for row in context.table if f"    {row['mutation']}; " not in output]
    assert told == expected and not missing, f"told: {told}\nexpected: {expected}\nmissing: {missing}\n{output}"


@then('the trial says "{text}"')
def trial_says(context: Context, text: str) -> None:
    output = context.world.of(MutantState).tried.output
    assert any(line.startswith(text) for line in output.splitlines()), f"no line {text!r}; it said:\n{output}"


@then('line {line:d} with "{mutation}" is {verdict}: "{message}"')
def mutant_is(context: Context, line: int, mutation: str, verdict: str, message: str) -> None:
    figures = context.world.of(MutantState).tried.figures
    shown = [(it["verdict"], it["message"]) for it in figures if (it["line"], it["mutation"]) == (line, mutation)]
    is_shown = len(shown) == 1 and shown[0][0] == verdict and shown[0][1].startswith(message)
    assert is_shown, f"{shown} of {[(it['line'], it['mutation']) for it in figures]}"


@when("the list of its equivalent mutants is read")
def read_list(context: Context) -> None:
    known = read_equivalent(equivalent_of(context.origin))
    mutants = core_mutants(context.origin)
    found = {f"{it.module}: {it.source}: {it.mutation}": sum(map(it.is_meant, mutants)) for it in known}
    context.world.of(MutantState).times_found = found


@then("each of them is exactly one mutant of today's source")
def each_is_there(context: Context) -> None:
    found = context.world.of(MutantState).times_found
    assert found, "the list is empty"
    assert set(found.values()) == {1}, f"not once: {[name for name, count in found.items() if count != 1]}"


@when("a sample of the mutants of Foundry's core is drawn with the seed {seed:d}, twice")
def draw_twice(context: Context, seed: int) -> None:
    mutants = core_mutants(context.origin)
    context.world.of(MutantState).samples = [in_random_order(mutants, seed), in_random_order(mutants, seed)]


@when("samples of the mutants of Foundry's core are drawn with the seeds {first:d} and {second:d}")
def draw_two(context: Context, first: int, second: int) -> None:
    mutants = core_mutants(context.origin)
    context.world.of(MutantState).samples = [in_random_order(mutants, first), in_random_order(mutants, second)]


@then("both are the same")
def samples_equal(context: Context) -> None:
    first, second = context.world.of(MutantState).samples
    assert len(first) > 1000 and first == second, f"{len(first)} mutants: {first[0]}, {second[0]}"


@then("they differ")
def samples_differ(context: Context) -> None:
    first, second = context.world.of(MutantState).samples
    assert first[:20] != second[:20], f"both begin with {first[:20]}"


@then("its beginning has one mutant of each module")
def one_of_each(context: Context) -> None:
    sample = context.world.of(MutantState).samples[0]
    modules = {mutant.module for mutant in sample}
    begun = [mutant.module for mutant in sample[: len(modules)]]
    assert sorted(begun) == sorted(modules), f"not there: {modules - set(begun)}"


@given("kept scenarios, and the lines that they run")
@given("kept scenarios")
def kept_scenarios(context: Context) -> None:
    lines: dict[str, dict[int, frozenset[str]]] = defaultdict(dict)
    scenarios = []
    for row in context.table:
        scenarios.append(TimedScenario(row["scenario"], row["scenario"], float(row["seconds"])))
        module, _, line = row.get("runs", "").partition(":")
        if line:
            lines[module][int(line)] = lines[module].get(int(line), frozenset()) | {row["scenario"]}
    context.world.of(MutantState).covering = Covering(tuple(scenarios), lines)


@when('the scenarios are chosen for line {line:d} of "{module}"')
def choose_scenarios(context: Context, line: int, module: str) -> None:
    state = context.world.of(MutantState)
    state.chosen = [scenario.place for scenario in state.covering.for_line(module, line)]


@then('they are "{places}"')
@then('they are ""')
def chosen_are(context: Context, places: str = "") -> None:
    chosen = context.world.of(MutantState).chosen
    assert chosen == places.split(), f"chosen: {chosen}\nexpected: {places.split()}"
