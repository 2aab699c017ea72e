"""Steps about shards of the sample suite: how they come, how they may be spoilt, and how they are merged."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.bundle import ENVIRONMENT_NAME
from foundry.acceptance.record import RECORD_NAME
from foundry.testing.sample_runs import SampleRuns, SampleSuite, shared_suite

SHARDS = ("shard-1", "shard-2")


def suite_of(context: Context) -> SampleSuite:
    """The scenario's own copy of the sample suite."""
    suite: SampleSuite = context.world.of(SampleRuns).suite(context.world.workspace / "suite", context.origin)
    return suite


@given('shards of a run of "{paths}"')
def shards(context: Context, paths: str) -> None:
    runs = tuple(f"{paths} --shard {number}/2 --out {out}" for number, out in enumerate(SHARDS, 1))
    folder = shared_suite(context.origin, runs)
    for name in SHARDS:
        shutil.copytree(folder / name, suite_of(context).folder / name)


@given('in shard 2 "{name}" is {value}')
def changed(context: Context, name: str, value: str) -> None:
    _change(context, {name: json.loads(value)})


@given("in shard 2 the scenarios of shard 1 are told again")
def told_again(context: Context) -> None:
    folder = suite_of(context).folder
    first = json.loads((folder / SHARDS[0] / RECORD_NAME).read_text(encoding="utf-8"))
    _change(context, {"scenarios": first["scenarios"]})
    results = folder / SHARDS[1] / "results"
    shutil.rmtree(results)
    shutil.copytree(folder / SHARDS[0] / "results", results)


@given("in shard 2 the results are lost")
def lost_results(context: Context) -> None:
    shutil.rmtree(suite_of(context).folder / SHARDS[1] / "results")


@given("in shard 2 the processor is an abacus")
def other_processor(context: Context) -> None:
    path = suite_of(context).folder / SHARDS[1] / ENVIRONMENT_NAME
    told = json.loads(path.read_text(encoding="utf-8"))
    told["environment"]["Processor"] = "an abacus"
    path.write_text(json.dumps(told), encoding="utf-8")


@then("its environment names this machine's processor and the abacus, and the checks of both shards")
def names_processors(context: Context) -> None:
    folder = suite_of(context).folder
    places = (*(folder / name for name in SHARDS), folder / "release")
    first, second, whole = (json.loads((place / ENVIRONMENT_NAME).read_text(encoding="utf-8")) for place in places)
    processor = f"{first['environment']['Processor']}; an abacus"
    assert whole["environment"]["Processor"] == processor, f"the whole ran on {whole['environment']['Processor']}"
    expected = [
        {"shard": f"{number}/2", **check} for number, part in enumerate((first, second), 1) for check in part["checks"]
    ]
    assert expected and whole["checks"] == expected, f"checks: {whole['checks']}\nexpected: {expected}"


@given("in shard 2 nothing is changed")
def unchanged(context: Context) -> None:
    assert (suite_of(context).folder / SHARDS[1] / RECORD_NAME).is_file(), "there is no shard 2"


def _change(context: Context, changes: dict[str, Any]) -> None:
    path: Path = suite_of(context).folder / SHARDS[1] / RECORD_NAME
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **changes}), encoding="utf-8")


@when("the shards are merged")
def merge_all(context: Context) -> None:
    merge(context, " ".join(SHARDS))


@when('the shards "{arguments}" are merged')
def merge(context: Context, arguments: str) -> None:
    context.world.of(SampleRuns).end = suite_of(context).run(["merge", *shlex.split(arguments)])
