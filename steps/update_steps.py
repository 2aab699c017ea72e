"""Steps about the arithmetic of one training step, against plain PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from behave import given, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry.config import ExperimentConfig
from foundry.data.batches import Batch, BatchOrder, BatchSource
from foundry.data.processor import DataProcessor
from foundry.models import create_model
from foundry.models.io import load_weights
from foundry.reproducibility import derived_seed
from foundry.testing.batches import OneBatch
from foundry.testing.experiments import small_experiment
from foundry.testing.runs import Runs
from foundry.training.loop import StepResult, TrainingLoop
from foundry.training.optimizer import create_optimizer

VOCABULARY = 300


@dataclass
class Update:
    """One training step over given sequences, and what a plain computation says of it."""

    sequences: list[torch.Tensor] = field(default_factory=list)
    max_grad_norm: float | None = None
    model: torch.nn.Module = field(default_factory=torch.nn.Module)
    result: StepResult | None = None
    expected_loss: float = 0.0
    expected_gradient: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: torch.optim.Optimizer | None = None
    before: dict[str, torch.Tensor] = field(default_factory=dict)
    plain_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    plain_losses: list[float] = field(default_factory=list)
    made: list[tuple[float, dict[str, torch.Tensor]]] = field(default_factory=list)


def small_model(config: ExperimentConfig, vocab_size: int) -> torch.nn.Module:
    """The model of an experiment with the weights that its run begins with."""
    torch.manual_seed(derived_seed(config.random_seed, "initial weights"))
    return create_model(config.model, vocab_size, config.data.max_sequence_length)


def padded(sequences: list[torch.Tensor], length: int, pad_id: int) -> Batch:
    """Sequences of unequal length as one batch; padded positions have the label -100."""
    ids = torch.full((len(sequences), length), pad_id)
    labels = torch.full((len(sequences), length), -100)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = labels[row, : len(sequence)] = sequence
    return Batch(ids, labels)


def one_by_one(model: torch.nn.Module, sequences: list[torch.Tensor]) -> torch.Tensor:
    """The mean cross-entropy over all target tokens, each sequence by itself and without padding."""
    losses = []
    for sequence in sequences:
        logits = model(input_ids=sequence[None, :-1]).logits[0]
        losses.append(torch.nn.functional.cross_entropy(logits, sequence[1:], reduction="none"))
    return torch.cat(losses).mean()


@given("a training step over {count:d} sequences of unequal length")
def sequences_of_unequal_length(context: Context, count: int) -> None:
    draw = torch.Generator().manual_seed(3)
    lengths = [3 + 5 * number % 29 for number in range(count)]
    context.world.of(Update).sequences = [torch.randint(1, VOCABULARY, (n,), generator=draw) for n in lengths]


@given("a gradient norm limit of {limit}")
def gradient_norm_limit(context: Context, limit: str) -> None:
    context.world.of(Update).max_grad_norm = None if limit == "none" else float(limit)


@when("it is made in {count:d} micro-batches of {size:d}")
def step_made(context: Context, count: int, size: int) -> None:
    update = context.world.of(Update)
    config = small_experiment({"training.max_grad_norm": update.max_grad_norm, "data.batch_size": size})
    update.model = small_model(config, VOCABULARY)
    loss = one_by_one(update.model, update.sequences)
    loss.backward()
    update.expected_loss = loss.item()
    update.expected_gradient = gradients_of(update.model)
    assert count * size == len(update.sequences)
    batches: Any = OneBatch(padded(update.sequences, 32, pad_id=7))
    optimizer = create_optimizer(update.model, config.training)
    loop = TrainingLoop(update.model, optimizer, batches, config, total_steps=10, device=torch.device("cpu"))
    update.result = loop.step(1)


@when("it is made with dropout as step 5, and again after other random draws")
def step_made_again(context: Context) -> None:
    make_with_dropout(context, [(5, 1), (5, 1)])


@when("it is made with dropout as step 5, and as step 6")
def step_made_as_another(context: Context) -> None:
    make_with_dropout(context, [(5, 1), (6, 1)])


@when("it is made with dropout in one micro-batch, and with that micro-batch given twice")
def step_made_with_batch_twice(context: Context) -> None:
    make_with_dropout(context, [(5, 1), (5, 2)])


def make_with_dropout(context: Context, kinds: list[tuple[int, int]]) -> None:
    """Make a step from the same weights for each (step number, times the one micro-batch is given)."""
    update = context.world.of(Update)
    config = small_experiment({"model.dropout": 0.5, "data.batch_size": len(update.sequences)})
    for step, times in kinds:
        model = small_model(config, VOCABULARY)
        torch.rand(17 * len(update.made))
        batches: Any = OneBatch(padded(update.sequences * times, 32, pad_id=7))
        optimizer = create_optimizer(model, config.training)
        loop = TrainingLoop(model, optimizer, batches, config, total_steps=10, device=torch.device("cpu"))
        update.made.append((loop.step(step).loss, gradients_of(model)))


@then("the two have the same loss and the same gradients, to the bit")
def same_twice(context: Context) -> None:
    (loss, gradients), (other_loss, other_gradients) = context.world.of(Update).made
    assert loss == other_loss, f"{loss} and {other_loss}"
    different = [name for name in gradients if not torch.equal(gradients[name], other_gradients[name])]
    assert not different, different


@then("the two have different losses")
def different_losses(context: Context) -> None:
    (loss, _), (other_loss, _) = context.world.of(Update).made
    assert loss != other_loss, loss


def gradients_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


def norm_of(gradients: dict[str, torch.Tensor]) -> float:
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients.values()))


@then("its loss is the mean over the tokens, as one by one")
def loss_is_mean(context: Context) -> None:
    update = context.world.of(Update)
    assert update.result is not None, "no step was made"
    assert math.isclose(update.result.loss, update.expected_loss, rel_tol=1e-5), (
        f"{update.result.loss} instead of {update.expected_loss}"
    )


@then("its gradient is that of the mean over the tokens")
def gradient_is_mean(context: Context) -> None:
    update = context.world.of(Update)
    gradients = gradients_of(update.model)
    assert gradients.keys() == update.expected_gradient.keys()
    for name, expected in update.expected_gradient.items():
        torch.testing.assert_close(
            gradients[name], expected, rtol=1e-4, atol=1e-7, msg=lambda text, n=name: f"{n}: {text}"
        )


@then("the gradient that reaches the optimizer has the norm {norm:g}")
def gradient_norm_is(context: Context, norm: float) -> None:
    assert_norm(context, norm)


@then("the gradient that reaches the optimizer has the norm it had before")
def gradient_norm_unchanged(context: Context) -> None:
    assert_norm(context, norm_of(context.world.of(Update).expected_gradient))


def assert_norm(context: Context, expected: float) -> None:
    norm = norm_of(gradients_of(context.world.of(Update).model))
    assert math.isclose(norm, expected, rel_tol=1e-4), f"{norm} instead of {expected}"


@given("a plain PyTorch loop over the same model and batches")
def plain_loop(context: Context) -> None:
    """A loop as a textbook has it: nothing of foundry but the model's initial weights and the batches."""
    update, config = context.world.of(Update), context.world.of(Runs).config()
    data = DataProcessor(config).prepare()
    order = BatchOrder(len(data.training), config.global_batch_size, config.random_seed)
    batches = BatchSource(data.training, order)
    model = small_model(config, data.tokenizer.vocab_size)
    vectors = [p for p in model.parameters() if p.ndim < 2]
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=3e-3,
        betas=(0.9, 0.95),
        eps=1e-8,
    )
    for step in range(1, 13):
        batch = batches.batch(step)
        logits = model(input_ids=batch.input_ids).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), batch.labels[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        fall = 0.1 + 0.9 * (1 + math.cos(math.pi * (step - 3) / 9)) / 2
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (step / 3 if step <= 3 else fall)
        optimizer.step()
        update.plain_losses.append(loss.item())
    batches.close()
    update.plain_weights = {name: parameter.detach() for name, parameter in model.named_parameters()}


@then("its final weights are within {tolerance:g} of the plain loop's")
def weights_of_plain_loop(context: Context, tolerance: float) -> None:
    last = final_model(context)
    largest = max(
        float((last[name] - plain).abs().max()) for name, plain in context.world.of(Update).plain_weights.items()
    )
    assert largest <= tolerance, f"a weight differs by {largest:.3g}"


@then("its losses are within {tolerance:g} of the plain loop's")
def losses_of_plain_loop(context: Context, tolerance: float) -> None:
    losses = [row["loss"] for row in context.world.of(Runs).metrics]
    pairs = list(zip(losses, context.world.of(Update).plain_losses, strict=True))
    assert all(abs(one - other) <= tolerance for one, other in pairs), pairs


@then("its final weights are within {tolerance:g} of the reference's")
def weights_of_reference(context: Context, tolerance: float) -> None:
    runs = context.world.of(Runs)
    expected = load_file(runs.uninterrupted.run_folder / "checkpoints/step-00000012/model.safetensors")
    last = final_model(context)
    largest = max(float((last[name] - tensor).abs().max()) for name, tensor in expected.items())
    assert largest <= tolerance, f"a weight differs by {largest:.3g}"


def final_model(context: Context) -> dict[str, torch.Tensor]:
    """The weights of the run's last checkpoint, as the model has them after loading."""
    runs = context.world.of(Runs)
    assert runs.report is not None, runs.error
    model = loaded_model(runs.config(), runs.folder, runs.record.vocabulary_size or 0)
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def loaded_model(config: ExperimentConfig, folder: Path, vocab_size: int) -> torch.nn.Module:
    model = create_model(config.model, vocab_size, config.data.max_sequence_length)
    load_weights(model, folder / "checkpoints/step-00000012/model.safetensors")
    return model


@then("the last block of its validation set is padded")
def last_block_padded(context: Context) -> None:
    validation = DataProcessor(context.world.of(Runs).config()).prepare().validation
    assert validation is not None, "there is no validation set"
    _, lengths = validation.rows(torch.tensor([len(validation) - 1]).numpy())
    assert 1 < lengths[0] < validation.block_size, lengths


@then("its validation loss is the mean over the tokens, as one by one")
def validation_one_by_one(context: Context) -> None:
    runs = context.world.of(Runs)
    validation = DataProcessor(runs.config()).prepare().validation
    assert validation is not None, "there is no validation set"
    count = runs.config().data.max_validation_blocks or len(validation)
    ids, lengths = validation.rows(torch.tensor([place * len(validation) // count for place in range(count)]).numpy())
    sequences = [torch.from_numpy(row[:length]) for row, length in zip(ids, lengths, strict=True)]
    model = loaded_model(runs.config(), runs.folder, runs.record.vocabulary_size or 0).eval()
    with torch.no_grad():
        expected = one_by_one(model, sequences).item()
    logged = runs.metrics[-1]["validation_loss"]
    assert math.isclose(logged, expected, rel_tol=1e-5), f"{logged} instead of {expected}"


@given("the optimizer of a small model, with weight decay {decay:g} and learning rate {rate:g}")
def an_optimizer(context: Context, decay: float, rate: float) -> None:
    update = context.world.of(Update)
    config = small_experiment({"training.weight_decay": decay, "training.learning_rate": rate})
    update.model = small_model(config, VOCABULARY)
    update.optimizer = create_optimizer(update.model, config.training)


@when("it makes a step with gradients of zero")
def step_without_gradient(context: Context) -> None:
    update = context.world.of(Update)
    update.before = {name: parameter.detach().clone() for name, parameter in update.model.named_parameters()}
    for parameter in update.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    assert update.optimizer is not None
    update.optimizer.step()


@then("every matrix has shrunk by {percent:d} %")
def matrices_shrunk(context: Context, percent: int) -> None:
    expect_scaled(context.world.of(Update), lambda tensor: tensor.ndim >= 2, 1 - percent / 100)


@then("every vector is unchanged")
def vectors_unchanged(context: Context) -> None:
    expect_scaled(context.world.of(Update), lambda tensor: tensor.ndim < 2, 1.0)


def expect_scaled(update: Update, chosen: Any, factor: float) -> None:
    """The chosen parameters, of which there are some, are `factor` times what they were."""
    names = [name for name, tensor in update.before.items() if chosen(tensor)]
    assert names, "there is none"
    after = dict(update.model.named_parameters())
    for name in names:
        torch.testing.assert_close(after[name].detach(), update.before[name] * factor, rtol=1e-6, atol=1e-9)
