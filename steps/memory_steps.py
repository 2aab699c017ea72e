"""Steps about runs whose memory becomes scarce."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry.errors import FoundryError
from foundry.testing.experiments import write_code_corpus
from foundry.testing.forking import Ended
from foundry.testing.limits import NotPermitted
from foundry.testing.runs import ELSEWHERE, Runs
from foundry.testing.scarce_memory import train_where_memory_becomes_scarce
from foundry.trainer import Trainer, TrainingReport
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics


@dataclass
class Scarcity:
    """What a launch with little memory warned of."""

    warnings: list[str] = field(default_factory=list)


@given("an experiment with {size:d} blocks in a micro-batch")
def blocks_in_a_micro_batch(context: Context, size: int) -> None:
    write_code_corpus(Path("corpus"), num_documents=60)
    context.world.of(Runs).settings.update(
        {
            "data.batch_size": size,
            "data.max_sequence_length": 64,
            "model.intermediate_hidden_size": 2048,
            "training.train_steps": 6,
            "training.checkpoint_schedule": [2, 4],
            "training.evaluation_interval": 6,
        }
    )


def trained(
    context: Context, elsewhere: bool, megabytes: int, after_step: int, killed_after: int | None = None
) -> Ended:
    """Launch where memory becomes scarce; the scenario is skipped where the machine sets no such limit."""
    runs = context.world.of(Runs)
    config = runs.config(**(ELSEWHERE if elsewhere else {}))
    try:
        return train_where_memory_becomes_scarce(config, megabytes * 1_000_000, after_step, killed_after)
    except NotPermitted as reason:
        context.scenario.skip(str(reason))
        raise


@given("it has been trained elsewhere where only {megabytes:d} MB more can be had after step {number:d}")
def trained_elsewhere_scarce(context: Context, megabytes: int, number: int) -> None:
    runs = context.world.of(Runs)
    end = trained(context, True, megabytes, number)
    assert end.exit_code == 0, end.problem
    folder = Trainer(runs.config(**ELSEWHERE)).run_folder
    runs.reference = TrainingReport(folder, RunRecord.read(folder), end.answer[0], end.answer[1])


@given("its launch was killed after step {killed:d}, where only {megabytes:d} MB more can be had after step {number:d}")
def killed_scarce(context: Context, killed: int, megabytes: int, number: int) -> None:
    end = trained(context, False, megabytes, number, killed_after=killed)
    assert end.exit_code == -9, end


@when("it is launched where only {megabytes:d} MB more can be had after step {number:d}")
def launched_scarce(context: Context, megabytes: int, number: int) -> None:
    runs = context.world.of(Runs)
    end = trained(context, False, megabytes, number)
    runs.folder = Trainer(runs.config()).run_folder
    if end.exit_code:
        runs.error = FoundryError(end.problem)
        return
    first, last, context.world.of(Scarcity).warnings = end.answer
    runs.report = TrainingReport(runs.folder, RunRecord.read(runs.folder), first, last)


@then('a warning says "{text}"')
def warning_says(context: Context, text: str) -> None:
    warnings = context.world.of(Scarcity).warnings
    assert any(text in warning for warning in warnings), warnings


@then("its losses are within {tolerance:g} of the reference's, step by step")
def losses_near(context: Context, tolerance: float) -> None:
    runs = context.world.of(Runs)
    expected = [row["loss"] for row in read_metrics(runs.uninterrupted.run_folder / "metrics.jsonl")]
    pairs = list(zip([row["loss"] for row in runs.metrics], expected, strict=True))
    assert all(abs(one - other) <= tolerance for one, other in pairs), pairs


@then("its last weights are within {tolerance:g} of the reference's")
def last_weights_near(context: Context, tolerance: float) -> None:
    runs = context.world.of(Runs)
    last = f"checkpoints/step-{runs.finished.record.steps_done:08d}/model.safetensors"
    one, other = load_file(runs.folder / last), load_file(runs.uninterrupted.run_folder / last)
    largest = max(float((one[name] - other[name]).abs().max()) for name in one)
    assert largest <= tolerance, f"a weight differs by {largest:.3g}"
