"""Steps about whole runs: launching, killing, relaunching, publishing, comparing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from behave import given, step, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.testing.comparison import assert_identical_runs, assert_same_tensors, first_tensor_difference
from foundry.testing.experiments import small_experiment, write_code_corpus, write_noise_corpus
from foundry.testing.faults import cut_file, flip_byte, launch_and_signal
from foundry.testing.repositories import python_project
from foundry.testing.runs import (
    EARLY_STOPPING,
    ELSEWHERE,
    RISING_LOSS,
    Runs,
    best_step,
    checkpointed,
    contents_of,
    validation_losses,
)
from foundry.testing.stores import DamagingStore, SilentStore, WatchingStore
from foundry.trainer import Trainer
from foundry.training.early_stopping import EarlyStopping
from foundry.training.events import Event, Message, StepDone
from foundry.training.lifecycle import Run
from foundry.training.metrics import read_metrics
from foundry.training.schedules import checkpoint_steps, learning_rate


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


def value_of(key: str, text: str) -> Any:
    """The value of a setting as it stands in a table."""
    if text == "none":
        return None
    if key in ("training.checkpoint_schedule", "training.checkpoint_milestones"):
        return [int(item) for item in text.split(",")]
    return yaml.safe_load(text)


@given("a small experiment")
def a_small_experiment(context: Context) -> None:
    write_code_corpus(Path("corpus"))
    for row in context.table or ():
        runs_of(context).settings[row["setting"]] = value_of(row["setting"], row["value"])


@given("a small experiment with")
def a_small_experiment_with(context: Context) -> None:
    a_small_experiment(context)


@given('a small experiment on a repository whose URL holds the password "{password}"')
def on_a_repository(context: Context, password: str) -> None:
    repository = python_project(Path("project"))
    url = repository.folder.resolve().as_uri().replace("file://", f"file://user:{password}@localhost")
    runs_of(context).settings.update({"data.source_corpus": None, "data.git.repository": url})
    os.environ["FOUNDRY_CACHE"] = str(context.world.workspace / "user-cache")
    context.add_cleanup(os.environ.pop, "FOUNDRY_CACHE", None)


@given("a small experiment whose validation loss rises")
def whose_validation_loss_rises(context: Context) -> None:
    a_small_experiment(context)
    write_noise_corpus(Path("noise"))
    runs_of(context).settings.update(RISING_LOSS)


@given("a small experiment that stops early")
def that_stops_early(context: Context) -> None:
    whose_validation_loss_rises(context)
    runs_of(context).settings.update(EARLY_STOPPING)


@given("with the setting {key} at {value}")
def with_the_setting(context: Context, key: str, value: str) -> None:
    runs_of(context).settings[key] = value_of(key, value)


@given("it has been trained elsewhere without interruption")
def trained_elsewhere(context: Context) -> None:
    runs_of(context).reference = Trainer(runs_of(context).config(**ELSEWHERE)).train()


@given("it has been trained")
@when("it is launched")
@when("it is launched again")
def launched(context: Context) -> None:
    runs_of(context).launch()


@dataclass
class SecondLaunch:
    """A launch of the same run beside the one under way."""

    error: FoundryError | None = None

    def launch(self, config: ExperimentConfig) -> None:
        try:
            Trainer(config).train()
        except FoundryError as error:
            self.error = error


@when("it is launched, and launched again while it makes its step {number:d}")
def launched_twice(context: Context, number: int) -> None:
    runs, second = runs_of(context), context.world.of(SecondLaunch)

    def listen(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == number:
            second.launch(runs.config())

    trainer = Trainer(runs.config(), on_event=listen)
    runs.folder, runs.report = trainer.run_folder, trainer.train()


@then('the second launch is refused with "{text}"')
def second_refused(context: Context, text: str) -> None:
    error = context.world.of(SecondLaunch).error
    assert error is not None, "the second launch was not refused"
    assert text in str(error), error


@then("its metrics hold every step once")
def every_step_once(context: Context) -> None:
    steps = [row["step"] for row in runs_of(context).metrics]
    assert steps == list(range(1, 13)), steps


@given("the last line of its metrics is cut off")
def metrics_cut_off(context: Context) -> None:
    cut_file(runs_of(context).folder / "metrics.jsonl", 20)
    with (runs_of(context).folder / "metrics.jsonl").open("ab") as stream:
        stream.write(bytes(8) + b"\n")


@given("a checkpoint that a killed process had half written")
def half_written(context: Context) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = runs_of(context).folder / f"checkpoints/.writing-step-00000010-{ended.pid}"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"half")


@then("nothing half-written is left")
def nothing_half_written(context: Context) -> None:
    assert runs_of(context).report is not None, runs_of(context).error
    left = sorted(Path("runs").rglob(".writing-*"))
    assert not left, left


@given("its record says that it was begun on other tokens")
def begun_on_other_tokens(context: Context) -> None:
    Run.open(runs_of(context).folder).note(data_digest="0" * 64)


@given("the run folder was moved")
def run_folder_moved(context: Context) -> None:
    runs = runs_of(context)
    runs.folder = runs.folder.rename(Path("runs") / "moved")


@given("its launch has failed")
def has_failed(context: Context) -> None:
    runs_of(context).launch()
    assert runs_of(context).error is not None, "the launch did not fail"


@when("the run folder is launched again")
def run_folder_launched(context: Context) -> None:
    runs = runs_of(context)
    runs.before = contents_of(Path("runs"), Path("artifacts"))
    runs.error = None
    try:
        runs.report = Trainer.of_run(runs.folder).train()
    except FoundryError as error:
        runs.error = error


@given("its launch was killed at {moment}")
def killed_at(context: Context, moment: str) -> None:
    signalled(context, moment.removeprefix("the state "), signal.SIGKILL)


@given("its launch was killed one evaluation before it would have stopped")
def killed_before_stop(context: Context) -> None:
    last_step = runs_of(context).uninterrupted.last_step
    assert last_step is not None, "the reference run made no step"
    signalled(context, f"step {last_step - 2}", signal.SIGKILL)


@step("its launch receives {name} at step {number:d}")
@step("its launch received {name} at step {number:d}")
def receives(context: Context, name: str, number: int) -> None:
    signalled(context, f"step {number}", signal.Signals[name])


def signalled(context: Context, moment: str, number: signal.Signals) -> None:
    """Launch in a process that gets a signal at `moment`, and find its run folder."""
    runs = runs_of(context)
    config = runs.config()
    runs.folder = Trainer(config).run_folder
    runs.exit_code = launch_and_signal(config, moment, number)
    assert runs.exit_code != 0, "the launch ended as if nothing had happened"


@given("a document of its corpus has changed")
def document_has_changed(context: Context) -> None:
    document = sorted(Path("corpus").iterdir())[0]
    document.write_text(document.read_text() + "\n# changed\n")
    runs_of(context).other_folder = runs_of(context).folder


@given("an artifact store that looks at the run folder whenever it is asked something")
def watching_store(context: Context) -> None:
    folder = Trainer(runs_of(context).config()).run_folder
    look = lambda: [f"step {number}" for number in checkpointed(folder)]  # noqa: E731
    runs_of(context).store = WatchingStore(Path("artifacts"), look)


@given("an artifact store that does not answer when it is asked to confirm")
def silent_store(context: Context) -> None:
    runs_of(context).store = SilentStore(Path("artifacts"))


@given("an artifact store that loses a bit of the weights")
def damaging_store(context: Context) -> None:
    runs_of(context).store = DamagingStore(Path("artifacts"))


@given("a file stands where the artifact store should be")
def file_in_the_way(context: Context) -> None:
    Path("artifacts").write_text("not a folder")


@given("the file is gone")
def file_gone(context: Context) -> None:
    Path("artifacts").unlink()


@given("a byte of the best checkpoint's weights has flipped")
def best_has_flipped(context: Context) -> None:
    runs = runs_of(context)
    flip_byte(runs.folder / f"checkpoints/step-{runs.record.best_step:08d}/model.safetensors", -1)


@given("the newest checkpoint suffers {damage}")
def newest_suffers(context: Context, damage: str) -> None:
    folder = manifests.checkpoint_folders(runs_of(context).folder / "checkpoints")[-1]
    inflict(damage, folder)


@given("every checkpoint suffers {damage}")
def every_suffers(context: Context, damage: str) -> None:
    for folder in manifests.checkpoint_folders(runs_of(context).folder / "checkpoints"):
        inflict(damage, folder)


def inflict(damage: str, folder: Path) -> None:
    """Bring a fault, named in words, over a checkpoint folder."""
    path = folder / damage.rsplit(" ", 1)[1]
    if damage.startswith("a flipped byte in"):
        flip_byte(path, path.stat().st_size // 2)
    elif damage.startswith("a cut off end of"):
        cut_file(path, 8)
    elif damage.startswith("the loss of"):
        path.unlink()
    else:
        raise ValueError(damage)


@given(
    "{epochs:d} epochs of {per_epoch:g} steps, checkpointed {first:d} times in the first and {spacing} "
    "with base {base:d} after it, at least {interval:d} steps apart"
)
def a_schedule(
    context: Context, epochs: int, per_epoch: float, first: int, spacing: str, base: int, interval: int
) -> None:
    training = small_experiment(
        {
            "training.train_steps": None,
            "training.epochs": epochs,
            "training.checkpoint_schedule": None,
            "training.first_epoch_checkpoints": first,
            "training.subsequent_epochs_spacing": spacing,
            "training.log_base": base,
            "training.min_checkpoint_interval": interval,
        }
    ).training
    context.world.of(Schedule).question = (training, math.ceil(epochs * per_epoch), per_epoch)


@dataclass
class Schedule:
    """What is asked of a schedule or of early stopping, and the answer."""

    question: tuple[Any, int, float] = (None, 0, 0.0)
    answer: Any = None
    stopping: EarlyStopping = field(default_factory=lambda: EarlyStopping(None, 0.0))
    lowest: int | None = None


@when("the checkpoint schedule is made")
def schedule_made(context: Context) -> None:
    schedule = context.world.of(Schedule)
    schedule.answer = checkpoint_steps(*schedule.question)


@then("the scheduled steps are {steps}")
def scheduled_steps(context: Context, steps: str) -> None:
    expected = [int(item) for item in steps.split(",")]
    assert context.world.of(Schedule).answer == expected, context.world.of(Schedule).answer


@given("a learning rate of {highest:g} that falls to {lowest:g}, {schedule}, after {warmup:d} steps of warm-up")
def a_learning_rate(context: Context, highest: float, lowest: float, schedule: str, warmup: int) -> None:
    training = small_experiment(
        {
            "training.train_steps": 100,
            "training.learning_rate": highest,
            "training.min_learning_rate_ratio": lowest / highest,
            "training.learning_rate_schedule": schedule,
            "training.warmup_steps": warmup,
        }
    ).training
    context.world.of(Schedule).question = (training, 100, 0.0)


@when("the learning rate of step {number:d} of {total:d} is asked for")
def rate_asked(context: Context, number: int, total: int) -> None:
    schedule = context.world.of(Schedule)
    schedule.answer = learning_rate(schedule.question[0], number, total)


@then("it is {rate:g}")
def rate_is(context: Context, rate: float) -> None:
    answer = context.world.of(Schedule).answer
    assert math.isclose(answer, rate, rel_tol=1e-9), f"{answer} instead of {rate}"


@given("a patience of {patience} and a smallest improvement of {delta:g}")
def a_patience(context: Context, patience: str, delta: float) -> None:
    context.world.of(Schedule).stopping = EarlyStopping(None if patience == "none" else int(patience), delta)


@when("validation gives the losses {losses}")
def validation_gives(context: Context, losses: str) -> None:
    schedule = context.world.of(Schedule)
    for evaluation, loss in enumerate(losses.split(","), start=1):
        schedule.stopping = schedule.stopping.observe(evaluation, float(loss))
        schedule.lowest = schedule.stopping.lowest_step
        if schedule.stopping.should_stop:
            schedule.answer = evaluation
            break


@then("training stops after evaluation {evaluation}")
def stops_after(context: Context, evaluation: str) -> None:
    expected = None if evaluation == "never" else int(evaluation)
    assert context.world.of(Schedule).answer == expected, context.world.of(Schedule).answer


@then("the lowest loss is that of evaluation {evaluation:d}")
def lowest_is(context: Context, evaluation: int) -> None:
    assert context.world.of(Schedule).lowest == evaluation, context.world.of(Schedule).lowest


@then("it has stopped early, {steps:d} steps after its best step")
def stopped_after_best(context: Context, steps: int) -> None:
    runs = runs_of(context)
    assert runs.finished.last_step == best_step(runs) + steps, f"{runs.finished.last_step}, best {best_step(runs)}"
    reasons = [moment.reason for moment in runs.record.history if moment.state == "stopped"]
    assert reasons == ["early_stopping"], reasons


@when("it is compared with the same experiment with {key} at {value}")
def compared(context: Context, key: str, value: str) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    runs.other_folder = Trainer(runs.config(**{key: value_of(key, value)})).run_folder


@when("it is compared with the same experiment after a document of its corpus has changed")
def compared_after_change(context: Context) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    document_has_changed(context)
    runs.folder = Trainer(runs.config()).run_folder


@then("the two have different run folders")
@then("the run folder is another than before")
def different_folders(context: Context) -> None:
    assert runs_of(context).folder != runs_of(context).other_folder, runs_of(context).folder


@then("the two have the same run folder")
def same_folder(context: Context) -> None:
    runs = runs_of(context)
    assert runs.folder == runs.other_folder, f"{runs.folder} and {runs.other_folder}"


@then("the launch makes no step")
def makes_no_step(context: Context) -> None:
    report = runs_of(context).finished
    assert report.steps_made == 0, f"steps {report.first_step} to {report.last_step} were made"


@then("the launch makes the steps {first:d} to {last:d}")
def makes_the_steps(context: Context, first: int, last: int) -> None:
    report = runs_of(context).finished
    assert (report.first_step, report.last_step) == (first, last), f"{report.first_step} to {report.last_step}"


@then("nothing in the run folder and the store has changed")
def nothing_changed(context: Context) -> None:
    before, after = runs_of(context).before, contents_of(Path("runs"), Path("artifacts"))
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert before, "there was nothing that could have changed"
    assert not changed, changed


@then("the run is {state:w}")
def run_is(context: Context, state: str) -> None:
    record = runs_of(context).record
    assert record.state == state, f"{record.state}: {record.reason}"


@then("the run went through {states}")
def went_through(context: Context, states: str) -> None:
    history = [moment.state for moment in runs_of(context).record.history]
    assert history == states.split(", "), history


@then("the run has stopped early at the uninterrupted run's step")
def stopped_early(context: Context) -> None:
    runs = runs_of(context)
    reasons = {moment.reason for moment in runs.record.history if moment.state == "stopped"}
    assert reasons == {"early_stopping"}, reasons
    assert runs.finished.last_step == runs.uninterrupted.last_step, runs.finished.last_step


@then("the process exits with {code:d}")
def exits_with(context: Context, code: int) -> None:
    assert runs_of(context).exit_code == code, runs_of(context).exit_code


@then('the launch fails with "{text}"')
@then('the launch is refused with "{text}"')
def fails_with(context: Context, text: str) -> None:
    error = runs_of(context).error
    assert error is not None, "the launch succeeded"
    assert text in str(error), error
    assert "\n" not in str(error), "the message has more than one line"


@then("step {number:d} is checkpointed")
def step_checkpointed(context: Context, number: int) -> None:
    steps = checkpointed(runs_of(context).folder)
    assert number in steps, steps


@then("the last step that was made is checkpointed")
def last_step_checkpointed(context: Context) -> None:
    runs = runs_of(context)
    assert runs.finished.last_step in checkpointed(runs.folder), checkpointed(runs.folder)


@then("the best and the last step are checkpointed")
def best_and_last_checkpointed(context: Context) -> None:
    runs = runs_of(context)
    steps = checkpointed(runs.folder)
    assert {best_step(runs), 12} <= set(steps), steps


@then("the checkpoints are those of the best step, step {one:d} and step {other:d}")
def checkpoints_are(context: Context, one: int, other: int) -> None:
    runs = runs_of(context)
    assert checkpointed(runs.folder) == sorted({best_step(runs), one, other}), checkpointed(runs.folder)


@then("no checkpoint is left in the run folder")
def no_checkpoint_left(context: Context) -> None:
    left = sorted(runs_of(context).folder.rglob("*.safetensors"))
    assert not left, left


@then("every checkpoint was there when the store was asked to publish and to confirm")
def every_checkpoint_was_there(context: Context) -> None:
    runs = runs_of(context)
    assert isinstance(runs.store, WatchingStore), runs.store
    asked = [question for question, _ in runs.store.seen]
    assert asked == ["publish", "confirm"], asked
    for question, steps in runs.store.seen:
        assert {f"step {best_step(runs)}", "step 12"} <= set(steps), f"{question}: {steps}"


@then("the best step is not the last step")
def best_is_not_last(context: Context) -> None:
    runs = runs_of(context)
    assert best_step(runs) < runs.finished.record.steps_done, best_step(runs)


@then("the published model is that of step {number:d}")
def published_is_step(context: Context, number: int) -> None:
    expect_published(runs_of(context), number)


@then("the published model is that of the best step")
def published_is_best(context: Context) -> None:
    expect_published(runs_of(context), best_step(runs_of(context)))


def expect_published(runs: Runs, number: int) -> None:
    """The store and the run's record agree that the weights of that step are published."""
    published = runs.record.published
    assert published is not None, "nothing is published"
    manifest = json.loads((Path(published.location) / "manifest.json").read_text())
    assert manifest["step"] == published.step == number, manifest["step"]


