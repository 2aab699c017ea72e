"""Steps about sweeps that are ended from outside, and what the same command makes of what is left."""

from __future__ import annotations

import signal
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.config_file import load_experiment
from foundry.testing.kill_points import KillPoint
from foundry.testing.processes import Finished
from foundry.testing.repositories import SampleRepository
from foundry.testing.runs import checkpointed, contents_of
from foundry.testing.sweeps import (
    FOLDER,
    Sweeps,
    begun_at,
    by_number,
    expect_exit,
    run_folder,
    run_here,
    runs_on_disk,
    signalled,
    steps_logged,
    trials_of_finished_sweep,
)
from foundry.training.lifecycle import RunRecord


def sweeps_of(context: Context) -> Sweeps:
    found: Sweeps = context.world.of(Sweeps)
    return found


@given('the sweep was killed at "{operation} {name}", time {occurrence:d}')
def sweep_killed(context: Context, operation: str, name: str, occurrence: int) -> None:
    trials = by_number(trials_of_finished_sweep()) if "{" in name else []
    for word, number in (("{second run}", 1), ("{third run}", 2)):
        if word in name:
            folder = str(trials[number]["run_folder"])
            name = name.replace(word, folder if name.startswith(word) else Path(folder).name)
    launch = signalled(KillPoint(operation, name, occurrence), signal.SIGKILL)
    assert launch.was_killed, f"it ended with {launch.exit_code} before that: {launch.problem}"
    sweeps = sweeps_of(context)
    finished = [path for path in runs_on_disk() if RunRecord.read(path).state == "cleaned"]
    sweeps.before = contents_of(*finished)


@given("its study was removed")
def study_removed(_context: Context) -> None:
    for path in FOLDER.glob("study.db*"):
        path.unlink()


@given("a file stands where its models are to be published")
def file_in_the_way(_context: Context) -> None:
    Path("artifacts").write_text("in the way", encoding="utf-8")


@given("the run of a trial cannot be made, because a file stands where its lock should be")
def file_in_the_way_of_locks(_context: Context) -> None:
    FOLDER.mkdir(parents=True)
    (FOLDER / ".locks").write_text("in the way", encoding="utf-8")


@given("the file in the way is gone")
def file_gone(_context: Context) -> None:
    (FOLDER / ".locks").unlink()


@then("for each run a warning says that `foundry publish` publishes its model, and that does once the file is gone")
def published_later(context: Context) -> None:
    warnings = sweeps_of(context).finished.stderr
    Path("artifacts").unlink()
    for folder in runs_on_disk():
        command = f"foundry publish {folder}"
        assert f"`{command}` publishes" in warnings, warnings
        expect_exit(run_here(command.split()[1:]), 0)
        assert RunRecord.read(folder).state == "cleaned", RunRecord.read(folder)


@given('the sweep has failed with "{text}"')
def sweep_has_failed(context: Context, text: str) -> None:
    sweeps_of(context).launch()
    finished = sweeps_of(context).finished
    assert finished.exit_code and text in finished.stderr, finished


@given("something was committed to the repository")
def something_committed(context: Context) -> None:
    repository = SampleRepository(Path("code"))
    sweeps_of(context).commit = repository.git("rev-parse", "HEAD").strip()
    repository.commit("Another", {"another.py": "def another(): ...\n"})


@given("the corpus of the sweep has changed")
def corpus_changed(_context: Context) -> None:
    next(Path("corpus").glob("*.py")).write_text("def another(): ...\n", encoding="utf-8")


@when('the sweep is launched, and is sent {signal_name} at "{operation} {name}", time {occurrence:d}')
def launched_and_signalled(context: Context, signal_name: str, operation: str, name: str, occurrence: int) -> None:
    launch = signalled(KillPoint(operation, name, occurrence), signal.Signals[signal_name])
    sweeps_of(context).finished = Finished(launch.exit_code, "", Path("stderr.txt").read_text(encoding="utf-8"))


@then("the trials are those of a sweep that was not killed")
def trials_as_not_killed(context: Context) -> None:
    found, expected = sweeps_of(context).trials, trials_of_finished_sweep()
    assert found == expected, f"found:\n{found}\nexpected:\n{expected}"


@then("launched again, it ends with the trials of a sweep that was not killed")
def launched_again_ends_the_same(context: Context) -> None:
    sweeps_of(context).launch()
    expect_exit(sweeps_of(context).finished, 0)
    trials_as_not_killed(context)


@then("trial {number:d} was begun at {launches}")
def trial_begun_at(context: Context, number: int, launches: str) -> None:
    found = begun_at(run_folder(sweeps_of(context).trial(number)))
    assert found == launches.split(", "), found


@then("what was finished before was not touched")
def finished_not_touched(context: Context) -> None:
    before, after = sweeps_of(context).before, contents_of(*runs_on_disk())
    changed = [name for name in before if after.get(name) != before[name]]
    assert not changed, f"changed: {changed}"


@then("the sweep has ended with {code:d}, and said how to go on")
def ended_and_said(context: Context, code: int) -> None:
    expect_exit(sweeps_of(context).finished, code)
    lines = sweeps_of(context).finished.stderr.splitlines()
    assert len(lines) == 1 and "which is saved; launch again to go on at" in lines[0], lines


@then("trial {number:d} is interrupted after the steps that it had made, which are saved")
def trial_interrupted(context: Context, number: int) -> None:
    trial = sweeps_of(context).trial(number)
    record = RunRecord.read(run_folder(trial))
    assert (trial["state"], record.state) == ("interrupted", "interrupted"), (trial, record)
    assert record.steps_done == checkpointed(run_folder(trial))[-1] == steps_logged(run_folder(trial)), record


@then("the runs and the trials are as they were")
def runs_and_trials_as_before(context: Context) -> None:
    finished_not_touched(context)
    assert sweeps_of(context).trials == sweeps_of(context).trials_before


@then("the runs are as they were")
def runs_as_before(context: Context) -> None:
    before, after = sweeps_of(context).before, contents_of(*runs_on_disk())
    assert before == after, f"changed: {before.items() ^ after.items()}"


@then("there are {count:d} trials, and the first {same:d} are as they were")
def more_trials(context: Context, count: int, same: int) -> None:
    trials = by_number(sweeps_of(context).trials)
    assert len(trials) == count and all(trial["state"] in ("complete", "pruned") for trial in trials), trials
    assert trials[:same] == by_number(sweeps_of(context).trials_before), trials
    finished_not_touched(context)


@then("the complete trials are as they were, and their runs were not touched")
def complete_trials_as_before(context: Context) -> None:
    found, before = (
        [trial for trial in trials if trial["state"] == "complete"]
        for trials in (sweeps_of(context).trials, sweeps_of(context).trials_before)
    )
    assert found[: len(before)] == before, f"found:\n{found}\nbefore:\n{before}"
    folders = tuple(str(run_folder(trial)) for trial in before)
    after = contents_of(*runs_on_disk())
    kept = {name: value for name, value in sweeps_of(context).before.items() if name.startswith(folders)}
    changed = [name for name, value in kept.items() if after.get(name) != value]
    assert kept and not changed, f"changed: {changed}"


@then("both runs were trained on the commit that was the newest at first")
def trained_on_first_commit(context: Context) -> None:
    configurations = [load_experiment(folder / "config.yaml") for folder in runs_on_disk()]
    found = [config.data.git.revision for config in configurations if config.data.git is not None]
    assert found == [sweeps_of(context).commit] * 2, found
