"""Steps about the length of training, computed by the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from behave import then, when
from behave.runner import Context

from foundry.data.batches import BatchOrder
from foundry.pipeline import parameters
from foundry.pipeline.config import AnalyzeConfig


@dataclass
class Computed:
    """Rows of numbers that went into a formula, the expected result last, and what it gave."""

    rows: list[list[int]] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    all: dict[str, int] = field(default_factory=dict)


def compute(context: Context, formula: Callable[..., int]) -> None:
    computed: Computed = context.world.of(Computed)
    computed.rows = [[int(cell) for cell in row.cells] for row in context.table]
    computed.results = [formula(*row[:-1]) for row in computed.rows]


@when("the epochs are computed for")
def epochs_computed(context: Context) -> None:
    compute(context, parameters.epochs_for)


@when("the steps of an epoch are computed for")
def steps_of_epoch_computed(context: Context) -> None:
    compute(context, parameters.steps_per_epoch)


@when("all steps are computed for")
def all_steps_computed(context: Context) -> None:
    compute(context, parameters.total_steps)


@when("the warm-up is computed for")
def warmup_computed(context: Context) -> None:
    compute(context, parameters.warmup_steps)


@when("the sequences of a document are computed for")
def sequences_computed(context: Context) -> None:
    compute(context, parameters.num_sequences)


@then("each is what the table says")
def as_the_table_says(context: Context) -> None:
    computed: Computed = context.world.of(Computed)
    expected = [row[-1] for row in computed.rows]
    assert computed.results == expected, f"expected {expected}, found {computed.results}"


@then("each is what the trainer would make of the same epochs")
def as_the_trainer(context: Context) -> None:
    computed: Computed = context.world.of(Computed)
    trained = [
        BatchOrder(sequences, batch * accumulation, seed=0).total_steps(epochs)
        for epochs, sequences, batch, accumulation, _ in computed.rows
    ]
    assert computed.results == trained, f"the trainer makes {trained}, computed were {computed.results}"


def computed_parameters(
    context: Context, batch: int, accumulation: int, tokens: int, sequences: int, **asked: int
) -> None:
    limits = {key: asked.pop(key) for key in ("target_tokens", "max_steps") if key in asked}
    context.world.of(Computed).all = parameters.training_parameters(
        AnalyzeConfig(**limits),
        tokens_per_epoch=tokens,
        sequences=sequences,
        batch_size=batch,
        gradient_accumulation_steps=accumulation,
        **asked,
    )


GIVEN = (
    "the parameters are computed for {tokens:d} tokens in {sequences:d} sequences, "
    "batches of {batch:d} times {accumulation:d}, and"
)


@when(GIVEN + " a target of {target_tokens:d} tokens")
@when(GIVEN + " a target of {target_tokens:d} tokens in at most {max_steps:d} steps")
@when(GIVEN + " {epochs:d} epochs")
@when(GIVEN + " {train_steps:d} steps")
def parameters_computed(context: Context, **numbers: int) -> None:
    computed_parameters(context, **numbers)


@then("there are {epochs:d} epochs, {per_epoch:d} steps an epoch, {steps:d} steps and a warm-up of {warmup:d}")
def parameters_are(context: Context, epochs: int, per_epoch: int, steps: int, warmup: int) -> None:
    found = context.world.of(Computed).all
    expected = {"epochs": epochs, "steps_per_epoch": per_epoch, "total_steps": steps, "warmup_steps": warmup}
    assert found.items() >= expected.items(), f"expected {expected}, found {found}"
