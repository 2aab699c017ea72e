"""Steps about devices, and about what a run gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import then, when
from behave.runner import Context

from foundry.errors import FoundryError
from foundry.evaluation.summary import RunSummary
from foundry.testing.forking import in_a_fork
from foundry.testing.hosts import Leftovers, train_again_and_again, train_without_gpus
from foundry.testing.runs import Runs
from foundry.trainer import Trainer, TrainingReport
from foundry.training.lifecycle import RunRecord

SETTLED = 4
"""The first runs of a process import and cache what the later ones use again."""


@dataclass
class Many:
    """What was left after each of many runs."""

    after: list[Leftovers] = field(default_factory=list)


@when("it is launched in a process with CUDA_VISIBLE_DEVICES set to nothing")
def launched_without_gpus(context: Context) -> None:
    runs = context.world.of(Runs)
    end = in_a_fork(train_without_gpus, runs.config(), Path.cwd())
    runs.folder = Trainer(runs.config()).run_folder
    if end.exit_code:
        runs.error = FoundryError(end.problem)
    else:
        runs.report = TrainingReport(runs.folder, RunRecord.read(runs.folder), *end.answer)


@then("its environment names no GPU")
def no_gpu_named(context: Context) -> None:
    environment = RunSummary.read(context.world.of(Runs).folder).document("environment.json")
    assert environment["torch_threads"] >= 1 and environment["gpus"] == [], environment


@then("there is no run folder")
def no_run_folder(context: Context) -> None:
    assert not context.world.of(Runs).folder.exists()


@when("{count:d} runs are made in one process, each with a seed of its own")
def many_runs(context: Context, count: int) -> None:
    end = in_a_fork(train_again_and_again, context.world.of(Runs).config(), Path.cwd(), count)
    assert end.exit_code == 0, end.problem
    context.world.of(Many).after = end.answer


@then("no tensor, thread or open file of a run is left after it")
def nothing_left(context: Context) -> None:
    after = context.world.of(Many).after
    kinds = {(left.tensors, left.threads, left.open_files, left.gpu_bytes) for left in after[SETTLED:]}
    assert len(after) == 20 and len(kinds) == 1, f"tensors, threads, files, bytes on the GPU: {sorted(kinds)}"


@then("the process holds at most {limit:d} MB more after the last of them than after the fifth")
def no_growth(context: Context, limit: int) -> None:
    after = context.world.of(Many).after
    growth = (after[-1].resident_bytes - after[SETTLED].resident_bytes) / 1e6
    context.world.attach("Memory after each run", "\n".join(f"{left.resident_bytes / 1e6:.1f} MB" for left in after))
    assert growth <= limit, f"{growth:.1f} MB"
