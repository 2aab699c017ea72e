"""Steps about runs of the sample suite: what their record says, what they leave, and how they are ended."""

from __future__ import annotations

import atexit
import functools
import json
import re
import shlex
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

import foundry
from foundry.acceptance.history import HISTORY_NAME, read_history
from foundry.testing.sample_runs import SampleEnd, SampleRuns, SampleSuite

NODE_THAT_HANGS = '#!/bin/sh\n[ "$1" = --version ] && echo v22.0.0 && exit\ntouch "$DRAWING"\nexec sleep 600\n'


def suite_of(context: Context) -> SampleSuite:
    """The scenario's own copy of the sample suite."""
    suite: SampleSuite = context.world.of(SampleRuns).suite(context.world.workspace / "suite", context.origin)
    return suite


def last_run(context: Context) -> SampleEnd:
    """The run that the scenario looks at."""
    end: SampleEnd = context.world.of(SampleRuns).last
    return end


@functools.cache
def shared_run(project: Path, arguments: str) -> SampleEnd:
    """A run of the sample suite that several scenarios look at."""
    folder = Path(tempfile.mkdtemp(prefix="shared-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return SampleSuite(folder / "suite", project).run(shlex.split(arguments))


@given("a node on the path that hangs")
def node_that_hangs(context: Context) -> None:
    suite = suite_of(context)
    bin_folder = suite.folder / "bin"
    bin_folder.mkdir()
    for name in ("node", "npm"):
        (bin_folder / name).write_text(NODE_THAT_HANGS)
        (bin_folder / name).chmod(0o755)
    suite.environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "DRAWING": str(suite.folder / "drawing")}


@given("a history that is no history")
def unreadable_history(context: Context) -> None:
    path = suite_of(context).folder / "release" / HISTORY_NAME
    path.parent.mkdir()
    path.write_text('{"format": 1, "scenarios": "lost"}\n', encoding="utf-8")


@given("a terminal")
def on_terminal(context: Context) -> None:
    suite_of(context).on_terminal = True


@given("step definitions that cannot be loaded")
def broken_steps(context: Context) -> None:
    path = suite_of(context).folder / "steps" / "library_steps.py"
    path.write_text("raise OSError('the steps are worn')\n", encoding="utf-8")


@when('acceptance is run with "{arguments}"')
@given('an acceptance run with "{arguments}"')
def run_acceptance(context: Context, arguments: str) -> None:
    context.world.of(SampleRuns).end = suite_of(context).run(shlex.split(arguments))


@when('acceptance is run once with "{arguments}" for all to see')
def run_acceptance_once(context: Context, arguments: str) -> None:
    context.world.of(SampleRuns).end = shared_run(context.origin, arguments)


@when('acceptance is run with "{arguments}" and meets {signal_name} once "{sign}" is seen')
def interrupt_acceptance(context: Context, arguments: str, signal_name: str, sign: str) -> None:
    context.world.of(SampleRuns).end = suite_of(context).interrupt(shlex.split(arguments), {sign: signal_name})


@when('acceptance is run with "{arguments}" and meets SIGINT once "{sign}" is seen and again once "{other}" is')
def interrupt_acceptance_twice(context: Context, arguments: str, sign: str, other: str) -> None:
    signals = {sign: "SIGINT", other: "SIGINT"}
    context.world.of(SampleRuns).end = suite_of(context).interrupt(shlex.split(arguments), signals)


@then("it ends with {code:d}")
def ends_with(context: Context, code: int) -> None:
    end = last_run(context)
    assert end.exit_code == code, f"exit code {end.exit_code}, expected {code}; it printed:\n{end.output}"


@then("it ends with 2 and says only")
def refused_with(context: Context) -> None:
    end, line = last_run(context), context.text.replace("THIS-VERSION", foundry.__version__)
    assert (end.exit_code, end.output.rstrip("\n")) == (2, line), f"exit {end.exit_code}:\n{end.output}"


@then("it printed")
def printed(context: Context) -> None:
    lines = last_run(context).output.splitlines()
    missing = [line for line in context.text.splitlines() if line not in lines]
    assert not missing, f"missing: {missing}; it printed:\n" + "\n".join(lines)


@then("while it ran it showed")
def showed(context: Context) -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last_run(context).output)
    missing = [row["pattern"] for row in context.table if not re.search(row["pattern"], shown)]
    assert not missing, f"not shown: {missing}; it showed:\n{shown}"


@then('its record says that "{name}" took less than {seconds:d} seconds')
def took_less(context: Context, name: str, seconds: int) -> None:
    took = last_run(context).recorded[name].seconds
    assert took < seconds, f"it took {took} s"


@then("its record says")
def record_says(context: Context) -> None:
    end = last_run(context)
    found = {name: scenario.status for name, scenario in end.recorded.items()}
    expected = {row["scenario"]: row["status"] for row in context.table}
    assert found == expected, f"recorded: {found}\nexpected: {expected}"


