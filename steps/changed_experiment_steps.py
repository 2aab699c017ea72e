"""Steps about relaunches of a changed experiment, and about runs that are extended."""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context
from filelock import FileLock

from foundry.config_file import load_experiment
from foundry.errors import FoundryError
from foundry.settings import settings_of
from foundry.testing.comparison import (
    assert_same_tensors,
    first_json_difference,
    half_written,
    metrics_without_time,
)
from foundry.testing.extensions import extend, instants_of_making
from foundry.testing.faults import flip_byte, launch_and_signal
from foundry.testing.kill_points import run_and_kill, run_to_end
from foundry.testing.runs import Runs, best_step, contents_of
from foundry.trainer import Trainer
from foundry.training.events import Message
from foundry.training.run_lock import RunLock


@dataclass
class ShorterRun:
    """The run that is extended, and what stood in its folder and in its publication.

    Attributes:
        repeated: the folders of the extensions that were killed and repeated.
    """

    folder: Path = Path()
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    extension: Path = Path()
    repeated: list[Path] = field(default_factory=list)

    @property
    def contents(self) -> dict[str, tuple[str, int]]:
        return contents_of(self.folder, Path("artifacts") / self.folder.name)


def runs_of(context: Context) -> Runs:
    found: Runs = context.world.of(Runs)
    return found


def shorter_of(context: Context) -> ShorterRun:
    found: ShorterRun = context.world.of(ShorterRun)
    return found


def train_shorter(context: Context, *, extending: bool = False, **length: Any) -> None:
    shorter = shorter_of(context)
    report = Trainer(runs_of(context).config(**length), extend=extending).train()
    shorter.folder = runs_of(context).folder = report.run_folder
    shorter.before = shorter.contents
    assert shorter.before, "the shorter run left nothing"


@given("its first {steps:d} steps were trained as a run of their own")
def first_steps_trained(context: Context, steps: int) -> None:
    train_shorter(context, **{"training.train_steps": steps})


@given("its first epoch was trained as a run of its own")
def first_epoch_trained(context: Context) -> None:
    train_shorter(context, **{"training.epochs": 1})


@given("its first {steps:d} steps were trained by extending that")
def first_steps_by_extending(context: Context, steps: int) -> None:
    train_shorter(context, extending=True, **{"training.train_steps": steps})


@given("it has been extended")
def has_been_extended(context: Context) -> None:
    is_extended(context)
    shorter_of(context).extension = runs_of(context).finished.run_folder


@when("it is extended")
@when("it is extended again")
def is_extended(context: Context) -> None:
    runs = runs_of(context)
    runs.before = contents_of(Path("runs"), Path("artifacts"))
    runs.report, runs.error = None, None
    try:
        trainer = Trainer(runs.config(), extend=True, on_event=runs.events.append)
        runs.folder = trainer.run_folder
        runs.report = trainer.train()
    except FoundryError as error:
        runs.error = error


@given("its extension was killed at {moment}")
def extension_killed(context: Context, moment: str) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config(), extend=True).run_folder
    exit_code = launch_and_signal(runs.config(), moment, 9, extend=True)
    assert exit_code == -9, f"the extension was not killed: {exit_code}"


@when("its extension is killed at {count:d} instants between its first file and its first step, and repeated each time")
def extension_killed_repeatedly(context: Context, count: int) -> None:
    task = functools.partial(extend, runs_of(context).config())
    shutil.copytree("runs", "rehearsal/runs")
    shutil.copytree("corpus", "rehearsal/corpus")
    instants = instants_of_making(task, Path("rehearsal"), count)
    for number, instant in enumerate(instants):
        folder = Path(f"repeated-{number}")
        shutil.copytree("runs", folder / "runs")
        shutil.copytree("corpus", folder / "corpus")
        launch = run_and_kill(task, instant, folder)
        assert launch.was_killed, f"not killed at {instant}: {launch}"
        run_to_end(task, folder)
        shorter_of(context).repeated.append(folder)
    assert len(instants) == count, instants


@when("it is launched beside it")
def launched_beside(context: Context) -> None:
    shorter, runs = shorter_of(context), runs_of(context)
    shorter.folder = runs.folder
    shorter.before = shorter.contents
    runs.launch()


