"""Steps about a killed run whose checkpoints are damaged, and what a relaunch makes of it."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry import manifests
from foundry.testing.comparison import assert_identical_runs
from foundry.testing.confinement import Confined, run_confined
from foundry.testing.damage import FILES, damage
from foundry.testing.killed_runs import TOTAL_STEPS, KilledRun, copy_of_killed_run
from foundry.testing.snapshots import contents_below
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics

TIMES = {"again": 1, "twice": 2, "four times": 4}
COPY = Path("copy")


@dataclass
class DamagedState:
    """A killed run, and what came of launching it again.

    Attributes:
        damaged: what stood in each damaged checkpoint folder before the launch, by its step.
        overlooked: places of flipped bits that were not noticed.
    """

    run: KilledRun = field(default_factory=copy_of_killed_run)
    damaged: dict[int, dict[str, str]] = field(default_factory=dict)
    launch: Confined | None = None
    overlooked: list[str] = field(default_factory=list)
    found_whole: bool = False

    @property
    def launched(self) -> Confined:
        assert self.launch is not None, "the run was not launched again"
        return self.launch

    def suffer(self, step: int, what: str) -> None:
        damage(self.run.checkpoint(step), what)
        self.damaged[step] = contents_below(self.run.checkpoint(step))


def state(context: Context) -> DamagedState:
    found: DamagedState = context.world.of(DamagedState)
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
    assert run_confined(["train", "small.yaml"]).exit_code == 1, "the launch went on"


@when("the killed run is launched {times}")
def launched(context: Context, times: str) -> None:
    for _ in range(TIMES[times]):
        state(context).launch = run_confined(["train", "small.yaml"])


@when("a bit is flipped at each of {count:d} places all over checkpoint {step:d}, one at a time")
def bits_flipped(context: Context, count: int, step: int) -> None:
    folder = state(context).run.checkpoint(step)
    places = [(name, byte) for name in FILES for byte in range((folder / name).stat().st_size)]
    for name, byte in random.Random(count).sample(places, count):
        flipped = Path("flipped") / folder.name
        shutil.copytree(folder, flipped)
        content = bytearray((flipped / name).read_bytes())
        content[byte] ^= 1 << byte % 8
        (flipped / name).write_bytes(content)
        if is_found_whole(context, flipped):
            state(context).overlooked.append(f"byte {byte} of {name}")
        shutil.rmtree(flipped.parent)
    state(context).found_whole = is_found_whole(context, folder)


def is_found_whole(context: Context, folder: Path) -> bool:
    """Whether a relaunch would use the checkpoint in `folder`; without the training that would follow."""
    fingerprint = RunRecord.read(state(context).run.folder).fingerprint
    try:
        return manifests.verify(folder, FILES[:3]).fingerprint == fingerprint
    except ValueError:
        return False


@then("checkpoint {step:d} is found damaged each time, and whole without them")
def found_damaged(context: Context, step: int) -> None:
    assert state(context).overlooked == [], state(context).overlooked
    assert state(context).found_whole, "it is found damaged without a flipped bit, too"


@then('it is told that checkpoint {step:d} was set aside because "{reason}"')
def told_set_aside(context: Context, step: int, reason: str) -> None:
    told = [line for line in state(context).launched.stderr.splitlines() if f"step-{step:08d} is damaged" in line]
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
    found = aside(state(context).run)
    assert found == state(context).damaged, f"set aside: {found}\ndamaged: {state(context).damaged}"


def aside(run: KilledRun) -> dict[int, dict[str, str]]:
    """What was set aside, by the step in its name."""
    folders = (run.folder / "checkpoints").glob("damaged-*")
    return {int(re.findall(r"step-(\d+)", path.name)[0]): contents_below(path) for path in folders}


@then("no checkpoint was set aside")
def none_set_aside(context: Context) -> None:
    assert aside(state(context).run) == {}, aside(state(context).run)


@then("the run has become identical to the uninterrupted one")
def became_identical(context: Context) -> None:
    assert_identical_runs(state(context).run.folder, state(context).run.reference)


@then('the last launch has stopped with "{message}"')
def stopped_with(context: Context, message: str) -> None:
    launch = state(context).launched
    last = launch.stderr.splitlines()[-1]
    assert launch.exit_code == 1 and message in last, launch
    assert "Traceback" not in launch.stderr, launch.stderr


@then("no step was made")
def no_step(context: Context) -> None:
    run = state(context).run
    assert not [step for step in run.steps if step > 10], run.steps
    steps = [row["step"] for row in read_metrics(run.folder / "metrics.jsonl")]
    assert steps == list(range(1, 12)), steps
