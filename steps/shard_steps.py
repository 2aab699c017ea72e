"""Steps about shards of the sample suite: how they come, how they may be spoilt, and how they are merged."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from behave import given, when
from behave.runner import Context

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