@given("a byte of its last checkpoint's optimizer state has flipped")
def optimizer_state_flipped(context: Context) -> None:
    last = sorted((shorter_of(context).folder / "checkpoints").iterdir())[-1]
    flip_byte(last / "optimizer.safetensors", -1)
    shorter_of(context).before = shorter_of(context).contents


@given("another process holds that run")
def another_holds(context: Context) -> None:
    lock = FileLock(RunLock(shorter_of(context).folder).path)
    lock.acquire(timeout=0)
    context.add_cleanup(lock.release)


@then("the shorter run and its publication are as they were")
@then("the killed run is as it was")
def shorter_unchanged(context: Context) -> None:
    shorter = shorter_of(context)
    assert runs_of(context).finished.run_folder != shorter.folder, "it was trained in that folder itself"
    expect_unchanged(shorter)


def expect_unchanged(shorter: ShorterRun) -> None:
    before, after = shorter.before, shorter.contents
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert not changed, changed


@then("there is nothing but the shorter run, as it was")
def nothing_but_shorter(context: Context) -> None:
    shorter = shorter_of(context)
    expect_unchanged(shorter)
    found = [path for path in sorted(Path("runs").iterdir()) if path.name not in (".data", ".locks")]
    assert found == [shorter.folder], found


@then("its metrics are those of the reference")
def metrics_of_reference(context: Context) -> None:
    runs = runs_of(context)
    found, expected = metrics_without_time(runs.folder), metrics_without_time(runs.uninterrupted.run_folder)
    assert found == expected, first_json_difference(found, expected)


@then("the learning rates after step {step:d} are those of the reference")
def rates_after(context: Context, step: int) -> None:
    runs = runs_of(context)
    found, expected = (
        {row["step"]: row["learning_rate"] for row in metrics_without_time(folder) if row["step"] > step}
        for folder in (runs.finished.run_folder, runs.uninterrupted.run_folder)
    )
    assert found == expected and found, f"{found} instead of {expected}"


@then("the best step is not after step {step:d}")
def best_not_after(context: Context, step: int) -> None:
    best = best_step(runs_of(context))
    assert best <= step and runs_of(context).finished.record.steps_done > step, best


@then("each time its weights, optimizer state and metrics are those of the reference, and nothing is half-written")
def each_time_identical(context: Context) -> None:
    reference = runs_of(context).uninterrupted.run_folder
    folder = Trainer(runs_of(context).config(), extend=True).run_folder
    assert shorter_of(context).repeated, "nothing was repeated"
    for workspace in shorter_of(context).repeated:
        found = workspace / folder
        for name in ("model.safetensors", "optimizer.safetensors"):
            place = f"checkpoints/step-00000012/{name}"
            assert_same_tensors(found / place, reference / place)
        difference = first_json_difference(metrics_without_time(found), metrics_without_time(reference))
        assert difference is None, f"{workspace}: {difference}"
        left = half_written(workspace / "runs", workspace / "artifacts")
        assert not left, left


@then("the user is told that the shorter run holds {steps:d} steps that --extend goes on from")
def told_of_shorter(context: Context, steps: int) -> None:
    told = [event.text for event in runs_of(context).events if isinstance(event, Message)]
    expected = f"{shorter_of(context).folder} holds the first {steps} steps of this experiment; `--extend` goes on"
    assert any(text.startswith(expected) for text in told), told


@then("the run folder is another than that of the extension")
def another_than_extension(context: Context) -> None:
    assert runs_of(context).folder != shorter_of(context).extension, runs_of(context).folder


@then("there is no run")
def no_run(context: Context) -> None:
    found = [str(path) for path in Path().rglob("run.json")]
    assert not found, found


@then("the published model lies in {place}")
def published_lies_in(context: Context, place: str) -> None:
    published = runs_of(context).finished.record.published
    assert published is not None, "nothing is published"
    assert Path(published.location).parent == Path(place).resolve(), published.location
    assert (Path(published.location) / "model.safetensors").is_file(), published.location


@then("its config.yaml has {key} at {value}")
def config_has(context: Context, key: str, value: str) -> None:
    settings = {
        setting.key: setting.value for setting in settings_of(load_experiment(runs_of(context).folder / "config.yaml"))
    }
    assert settings[key] == value, settings[key]
