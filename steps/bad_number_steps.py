"""Steps about runs whose numbers go bad."""

from __future__ import annotations

import json
import math
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from behave import given, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry import manifests
from foundry.data.batches import Batch, BatchOrder
from foundry.data.processor import DataProcessor
from foundry.models import create_model
from foundry.testing.bad_numbers import make_tokens_overflow, tokens_of_steps
from foundry.testing.batches import OneBatch
from foundry.testing.comparison import assert_same_tensors
from foundry.testing.experiments import small_experiment, write_code_corpus, write_noise_corpus
from foundry.testing.faults import launch_and_signal
from foundry.testing.runs import Runs
from foundry.trainer import Trainer
from foundry.training.checkpointing import checkpoint_tensors
from foundry.training.events import Message
from foundry.training.loop import StepResult, TrainingLoop
from foundry.training.optimizer import create_optimizer


@dataclass
class BadStep:
    """A step made by hand, and what the tensors were before it."""

    loop: TrainingLoop | None = None
    result: StepResult | None = None
    before: dict[str, torch.Tensor] = field(default_factory=dict)


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


@given("a killed run of GPT-2 for which the batch of step {step:d} gives no finite loss")
def one_bad_batch(context: Context, step: int) -> None:
    bad_batches(context, [step])


@given("a killed run of GPT-2 for which the batches of steps {steps} give no finite loss")
def several_bad_batches(context: Context, steps: str) -> None:
    bad_batches(context, [int(step) for step in steps.split(",")])


def bad_batches(context: Context, steps: list[int]) -> None:
    """Kill a run after step 5, and let the checkpoint overflow for a token of just those steps."""
    runs = runs_of(context)
    write_code_corpus(Path("corpus"), num_documents=30)
    runs.settings.update(
        {
            "model.architecture": "gpt2",
            "model.tie_embeddings": False,
            "tokenizer.vocab_size": 600,
            "data.batch_size": 2,
            "data.max_sequence_length": 16,
            "data.validation_fraction": 0,
            "training.checkpoint_schedule": [5, 7, 8, 9, 10],
            "training.keep_checkpoints": None,
        }
    )
    config = runs.config()
    runs.folder = Trainer(config).run_folder
    assert launch_and_signal(config, "checkpoint 5", signal.SIGKILL) == -signal.SIGKILL
    tokens = tokens_of_steps(config, steps, set(range(6, 13)) - set(steps))
    make_tokens_overflow(manifests.checkpoint_folder(runs.folder / "checkpoints", 5), tokens)


@then("the metrics say of step {number:d}, and of no other, that it was not applied")
def metrics_say(context: Context, number: int) -> None:
    rows = runs_of(context).metrics
    assert [row["step"] for row in rows] == list(range(1, 13)), rows
    left = [(row["step"], row["loss"]) for row in rows if not row.get("applied", True)]
    assert left == [(number, None)], left


@then("weights and optimizer state after step {number:d} are those after step {before:d}")
def same_as_before(context: Context, number: int, before: int) -> None:
    folder = runs_of(context).folder / "checkpoints"
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert_same_tensors(*(manifests.checkpoint_folder(folder, step) / name for step in (number, before)))


@then("the batch of step {number:d} is kept as numbers and text")
def batch_is_kept(context: Context, number: int) -> None:
    kept = sorted((runs_of(context).folder / "bad-steps").iterdir())
    assert [path.name for path in kept] == [f"step-{number:08d}.json"], kept
    content = json.loads(kept[0].read_text(encoding="utf-8"))
    assert content["step"] == number and len(content["blocks"]) == 2, content
    blocks, config = DataProcessor(runs_of(context).config()).prepare().training, runs_of(context).config()
    indices = BatchOrder(len(blocks), config.global_batch_size, config.random_seed).indices(number)
    assert [block["block"] for block in content["blocks"]] == indices.tolist(), content
    assert [block["token_ids"] for block in content["blocks"]] == blocks.rows(indices)[0].tolist(), content
    corpus = "".join(path.read_text(encoding="utf-8") for path in sorted(Path("corpus").iterdir()))
    for block in content["blocks"]:
        assert any(line.strip() and line in corpus for line in block["text"].split("\n")[1:-1]), block["text"]


@then("a warning names step {number:d} and where its batch is kept")
def warning_names_batch(context: Context, number: int) -> None:
    warnings = [event.text for event in runs_of(context).events if isinstance(event, Message) and event.warning]
    named = [text for text in warnings if f"step {number}:" in text and f"bad-steps/step-{number:08d}.json" in text]
    assert len(named) == 1, warnings


@then("every checkpoint holds finite numbers only")
def finite_only(context: Context) -> None:
    folders = manifests.checkpoint_folders(runs_of(context).folder / "checkpoints")
    assert folders, "there is no checkpoint"
    for path in [path for folder in folders for path in folder.glob("*.safetensors")]:
        bad = [name for name, tensor in load_file(path).items() if not tensor.isfinite().all()]
        assert not bad, f"{path}: {bad}"


@then("nothing is checkpointed")
def nothing_checkpointed(context: Context) -> None:
    found = sorted(path.name for path in (runs_of(context).folder / "checkpoints").glob("*"))
    assert not found, found


