"""Steps about saving beside training, and about which checkpoints stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry import manifests
from foundry.testing.comparison import assert_same_tensors
from foundry.testing.experiments import write_code_corpus
from foundry.testing.runs import Runs, best_step, checkpointed
from foundry.testing.stores import WatchingStore
from foundry.trainer import Trainer
from foundry.training.events import CheckpointSaved, Event, StepDone


@dataclass
class Overlap:
    """Which checkpoint folders there were when a step was done, and when a checkpoint was told of."""

    at_step: dict[int, list[int]] = field(default_factory=dict)
    when_told: dict[int, list[int]] = field(default_factory=dict)


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


@then("the checkpoints are those of the best step and the steps {steps}")
def best_and_steps(context: Context, steps: str) -> None:
    runs = runs_of(context)
    assert runs.report is not None, runs.error
    assert checkpointed(runs.folder) == sorted({best_step(runs), *numbers(steps)}), checkpointed(runs.folder)


@then("the checkpoints are those of the steps {steps}")
def of_steps(context: Context, steps: str) -> None:
    runs = runs_of(context)
    assert runs.report is not None, runs.error
    assert checkpointed(runs.folder) == numbers(steps), checkpointed(runs.folder)


@then("every one of its checkpoints is that of the reference, bit for bit")
def every_checkpoint_same(context: Context) -> None:
    runs = runs_of(context)
    assert runs.report is not None, runs.error
    steps = checkpointed(runs.uninterrupted.run_folder)
    assert checkpointed(runs.folder) == steps and len(steps) > 10, (checkpointed(runs.folder), steps)
    for number in steps:
        for name in ("model.safetensors", "optimizer.safetensors"):
            one, other = (
                manifests.checkpoint_folder(folder / "checkpoints", number) / name
                for folder in (runs.folder, runs.uninterrupted.run_folder)
            )
            assert_same_tensors(one, other)


@given("an experiment with a checkpoint of 60 MB that is saved beside training after step 2")
def large_checkpoint(context: Context) -> None:
    """The feed-forward layers hold nearly all of it, so that a step takes less time than writing them."""
    write_code_corpus(Path("corpus"))
    runs_of(context).settings.update(
        {
            "data.batch_size": 1,
            "data.max_sequence_length": 8,
            "data.validation_fraction": 0,
            "model.hidden_size": 32,
            "model.intermediate_hidden_size": 26_000,
            "training.train_steps": 40,
            "training.checkpoint_schedule": [2],
            "training.async_checkpoints": True,
        }
    )


@when("it is launched, and it is noted at each step which checkpoints are whole")
def launched_and_noted(context: Context) -> None:
    runs, overlap = runs_of(context), context.world.of(Overlap)

    def listen(event: Event) -> None:
        folders = manifests.checkpoint_folders(runs.folder / "checkpoints")
        present = [manifests.read_manifest(folder).step for folder in folders]
        if isinstance(event, StepDone):
            overlap.at_step[event.step] = present
        if isinstance(event, CheckpointSaved):
            overlap.when_told.setdefault(event.step, present)

    trainer = Trainer(runs.config(), on_event=listen)
    runs.folder = trainer.run_folder
    runs.report = trainer.train()


@then("steps were made after step 2 before its checkpoint was whole")
def steps_meanwhile(context: Context) -> None:
    at_step = context.world.of(Overlap).at_step
    meanwhile = [number for number, present in at_step.items() if number > 2 and 2 not in present]
    assert len(at_step) == 40 and meanwhile, at_step


@then("it was told that step 2 is saved only when it was whole")
def told_when_whole(context: Context) -> None:
    told = context.world.of(Overlap).when_told
    assert sorted(told) == [2, 40] and all(number in present for number, present in told.items()), told


@then("every checkpoint was there when the store was asked, step {number:d} among them")
def there_when_asked(context: Context, number: int) -> None:
    store = runs_of(context).store
    assert isinstance(store, WatchingStore), store
    assert [question for question, _ in store.seen] == ["publish", "confirm"], store.seen
    for question, steps in store.seen:
        assert steps == ["step 2", f"step {number}"], f"{question}: {steps}"