@then("the published files are those of the best checkpoint")
def published_files(context: Context) -> None:
    runs = runs_of(context)
    published = Path(runs.record.published.location) if runs.record.published else Path()
    assert_same_tensors(
        published / "model.safetensors", runs.folder / f"checkpoints/step-{best_step(runs):08d}/model.safetensors"
    )
    assert (published / "config.yaml").read_bytes() == (runs.folder / "config.yaml").read_bytes()
    names = sorted(path.name for path in (published / "tokenizer").iterdir())
    assert names == sorted(path.name for path in (runs.folder / "tokenizer").iterdir()), names


@then('no file of the run and the store holds "{text}"')
def no_file_holds(context: Context, text: str) -> None:
    assert runs_of(context).report is not None, runs_of(context).error
    written = [path for folder in ("runs", "artifacts") for path in Path(folder).rglob("*") if path.is_file()]
    holding = [str(path) for path in written if text.encode() in path.read_bytes()]
    assert written and not holding, holding


@given("nothing was published")
@then("nothing is published")
def nothing_published(context: Context) -> None:
    assert runs_of(context).record.published is None
    stored = [path for path in Path("artifacts").rglob("*") if path.is_file()]
    assert not stored, stored


@then("its weights, optimizer state and metrics are bit-identical to the uninterrupted run's")
def bit_identical(context: Context) -> None:
    runs = runs_of(context)
    assert runs.finished.run_folder != runs.uninterrupted.run_folder, "a run was compared with itself"
    assert_identical_runs(runs.folder, runs.uninterrupted.run_folder)


