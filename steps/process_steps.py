"""Steps about runs that several processes train."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from behave import given, step, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry import manifests
from foundry.config_file import to_yaml
from foundry.generation import Generator, SamplingRule
from foundry.manifests import parts_name
from foundry.testing.experiments import write_code_corpus
from foundry.testing.hostile import payloads
from foundry.testing.launches import PUBLISHED_LOG, Launched, Plan, launch_command, launch_processes
from foundry.testing.processes import Finished, run_torchrun
from foundry.testing.runs import ELSEWHERE, Runs
from foundry.trainer import Trainer, TrainingReport
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import read_metrics

SIX_STEPS = {
    "training.train_steps": 6,
    "training.evaluation_interval": 3,
    "training.checkpoint_schedule": [2],
    "data.batch_size": 4,
}

CANARY = Path("canary")
MATRICES = {"embedding.weight": (320, 32), "layers.1.attention.output.weight": (32, 32)}
"""Some of the small experiment's weights."""


@dataclass
class Several:
    """What became of the last launch of several processes."""

    launched: Launched | None = None
    torchrun: Finished | None = None
    texts: list[str] = field(default_factory=list)

    @property
    def last(self) -> Launched:
        assert self.launched is not None, "several processes were not launched"
        return self.launched


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


def last_launch(context: Context) -> Launched:
    return context.world.of(Several).last


@given("a small experiment of 6 steps")
@given("a small experiment of 6 steps with")
def six_steps(context: Context) -> None:
    write_code_corpus(Path("corpus"))
    settings = runs_of(context).settings
    settings.update(SIX_STEPS)
    settings.update({row["setting"]: yaml.safe_load(row["value"]) for row in context.table or ()})


@given("a machine with {count:d} GPUs")
def machine_with_gpus(context: Context, count: int) -> None:
    if torch.cuda.device_count() < count:
        context.scenario.skip(f"needs {count} CUDA GPUs: this machine has {torch.cuda.device_count()}")


def launch(context: Context, count: int, **fault: Any) -> Launched:
    """Launch the scenario's experiment in several processes, and find its run folder."""
    runs = runs_of(context)
    plan = Plan(runs.config(), **fault)
    runs.folder = Trainer(plan.config).run_folder
    context.world.of(Several).launched = launched = launch_processes(plan, count)
    return launched


def report_of(folder: Path, launched: Launched) -> TrainingReport:
    assert set(launched.exit_codes) == {0}, launched
    return TrainingReport(folder, RunRecord.read(folder), *launched.steps)


@given("it has been trained elsewhere in {count:d} processes without interruption")
def trained_elsewhere(context: Context, count: int) -> None:
    config = runs_of(context).config(**ELSEWHERE)
    launched = launch_processes(Plan(config), count)
    runs_of(context).reference = report_of(Trainer(config).run_folder, launched)
    PUBLISHED_LOG.unlink()


@when("it is launched in 1 process")
def launched_in_one(context: Context) -> None:
    runs_of(context).launch()


@when("it is launched in {count:d} processes")
def launched_in_several(context: Context, count: int) -> None:
    launched = launch(context, count)
    runs_of(context).report = report_of(runs_of(context).folder, launched)


@step("process {rank:d} of its {count:d} is killed in step {number:d}")
@step("process {rank:d} of its {count:d} was killed in step {number:d}")
def one_is_killed(context: Context, rank: int, count: int, number: int) -> None:
    launched = launch(context, count, killed_in_step={rank: number})
    assert launched.exit_codes[rank] == -signal.SIGKILL, launched
    others = [code for other, code in enumerate(launched.exit_codes) if other != rank]
    assert set(others) == {1}, launched


@given("all of its {count:d} processes were killed in step {number:d}")
@given("its {count:d} process was killed in step {number:d}")
def all_were_killed(context: Context, count: int, number: int) -> None:
    launched = launch(context, count, killed_in_step=dict.fromkeys(range(count), number))
    assert -signal.SIGKILL in launched.exit_codes, launched
    assert set(launched.exit_codes) <= {-signal.SIGKILL, 1}, launched


@when("process {rank:d} of its {count:d} receives {name} at {moment}")
def one_receives(context: Context, rank: int, count: int, name: str, moment: str) -> None:
    launch(context, count, moment=moment, signals={rank: signal.Signals[name]})


@when("every process of its {count:d} receives {name} at {moment}")
def every_receives(context: Context, count: int, name: str, moment: str) -> None:
    launch(context, count, moment=moment, signals=dict.fromkeys(range(count), signal.Signals[name]))


@when("the command trains it in {count:d} processes")
def command_trains(context: Context, count: int) -> None:
    Path("experiment.yaml").write_text(to_yaml(runs_of(context).config()))
    context.world.of(Several).launched = launch_command(["train", "experiment.yaml"], count)


@when("torchrun starts its training in {count:d} processes")
def torchrun_starts(context: Context, count: int) -> None:
    config = runs_of(context).config()
    Path("experiment.yaml").write_text(to_yaml(config))
    runs_of(context).folder = Trainer(config).run_folder
    context.world.of(Several).torchrun = run_torchrun(["train", "experiment.yaml"], count)


@then("torchrun exits with {code:d}")
def torchrun_exits(context: Context, code: int) -> None:
    finished = context.world.of(Several).torchrun
    assert finished is not None and finished.exit_code == code, finished


@then("it says once that the run has stopped and that it is published")
def says_once(context: Context) -> None:
    finished = context.world.of(Several).torchrun
    assert finished is not None
    for text in ("stopped: ", "published: ", "next:"):
        assert finished.stdout.count(text) == 1, finished.stdout


@then("every process exits with {code:d}")
def every_exits(context: Context, code: int) -> None:
    assert set(last_launch(context).exit_codes) == {code}, last_launch(context)


