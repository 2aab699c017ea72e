"""Steps about sweeps that cannot be carried out."""

from __future__ import annotations

from pathlib import Path

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.testing.missing import run_foundry_without
from foundry.testing.sweeps import (
    COMMAND,
    SWEEP_FILE,
    Sweeps,
    damage_study,
    expect_exit,
    run_here,
)


def sweeps_of(context: Context) -> Sweeps:
    found: Sweeps = context.world.of(Sweeps)
    return found


@given("the file of its study is damaged in the middle")
def study_damaged(_context: Context) -> None:
    damage_study()


@given("the file {name} with text that is no database")
def no_database(_context: Context, name: str) -> None:
    Path(name).write_text("This is no database, and never was one.\n" * 100, encoding="utf-8")


@when("the sweep is launched with each of these changes, one at a time")
def launched_with_changes(context: Context) -> None:
    sweeps = sweeps_of(context)
    sweeps.write_sweep()
    original = yaml.safe_load(SWEEP_FILE.read_text(encoding="utf-8"))
    for row in context.table:
        SWEEP_FILE.write_text(yaml.safe_dump({**original, **yaml.safe_load(row["change"])}), encoding="utf-8")
        sweeps.launch()
        sweeps.refusals.append((row["message"], sweeps.finished))
    sweeps.write_sweep()


@when("each of these commands is given")
def commands_given(context: Context) -> None:
    for row in context.table:
        _, *words = row["command"].split()
        sweeps_of(context).refusals.append((row["message"], run_here(words)))
        expect_exit(sweeps_of(context).refusals[-1][1], int(row["code"]))


@when("the sweep is launched where Optuna is not installed")
def launched_without_optuna(context: Context) -> None:
    sweeps_of(context).finished = run_foundry_without("optuna", COMMAND)


@then('the launch of the sweep fails with {code:d} and "{text}"')
def launch_of_sweep_fails(context: Context, code: int, text: str) -> None:
    finished = sweeps_of(context).finished
    expect_exit(finished, code)
    last = finished.stderr.rstrip("\n").split("\n")[-1]
    assert text in last, f"{text!r} is not in {last!r}"


@then("each is refused with {code:d} and its message as the only line")
def each_refused_with(context: Context, code: int) -> None:
    each_refused(context)
    codes = {finished.exit_code for _, finished in sweeps_of(context).refusals}
    assert codes == {code}, codes


@then("each is refused with its message as the only line")
def each_refused(context: Context) -> None:
    for message, finished in sweeps_of(context).refusals:
        assert finished.exit_code in (1, 2), finished
        assert finished.stderr == f"{message}\n", f"expected:\n{message}\nfound:\n{finished.stderr}"


@then("each ends with its code, and its message begins what it says")
def each_ends(context: Context) -> None:
    for message, finished in sweeps_of(context).refusals:
        assert finished.stderr.startswith(message), f"expected:\n{message}\nfound:\n{finished.stderr}"
        assert bool(message) == bool(finished.stderr), finished


@then("there is neither a run nor a study")
def neither_run_nor_study(_context: Context) -> None:
    found = [str(path) for path in (*Path().rglob("run.json"), *Path().rglob("*.db"))]
    assert not found, found


@then("no run was begun")
def no_run(_context: Context) -> None:
    found = [str(path) for path in Path().rglob("run.json")]
    assert not found, found