@then("its final weights and optimizer state are bit-identical to the reference's")
def same_final_weights(context: Context) -> None:
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert_same_tensors(*final_files(context, name))


@then("its final weights differ from the reference's")
def different_final_weights(context: Context) -> None:
    assert runs_of(context).report is not None, runs_of(context).error
    difference = first_tensor_difference(*final_files(context, "model.safetensors"))
    assert difference is not None, "the weights are the same"


@then("its final weights differ from the reference's by more than {bound:g}")
def weights_differ_by_more(context: Context, bound: float) -> None:
    one, other = (load_file(path) for path in final_files(context, "model.safetensors"))
    largest = max(float((one[name] - other[name]).abs().max()) for name in one)
    assert largest > bound, largest


def final_files(context: Context, name: str) -> tuple[Path, Path]:
    """A file of the last checkpoint, of the run and of the reference."""
    runs = runs_of(context)
    assert runs.report is not None, runs.error
    last = f"checkpoints/step-{runs.finished.record.steps_done:08d}/{name}"
    return runs.folder / last, runs.uninterrupted.run_folder / last


@then("the damaged checkpoint stands beside the others, set aside")
def set_aside(context: Context) -> None:
    aside = sorted(path.name for path in (runs_of(context).folder / "checkpoints").glob("damaged-step-*"))
    assert len(aside) == 1, aside