@then('its record says why "{name}" was not kept')
def record_says_why(context: Context, name: str) -> None:
    failure = last_run(context).recorded[name].failure
    assert failure is not None, f"{name} was kept"
    for row in context.table:
        found = getattr(failure, row["about"])
        assert re.fullmatch(row["pattern"], found), f"{row['about']}: {found!r}, expected {row['pattern']!r}"


@then("its record says that it ended early: {why}")
def record_ended_early(context: Context, why: str) -> None:
    record = last_run(context).record
    assert record is not None and record.ended_early == why, f"record: {record and record.ended_early!r}"


@then('its record gives the reason "{reason}" for')
def record_gives_reason(context: Context, reason: str) -> None:
    recorded = last_run(context).recorded
    found = {name: it.reason for name, it in recorded.items() if it.reason}
    expected = {row["scenario"]: reason for row in context.table}
    assert found == expected, f"recorded: {found}\nexpected: {expected}"


@then('it complains outside the scenarios of "{text}"')
def complains_of(context: Context, text: str) -> None:
    record = last_run(context).record
    assert record is not None, f"there is no record:\n{last_run(context).output}"
    assert len(record.complaints) == 1 and text in record.complaints[0], f"complaints: {record.complaints}"


@then("each scenario of its record has one result of that status")
def one_result_each(context: Context) -> None:
    end = last_run(context)
    results = Counter((result["name"], result["status"]) for result in end.results)
    recorded = Counter((name, scenario.status) for name, scenario in end.recorded.items())
    assert results == recorded, f"results: {results}\nrecorded: {recorded}"


@then("what its scenarios have started is gone")
def nothing_left_running(context: Context) -> None:
    left = suite_of(context).guards_at_work
    assert left == [], f"still running: {left}"


@then('only "{name}" has left a workspace')
def only_workspace(context: Context, name: str) -> None:
    workspaces = [folder.rpartition("-")[0] for folder in last_run(context).workspaces]
    assert workspaces == [name], f"left: {workspaces}"


@then('the workspace of "{name}" is where the record says')
def workspace_is_there(context: Context, name: str) -> None:
    folder = last_run(context).recorded[name].workspace
    assert folder and Path(folder).is_dir(), f"no such folder: {folder!r}"


@then("there is no report of it")
def no_page(context: Context) -> None:
    assert last_run(context).page == "", "there is a page"


@then("the features, and the scenarios in each, ran in another order than in their files")
def other_order(context: Context) -> None:
    end = last_run(context)
    for feature in {scenario.feature for scenario in end.recorded.values()}:
        written = [name for name, scenario in end.recorded.items() if scenario.feature == feature]
        ran = [name for name in end.order if name in written]
        assert ran != written, f"in the order of their file: {ran}"
    features = [
        list(dict.fromkeys(end.recorded[name].feature for name in names)) for names in (end.recorded, end.order)
    ]
    assert features[0] != features[1], f"in the order of the files: {features[0]}"


@then("its record has the seed that it printed")
def seed_recorded(context: Context) -> None:
    end = last_run(context)
    shown = re.search(r"again with --seed (\d+)$", end.output, re.MULTILINE)
    assert shown, f"no seed was printed:\n{end.output}"
    assert end.record is not None and end.record.seed == int(shown[1]), f"record: {end.record and end.record.seed}"


@then('with "{arguments}" it keeps the same order')
def same_order(context: Context, arguments: str) -> None:
    order, again = last_run(context).order, suite_of(context).run(shlex.split(arguments))
    assert again.order == order, f"first: {order}\nthen: {again.order}"


@then("in another order, every scenario ends in the same way")
def same_statuses(context: Context) -> None:
    expected = {name: it.status for name, it in last_run(context).recorded.items()}
    orders = set()
    for row in context.table:
        end = suite_of(context).run(shlex.split(row["arguments"]))
        found = {name: it.status for name, it in end.recorded.items()}
        assert found == expected, f"{row['arguments']}: {found}\nexpected: {expected}"
        orders.add(tuple(end.order))
    assert len(orders) == len(context.table.rows), f"the same order twice: {orders}"


@then("its history tells of {count:d} runs of the same scenarios")
def same_scenarios(context: Context, count: int) -> None:
    runs = read_history(suite_of(context).folder / "release" / HISTORY_NAME).runs
    kinds = {tuple(sorted(scenario.key for scenario in run.scenarios)) for run in runs}
    assert len(runs) == count and len(kinds) == 1, f"{len(runs)} runs of {len(kinds)} sets of scenarios"


@then("its record tells of no shard")
def no_shard(context: Context) -> None:
    record = last_run(context).record
    assert record is not None and record.shard == "", f"shard: {record and record.shard!r}"


@then("its report shows {count:d} results")
def report_shows(context: Context, count: int) -> None:
    names = re.findall(r'd\("(data/test-results/[^"]+\.json)"', last_run(context).page)
    assert len(names) == count, f"{len(names)} results in the report"


@then("its history tells of {count:d} runs")
def history_tells(context: Context, count: int) -> None:
    lines = (suite_of(context).folder / "release" / HISTORY_NAME).read_text(encoding="utf-8").splitlines()
    assert len(lines) == count and all(json.loads(line) for line in lines), f"{len(lines)} runs"