@then('process {rank:d} exits with {code:d}, saying "{text}"')
def one_exits(context: Context, rank: int, code: int, text: str) -> None:
    launched = last_launch(context)
    assert launched.exit_codes[rank] == code, launched
    assert text in launched.problems[rank], launched.problems[rank]


@then("all processes together say one line")
def one_line(context: Context) -> None:
    said = "".join(last_launch(context).said)
    assert said.count("\n") == 1, said


@then('it names "{one}" and "{other}"')
def names_both(context: Context, one: str, other: str) -> None:
    said = "".join(last_launch(context).said)
    assert one in said and other in said, said


@then("its metrics hold each of the {count:d} steps once")
def each_step_once(context: Context, count: int) -> None:
    steps = [row["step"] for row in runs_of(context).metrics]
    assert steps == list(range(1, count + 1)), steps


@then("its losses are those of the uninterrupted run, within a hundred-thousandth")
def same_losses(context: Context) -> None:
    runs = runs_of(context)
    assert runs.finished.run_folder != runs.uninterrupted.run_folder, "a run was compared with itself"
    rows, others = runs.metrics, read_metrics(runs.uninterrupted.run_folder / "metrics.jsonl")
    assert len(rows) == len(others) > 0, f"{len(rows)} and {len(others)} rows"
    for row, other in zip(rows, others, strict=True):
        assert row["step"] == other["step"] and row["learning_rate"] == other["learning_rate"], f"{row} and {other}"
        for name in ("loss", "gradient_norm", *(["validation_loss"] if "validation_loss" in other else [])):
            assert abs(row[name] - other[name]) <= 1e-5 * abs(other[name]), f"{name}: {row} and {other}"


@then("the published weights are those of the uninterrupted run, within a ten-thousandth")
def same_weights(context: Context) -> None:
    runs = runs_of(context)
    published = [run.record.published for run in (runs.finished, runs.uninterrupted)]
    one, other = (load_file(Path(artifact.location) / "model.safetensors") for artifact in published if artifact)
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    for name in one:
        largest = float((one[name] - other[name]).abs().max())
        assert largest <= 1e-4, f"{name} differs by {largest}"


@then("process 0 alone has published")
def first_alone_published(context: Context) -> None:
    assert PUBLISHED_LOG.read_text() == "process 0\n", PUBLISHED_LOG.read_text()


def checkpoints_of(context: Context) -> list[Path]:
    found = manifests.checkpoint_folders(runs_of(context).folder / "checkpoints")
    assert found, "there is no checkpoint"
    return found


@then("in each of its checkpoints, each of {count:d} files holds an equal part of every matrix, and of its means")
def holds_parts(context: Context, count: int) -> None:
    for folder in checkpoints_of(context):
        for file, prefix in (("model.safetensors", ""), ("optimizer.safetensors", "exp_avg.")):
            parts = [load_file(part) for part in sorted((folder / parts_name(file)).iterdir())]
            assert len(parts) == count, parts
            for name, shape in MATRICES.items():
                shapes = [tuple(part[f"{prefix}{name}"].shape) for part in parts]
                assert shapes == [(shape[0] // count, *shape[1:])] * count, f"{name}: {shapes}"


@then("each of its checkpoints holds nothing but safetensors and JSON, every file with its digest")
def safe_files(context: Context) -> None:
    for folder in checkpoints_of(context):
        manifest = manifests.verify(folder, ("model.safetensors", "optimizer.safetensors", "state.json"))
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found == {*manifest.files, "manifest.json"}, found ^ set(manifest.files)
        assert {Path(name).suffix for name in found} == {".safetensors", ".json"}, found


@given("a pickle that runs code stands as .metadata in every folder of its checkpoints")
def pickle_planted(context: Context) -> None:
    for checkpoint in checkpoints_of(context):
        for folder in (checkpoint, *(path for path in checkpoint.iterdir() if path.is_dir())):
            (folder / ".metadata").write_bytes(payloads.pickle_of(CANARY.absolute()))


@then("the pickle was not executed")
def pickle_not_executed(context: Context) -> None:
    assert not CANARY.exists(), "the pickle was executed"


@given("a part that its manifest does not list stands in the newest checkpoint")
def unlisted_part(context: Context) -> None:
    weights = checkpoints_of(context)[-1] / parts_name("model.safetensors")
    shutil.copyfile(sorted(weights.iterdir())[0], weights / "shard-00003-model-00001-of-00001.safetensors")


@given("it has been trained elsewhere in 1 process until it was killed in step {number:d}")
def killed_elsewhere(context: Context, number: int) -> None:
    config = runs_of(context).config(**ELSEWHERE)
    runs_of(context).other_folder = Trainer(config).run_folder
    launched = launch_processes(Plan(config, killed_in_step={0: number}), 1)
    assert launched.exit_codes == (-signal.SIGKILL,), launched


@when("text is generated from the run and from the one elsewhere")
def text_generated(context: Context) -> None:
    runs = runs_of(context)
    rule = SamplingRule(temperature=0)
    context.world.of(Several).texts = [
        Generator.load(folder).generate(["def "], 12, rule)[0].full_text for folder in (runs.folder, runs.other_folder)
    ]


@then("both say the same")
def both_say_the_same(context: Context) -> None:
    one, other = context.world.of(Several).texts
    assert one == other and len(one) > len("def "), f"{one!r} and {other!r}"


@then("its newest checkpoint is of the step that its metrics end with")
def newest_is_last(context: Context) -> None:
    newest = checkpoints_of(context)[-1]
    last = runs_of(context).metrics[-1]["step"]
    assert manifests.verify(newest, ("state.json",)).step == last == runs_of(context).record.steps_done, newest
    assert last in (4, 5), last