@then("a warning names it")
def warning_names_it(context: Context) -> None:
    warnings = [event.text for event in runs_of(context).events if isinstance(event, Message) and event.warning]
    assert any("damaged-step-" in text for text in warnings), warnings


@then("the validation loss at the end is at least {nats:g} nats below ln(vocabulary)")
def loss_below_uniform(context: Context, nats: float) -> None:
    runs = runs_of(context)
    uniform = math.log(runs.record.vocabulary_size or 0)
    last = validation_losses(runs)[-1]
    assert last <= uniform - nats, f"{last:.3f} against ln(vocabulary) = {uniform:.3f}"


@then("the validation loss at the end is below that of the first evaluation")
def loss_falls(context: Context) -> None:
    losses = validation_losses(runs_of(context))
    assert losses[-1] < losses[0], losses


@then("its validation losses are all equal")
def losses_all_equal(context: Context) -> None:
    losses = validation_losses(runs_of(context))
    assert len(losses) > 1 and len(set(losses)) == 1, losses


@then("its learning rates are those of the reference")
def same_learning_rates(context: Context) -> None:
    runs = runs_of(context)
    expected = [row["learning_rate"] for row in read_metrics(runs.uninterrupted.run_folder / "metrics.jsonl")]
    assert [row["learning_rate"] for row in runs.metrics] == expected, expected


