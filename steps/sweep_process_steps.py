"""Steps about several processes and hosts at work on one sweep."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.testing.commands import CommandState
from foundry.testing.runs import checkpointed
from foundry.testing.sweeps import (
    Sweeps,
    begun_at,
    by_number,
    end_with_workers,
    expect_exit,
    launch_and_lose_trial,
    put_on_another_host,
    reported_trials,
    run_folder,
    signs_of_life,
    steps_logged,
    sweeps_at_once,
)
from foundry.training.lifecycle import RunRecord


def sweeps_of(context: Context) -> Sweeps:
    found: Sweeps = context.world.of(Sweeps)
    return found


@given("a sweep of {count:d} trials in the folders of two hosts, with one storage for both")
def sweep_of_two_hosts(context: Context, count: int) -> None:
    sweeps = sweeps_of(context)
    sweeps.keys.update(trials=count, storage=f"sqlite:///{Path('shared.db').resolve()}")
    sweeps.hosts = (Path("first"), Path("second"))
    for folder in sweeps.hosts:
        sweeps.write(folder)


@given("the process of trial {number:d} had been on the host {host}")
def process_on_host(_context: Context, number: int, host: str) -> None:
    put_on_another_host(number, host)


@when("the sweep is launched on both at once")
def launched_on_both(context: Context) -> None:
    sweeps_of(context).launches = sweeps_at_once(sweeps_of(context).hosts)


@when("the sweep is launched twice at once")
def launched_twice(context: Context) -> None:
    sweeps_of(context).launches = sweeps_at_once([Path(), Path()])


@when("the sweep is launched again, while that process gives a sign of life every {interval:g} seconds")
def launched_beside_another(context: Context, interval: float) -> None:
    with signs_of_life(1, interval):
        sweeps_of(context).launch()
        sweeps_of(context).trials_before = sweeps_of(context).trials


@when("the sweep is launched with {count:d} workers, and is sent {signal_name} when both train")
def workers_signalled(context: Context, count: int, signal_name: str) -> None:
    sweeps_of(context).finished, sweeps_of(context).left_running = end_with_workers(count, signal.Signals[signal_name])


@when("the sweep is launched, and its trial is taken over by the host {host} after its first evaluation")
def launched_and_lost(context: Context, host: str) -> None:
    sweeps_of(context).finished = launch_and_lose_trial(host)


@then("its run was saved and left when that was noticed, and gone on with when {host} had been silent")
def saved_and_left(context: Context, host: str) -> None:
    folder = run_folder(sweeps_of(context).trial(0))
    left = [moment for moment in RunRecord.read(folder).history if "taken over the trial" in moment.reason]
    assert len(left) == 1 and left[0].step < 1000, RunRecord.read(folder).history
    assert begun_at(folder) == ["step 1 of 1000 is next", f"step {left[0].step + 1} of 1000 is next"], begun_at(folder)
    assert sweeps_of(context).trial(0)["state"] == "complete", f"after {host}: {sweeps_of(context).trials}"


@then("both commands exit with success")
def both_exit(context: Context) -> None:
    for number, finished in enumerate(sweeps_of(context).launches):
        context.world.attach(f"Output {number}", finished.stdout)
        expect_exit(finished, 0)


@then("each of the {count:d} trials was trained by one host, and by one alone")
def trained_by_one_host(context: Context, count: int) -> None:
    first, second = sweeps_of(context).hosts
    trials = reported_trials(first)
    assert trials == reported_trials(second), "the hosts report different trials"
    assert [trial["number"] for trial in by_number(trials)] == list(range(count)), trials
    assert {trial["state"] for trial in trials} == {"complete"}, trials
    found = {
        trial["number"]: [host.name for host in (first, second) if (host / run_folder(trial)).exists()]
        for trial in trials
    }
    assert all(len(hosts) == 1 for hosts in found.values()), f"trained by: {found}"
    assert len({hosts[0] for hosts in found.values()}) == 2, f"one host did all: {found}"


@then("there are {count:d} trials, all at their end, each of whose runs was begun once")
def all_begun_once(context: Context, count: int) -> None:
    trials = sweeps_of(context).trials
    assert len(trials) == count and {trial["state"] for trial in trials} <= {"complete", "pruned"}, trials
    found = {trial["number"]: begun_at(run_folder(trial)) for trial in trials}
    assert all(launches == ["step 1 of 12 is next"] for launches in found.values()), found


@then("every line of progress names its trial, and two trials were under way at once")
def progress_names_trials(context: Context) -> None:
    printed = context.world.of(CommandState).finished.stdout
    progress = [line for line in printed.partition("\n\n")[0].splitlines()[1:] if line]
    named = [match[1] for line in progress if (match := re.match(r"trial (\d+): ", line))]
    assert progress and len(named) == len(progress), f"lines without a trial:\n{printed}"
    spans = {name: (named.index(name), len(named) - named[::-1].index(name)) for name in named}
    pairs = [(one, other) for one in spans for other in spans if spans[one][0] < spans[other][0] < spans[one][1]]
    assert pairs, f"one after another:\n{printed}"


@then("the sweep exits with {code:d}, and no process of it is left")
def exits_and_none_left(context: Context, code: int) -> None:
    expect_exit(sweeps_of(context).finished, code)
    assert not sweeps_of(context).left_running, f"left running: {sweeps_of(context).left_running}"


@then("two trials are interrupted after the steps that they had made, which are saved")
def two_interrupted(context: Context) -> None:
    trials = [trial for trial in sweeps_of(context).trials if trial["state"] == "interrupted"]
    assert len(trials) == 2, sweeps_of(context).trials
    for trial in trials:
        record = RunRecord.read(run_folder(trial))
        logged, saved = steps_logged(run_folder(trial)), checkpointed(run_folder(trial))[-1]
        assert record.state == "interrupted" and record.steps_done == saved == logged, (record, saved, logged)


@then("trial {number:d} is running, by a process on {host}")
def trial_is_running_on(context: Context, number: int, host: str) -> None:
    trial = by_number(sweeps_of(context).trials_before)[number]
    assert trial["state"] == "running", trial
    assert f"on {host}" in sweeps_of(context).finished.stdout, sweeps_of(context).finished.stdout