@then("{what} model is published")
def model_is_published(context: Context, what: str) -> None:
    published = runs_of(context).record.published
    assert (published is not None) == (what == "a"), published
    assert what in ("a", "no"), what


@given("a model whose gradient is not finite for one of its tokens")
def model_with_bad_gradient(context: Context) -> None:
    """The norm of a vector of zeros divides by the root of its tiny epsilon: finite once, overflowing when squared."""
    config = small_experiment({"model.rms_norm_epsilon": 1e-44, "model.tie_embeddings": False})
    model: Any = create_model(config.model, 300, config.data.max_sequence_length)
    with torch.no_grad():
        model.embedding.weight[7] = 0
    token_ids = torch.tensor([[1, 7, 2, 3], [4, 5, 7, 6]])
    batches: Any = OneBatch(Batch(token_ids, token_ids))
    optimizer = create_optimizer(model, config.training)
    context.world.of(BadStep).loop = TrainingLoop(model, optimizer, batches, config, 10, torch.device("cpu"))


@when("a step is made whose batch holds that token")
def bad_step_made(context: Context) -> None:
    bad = context.world.of(BadStep)
    assert bad.loop is not None
    bad.before = {name: tensor.clone() for name, tensor in all_tensors(bad.loop).items()}
    bad.result = bad.loop.step(1)


def all_tensors(loop: TrainingLoop) -> dict[str, torch.Tensor]:
    files = checkpoint_tensors(loop.model, loop.optimizer)
    return {f"{file}: {name}": tensor.detach() for file, held in files.items() for name, tensor in held.items()}


@then("its loss is finite, and its gradient norm is not")
def only_gradient_is_bad(context: Context) -> None:
    result = context.world.of(BadStep).result
    assert result is not None and math.isfinite(result.loss) and not math.isfinite(result.gradient_norm), result


@then("the step was not applied, and changed neither weights nor optimizer state")
def not_applied(context: Context) -> None:
    bad = context.world.of(BadStep)
    assert bad.loop is not None and bad.result is not None
    assert bad.result.is_bad and not bad.result.is_applied, bad.result
    changed = [name for name, tensor in all_tensors(bad.loop).items() if not torch.equal(tensor, bad.before[name])]
    assert bad.before and not changed, changed


@given("an experiment on code with a little noise, whose loss jumps where the noise is")
def code_with_noise(context: Context) -> None:
    write_code_corpus(Path("corpus"), num_documents=12)
    write_noise_corpus(Path("corpus"), num_documents=1, length=300)
    runs_of(context).settings.update(
        {
            "data.batch_size": 1,
            "data.validation_fraction": 0,
            "model.dropout": 0.1,
            "training.train_steps": 60,
            "training.checkpoint_schedule": list(range(4, 60, 4)),
            "training.keep_checkpoints": None,
        }
    )


@given("its launch was killed shortly {side} its first spike")
def killed_near_spike(context: Context, side: str) -> None:
    runs = runs_of(context)
    left_out = {step for first, last in runs.uninterrupted.record.left_out_steps for step in range(first, last + 1)}
    first_spike = runs.uninterrupted.record.left_out_steps[0][1]
    after = next(step for step in range(first_spike + 1, 60) if step not in left_out)
    moment = {"before": first_spike - 1, "after": after}[side]
    config = runs.config()
    runs.folder = Trainer(config).run_folder
    assert launch_and_signal(config, f"step {moment}", signal.SIGKILL) == -signal.SIGKILL


@then("it went back from a spike at least once")
def went_back(context: Context) -> None:
    runs = runs_of(context)
    warnings = [
        event.text for event in runs.events if isinstance(event, Message) and "is a spike; back to" in event.text
    ]
    assert runs.finished.record.left_out_steps, "no step was left out"
    assert len(warnings) == len(runs.record.left_out_steps), warnings


@then("the steps that were left out are those from a checkpoint to a spike")
def left_out_from_checkpoint(context: Context) -> None:
    runs = runs_of(context)
    for first, last in runs.record.left_out_steps:
        assert (first - 1) % 4 == 0 and first <= last < first + 4, (first, last)
    left = [row["step"] for row in runs.metrics if not row.get("applied", True)]
    assert left == [step for first, last in runs.record.left_out_steps for step in range(first, last + 1)], left


@then("weights and optimizer state after the left-out steps are those of the checkpoint before them")
def left_out_changed_nothing(context: Context) -> None:
    runs = runs_of(context)
    whole = [(first, last) for first, last in runs.record.left_out_steps if last % 4 == 0]
    assert whole, f"no stretch ends at a checkpoint: {runs.record.left_out_steps}"
    for first, last in whole:
        same_as_before(context, last, first - 1)


@then("its metrics hold every step from {first:d} to {last:d} once")
def every_step_from_to(context: Context, first: int, last: int) -> None:
    steps = [row["step"] for row in runs_of(context).metrics]
    assert steps == list(range(first, last + 1)), steps


@then("no step was left out")
def none_left_out(context: Context) -> None:
    runs = runs_of(context)
    assert not runs.finished.record.left_out_steps, runs.record.left_out_steps
    assert all(row.get("applied", True) for row in runs.metrics)