@then("the learning rates in the metrics are those of the schedule, step by step")
def learning_rates_of_schedule(context: Context) -> None:
    highest, lowest, warmup, total = 3e-3, 3e-4, 3, 12
    rates = [row["learning_rate"] for row in runs_of(context).metrics]
    expected = [highest * number / warmup for number in range(1, warmup + 1)] + [
        lowest + (highest - lowest) * (1 + math.cos(math.pi * (number - warmup) / (total - warmup))) / 2
        for number in range(warmup + 1, total + 1)
    ]
    assert len(rates) == total, f"{len(rates)} lines for {total} steps"
    assert all(math.isclose(one, other, rel_tol=1e-9) for one, other in zip(rates, expected, strict=True)), rates


@then("every gradient norm in the metrics is above {bound:g}")
def norms_above(context: Context, bound: float) -> None:
    norms = [row["gradient_norm"] for row in runs_of(context).metrics]
    assert norms and min(norms) > bound, norms


@then("the gradient norms of its first steps are within {percent:d} % of the reference's")
def norms_near(context: Context, percent: int) -> None:
    runs = runs_of(context)
    expected = [row["gradient_norm"] for row in read_metrics(runs.uninterrupted.run_folder / "metrics.jsonl")][:3]
    norms = [row["gradient_norm"] for row in runs.metrics][:3]
    pairs = list(zip(norms, expected, strict=True))
    assert all(abs(one - other) <= other * percent / 100 for one, other in pairs), pairs
