"""Steps about a killed run whose checkpoints are damaged, and what a relaunch makes of it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.testing.comparison import assert_identical_runs
from foundry.testing.damage import FILES
from foundry.testing.damaged_run import DamagedRun
from foundry.testing.killed_runs import TOTAL_STEPS
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics

TIMES = {"again": 1, "twice": 2, "four times": 4}
COPY = Path("copy")


def state(context: Context) -> DamagedRun:
    found: DamagedRun = context.world.of(DamagedRun)
    return found


@given("a run that was killed after the checkpoints 5, 8, 9 and 10")
def killed_run(context: Context) -> None:
    assert state(context).run.steps == [5, 8, 9, 10], state(context).run.steps


@given("checkpoint {step:d} has suffered {what}")
def has_suffered(context: Context, step: int, what: str) -> None:
    state(context).suffer(step, what)


@given("every one of its checkpoints has suffered {what}")
def all_have_suffered(context: Context, what: str) -> None:
    for step in state(context).run.steps:
        state(context).suffer(step, what)


@given("the folders of the checkpoints {one:d} and {other:d} were swapped")
def swapped(context: Context, one: int, other: int) -> None:
    run = state(context).run
    between = run.checkpoint(one).rename("between")
    run.checkpoint(other).rename(run.checkpoint(one))
    between.rename(run.checkpoint(other))


@given("the folder checkpoints of the killed run is gone")
def folder_gone(context: Context) -> None:
    shutil.rmtree(state(context).run.folder / "checkpoints")


@given("the content of checkpoints of the killed run is gone")
def content_gone(context: Context) -> None:
    folder_gone(context)
    (state(context).run.folder / "checkpoints").mkdir()


@given("a copy of checkpoint {step:d} was kept elsewhere")
def copy_kept(context: Context, step: int) -> None:
    shutil.copytree(state(context).run.checkpoint(step), COPY)


@given("the copy of checkpoint {step:d} was put back")
def copy_put_back(context: Context, step: int) -> None:
    shutil.copytree(COPY, state(context).run.checkpoint(step))


@given("the killed run was launched in vain")
def launched_in_vain(context: Context) -> None:
    state(context).launch_again()
    assert state(context).launched.exit_code == 1, state(context).launched


@when("the killed run is launched {times}")
def launched(context: Context, times: str) -> None:
    for _ in range(TIMES[times]):
        state(context).launch_again()


@given("{count:d} newer checkpoints, each with a bit flipped at another place")
def bits_flipped(context: Context, count: int) -> None:
    draw = random.Random(count)
    for number, folder in enumerate(state(context).run.make_newer_checkpoints(count)):
        path = folder / FILES[number % len(FILES)]
        content = bytearray(path.read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        state(context).note_damage(11 + number)


@then("all of these checkpoints are set aside")
def all_set_aside(context: Context) -> None:
    overlooked = [step for step in state(context).damaged if len(state(context).told_of(step)) != 1]
    assert not overlooked, f"{overlooked}: {state(context).launched}"


@then('it is told that checkpoint {step:d} was set aside because "{reason}"')
def told_set_aside(context: Context, step: int, reason: str) -> None:
    told = state(context).told_of(step)
    assert len(told) == 1 and reason in told[0], f"told: {state(context).launched}"


@then("the launch goes on at step {step:d} and completes the run")
def goes_on_at(context: Context, step: int) -> None:
    launch = state(context).launched
    assert launch.exit_code == 0, launch
    record = RunRecord.read(state(context).run.folder)
    begun = [moment.reason for moment in record.history if moment.state == "training"][-1]
    assert begun == f"step {step} of {TOTAL_STEPS} is next", begun
    assert (record.state, record.steps_done) == ("cleaned", TOTAL_STEPS), record


@then("what was set aside is what was damaged, byte for byte")
def set_aside_unchanged(context: Context) -> None:
    found, damaged = state(context).set_aside(), state(context).damaged
    assert found == damaged, f"set aside: {found}\ndamaged: {damaged}"


@then("no checkpoint was set aside")
def none_set_aside(context: Context) -> None:
    assert state(context).set_aside() == {}, state(context).set_aside()


@then("the run has become identical to the uninterrupted one")
def became_identical(context: Context) -> None:
    assert_identical_runs(state(context).run.folder, state(context).run.reference)


@then('the last launch has stopped with "{message}"')
def stopped_with(context: Context, message: str) -> None:
    launch = state(context).launched
    assert launch.exit_code == 1, launch
    assert message in launch.stderr.splitlines()[-1], launch
    assert "Traceback" not in launch.stderr, launch.stderr


@then("no step was made")
def no_step(context: Context) -> None:
    run = state(context).run
    assert not [step for step in run.steps if step > 10], run.steps
    steps = [row["step"] for row in read_metrics(run.folder / "metrics.jsonl")]
    assert steps == list(range(1, 12)), steps
