"""Steps about the phase of a pipeline that trains."""

from __future__ import annotations

import copy
import math
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from behave import then, when
from behave.runner import Context

from foundry.errors import FoundryError
from foundry.files import sha256_of
from foundry.pipeline.experiment import experiment_of
from foundry.pipeline.phase import PhaseOutcome
from foundry.pipeline.phases.train import Train
from foundry.testing.faults import launch_and_signal
from foundry.testing.runs import contents_of
from foundry.testing.tokenized import FOLDER, Tokenized
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics


@dataclass
class Trainings:
    """What the trainings of a scenario came to, and what was said of wrong experiments."""

    outcomes: list[PhaseOutcome] = field(default_factory=list)
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)


def trainings(context: Context) -> Trainings:
    found: Trainings = context.world.of(Trainings)
    return found


def train(context: Context) -> None:
    trainings(context).outcomes.append(context.world.of(Tokenized).run(Train()))


def run_folder(context: Context) -> Path:
    return FOLDER / "runs" / str(trainings(context).outcomes[-1].results["run"])


@when("it is tokenized and trained")
def tokenized_and_trained(context: Context) -> None:
    context.world.of(Tokenized).tokenized()
    train(context)


@when("it is tokenized and trained, and trained again")
def trained_again(context: Context) -> None:
    tokenized_and_trained(context)
    trainings(context).before = contents_of(FOLDER)
    train(context)


@when("it is tokenized and trained, that is removed, and it is trained again with a kill at step {number:d}")
def killed_and_again(context: Context, number: int) -> None:
    state = context.world.of(Tokenized)
    state.experiment["training"] |= {"checkpoint_schedule": [2, 4], "evaluation_interval": 20}
    tokenized_and_trained(context)
    for name in ("runs", "artifacts"):
        shutil.rmtree(FOLDER / name)
    parameters = state.pipeline.results["tokenize"]["parameters"]
    experiment = experiment_of(state.config, FOLDER, FOLDER.name, parameters)
    assert launch_and_signal(experiment, f"step {number}", signal.SIGKILL) == -signal.SIGKILL
    state.reports.clear()
    train(context)


@when("it is trained without having been tokenized")
def not_tokenized(context: Context) -> None:
    context.world.of(Tokenized).attempt(Train())


@when("a pipeline is checked with one of these changes at a time")
def checked(context: Context) -> None:
    for row in context.table:
        state = copy.deepcopy(context.world.of(Tokenized))
        for change in row["change"].split("; "):
            key, _, value = change.partition(": ")
            state.set(key, yaml.safe_load(value))
        try:
            experiment_of(state.config, FOLDER, FOLDER.name, origin="rust.yaml")
            message = "(accepted)"
        except FoundryError as error:
            message = str(error)
        trainings(context).messages.append((message, row["message"]))


@then("each pipeline is refused with exactly its message")
def refused(context: Context) -> None:
    for message, expected in trainings(context).messages:
        assert message == expected, f"{message!r} instead of {expected!r}"


@then("the run made as many steps as {length}")
def as_many_steps(context: Context, length: str) -> None:
    state = context.world.of(Tokenized)
    results = state.outcomes["tokenize"].results
    expected = {
        "the computed number": results["parameters"]["total_steps"],
        "one epoch of the sequences": -(-sum(results["sequences"]["training"].values()) // 4),
    }.get(length) or int(length)
    record = RunRecord.read(run_folder(context))
    assert (record.steps_done, record.total_steps) == (expected, expected), f"{record.steps_done}, not {expected}"
    assert trainings(context).outcomes[-1].results["steps"] == expected


@then("its warm-up is {warmup}")
def warmup_is(context: Context, warmup: str) -> None:
    parameters = context.world.of(Tokenized).outcomes["tokenize"].results["parameters"]
    expected = parameters["warmup_steps"] if warmup == "the computed number" else int(warmup)
    rates = [row["learning_rate"] for row in read_metrics(run_folder(context) / "metrics.jsonl")]
    highest = rates.index(max(rates))
    assert highest in (expected, expected - 1), f"the highest rate is that of step {highest + 1}: {rates}"


@then("the results name run, steps, best step, best loss and published weights as the run has them")
def results_as_run(context: Context) -> None:
    results, folder = trainings(context).outcomes[-1].results, run_folder(context)
    record = RunRecord.read(folder)
    weights = FOLDER / "artifacts" / record.run_id / "model.safetensors"
    expected: dict[str, Any] = {
        "run": folder.name,
        "steps": record.steps_done,
        "best_step": record.best_step,
        "best_validation_loss": record.best_validation_loss,
        "weights": sha256_of(weights),
    }
    found = {key: results[key] for key in expected}
    assert found == expected and record.state == "cleaned", f"{found} instead of {expected}"


@then("the best validation loss is at least {nats:g} nats below ln(vocabulary)")
def has_learned(context: Context, nats: float) -> None:
    results = trainings(context).outcomes[-1].results
    uniform = math.log(results["vocabulary"])
    assert results["best_validation_loss"] < uniform - nats, f"{results['best_validation_loss']} against {uniform}"


@then("run and published model stand in the pipeline's folder")
def in_the_folder(context: Context) -> None:
    outputs = trainings(context).outcomes[-1].outputs
    assert len(outputs) == 3 and all((FOLDER / path).is_file() for path in outputs), outputs
    assert sorted(path.name for path in Path().iterdir()) == ["pipelines"], sorted(Path().iterdir())


@then("the published model is an adapter")
def is_adapter(context: Context) -> None:
    run = trainings(context).outcomes[-1].results["run"]
    found = sorted(path.name for path in (FOLDER / "artifacts" / run).iterdir())
    assert "adapter_config.json" in found, found


@then("both trainings have the same results")
def same_results(context: Context) -> None:
    first, second = (outcome.results for outcome in trainings(context).outcomes)
    assert first == second, f"{first} and {second}"


@then("the second one went on after step {number:d}")
def went_on(context: Context, number: int) -> None:
    reports = context.world.of(Tokenized).reports
    assert any(f"going on at step {number + 1}," in line for line in reports), reports


@then("nothing below the pipeline's folder has changed")
def unchanged(context: Context) -> None:
    assert contents_of(FOLDER) == trainings(context).before
