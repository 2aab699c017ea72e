"""Steps about runs that are trained on what is new in a repository."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context
from safetensors.torch import load_file

from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.testing.comparison import assert_same_tensors
from foundry.testing.experiments import small_experiment
from foundry.testing.faults import change_json, flip_byte, launch_and_signal
from foundry.testing.growth import documents_in, texts_of
from foundry.testing.pretrained import finetuning_settings, saved_pretrained
from foundry.testing.processes import Finished, run_foundry
from foundry.testing.repositories import SampleRepository, python_module, python_project
from foundry.trainer import Trainer, TrainingReport

BASE = Path("base")


@dataclass
class Growing:
    """A repository, its experiment, and the runs that were grown.

    Attributes:
        old, new: the texts that the runs so far have seen, and those that came last.
        held_out: the texts that the first run validated by.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    repositories: list[SampleRepository] = field(default_factory=list)
    reports: list[TrainingReport] = field(default_factory=list)
    old: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    held_out: set[str] = field(default_factory=set)
    error: FoundryError | None = None
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    before: dict[str, tuple[int, int]] = field(default_factory=dict)

    def config(self, **changes: Any) -> ExperimentConfig:
        return small_experiment({**self.settings, **changes})

    @property
    def last(self) -> TrainingReport:
        assert self.error is None, self.error
        return self.reports[-1]


def growing(context: Context) -> Growing:
    found: Growing = context.world.of(Growing)
    return found


def times_below(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


def published(report: TrainingReport) -> Path:
    assert report.record.published is not None, report.record
    return Path(report.record.published.location)


@given("an experiment that adapts a pretrained model to a repository, which has been trained")
def adapter_trained_on_repository(context: Context) -> None:
    growing(context).settings |= finetuning_settings(saved_pretrained(BASE))
    trained_on_repository(context)


@given("the pretrained model has been replaced by another")
def base_replaced(context: Context) -> None:
    before = (BASE / "model.safetensors").read_bytes()
    shutil.rmtree(BASE)
    saved_pretrained(BASE, seed=4)
    assert (BASE / "model.safetensors").read_bytes() != before


@given("an experiment on a repository, which has been trained")
def trained_on_repository(context: Context) -> None:
    state = growing(context)
    state.repositories.append(python_project(Path("project")))
    state.settings |= {
        "data.source_corpus": None,
        "data.git.repository": "project",
        "data.git.commits": False,
        "data.git.exclude": ["docs/*"],
        "artifacts.keep_local_checkpoints": False,
        "training.train_steps": 4,
        "training.checkpoint_schedule": [2],
    }
    state.reports.append(Trainer(state.config()).train())
    state.old = texts_of(state.config())
    state.held_out = documents_in(state.last, "validation.bin")
    assert state.held_out, "nothing is held out"


@given("the repository has got new documents")
def got_new_documents(context: Context) -> None:
    state = growing(context)
    state.old = texts_of(state.config())
    first = 100 * len(state.reports)
    files = {f"shapes/new_{number}.py": python_module(number, "depth") for number in range(first, first + 3)}
    state.repositories[0].commit("Add more", files)
    state.new = texts_of(state.config()) - state.old
    assert len(state.new) == 3, state.new


@given("the repository has not changed")
def not_changed(context: Context) -> None:
    assert growing(context).repositories[0].git("status", "--porcelain") == ""


@given("the repository has got a commit of excluded files alone")
def got_excluded(context: Context) -> None:
    growing(context).repositories[0].commit("Explain", {"docs/why.md": "Because.\n"})


@given("the share of old documents as context is {share:g}")
def share_is(context: Context, share: float) -> None:
    growing(context).settings["data.incremental_context"] = share


@given("the learning rate is too small to change a weight")
def tiny_rate(context: Context) -> None:
    growing(context).settings["training.learning_rate"] = 1e-30


@given("it has been trained incrementally")
@when("it is trained incrementally")
def trained_incrementally(context: Context) -> None:
    state = growing(context)
    try:
        state.reports.append(Trainer(state.config(), incremental=True).train())
    except FoundryError as error:
        state.error = error


@when("it is trained incrementally by command")
def trained_by_command(context: Context) -> None:
    state = growing(context)
    shutil.copyfile(state.last.run_folder / "config.yaml", "experiment.yaml")
    text = Path("experiment.yaml").read_text()
    content = yaml.safe_load(text)
    content["data"]["git"]["revision"] = "HEAD"
    Path("experiment.yaml").write_text(yaml.safe_dump(content))
    state.before = times_below(Path())
    state.finished = run_foundry(["train", "experiment.yaml", "--incremental"])


@given("the incremental run is killed at {moment}")
def killed_at(context: Context, moment: str) -> None:
    state = growing(context)
    shutil.copytree("runs", "elsewhere/runs")
    exit_code = launch_and_signal(state.config(), moment, 9, incremental=True)
    assert exit_code == -9, exit_code


@given("of the earlier run {damage}")
def of_earlier_run(context: Context, damage: str) -> None:
    report = growing(context).last
    if damage == "everything is gone":
        shutil.rmtree(report.run_folder)
    elif damage == "a byte of the model has flipped":
        flip_byte(published(report) / "model.safetensors", -1)
    elif damage == "a byte of its list has flipped":
        flip_byte(report.run_folder / "documents" / "trained.hashes", 0)
    else:
        assert damage == "the record says it is training", damage
        change_json(report.run_folder / "run.json", lambda record: record.update(state="training"))


@then("the training tokens are those of the new documents and of old training documents")
def new_and_old(context: Context) -> None:
    state = growing(context)
    trained = documents_in(state.last, "train.bin")
    assert state.new & trained, "nothing new was trained on"
    assert state.new <= trained | documents_in(state.last, "validation.bin"), state.new - trained
    assert trained - state.new and trained - state.new < state.old, trained - state.new


@then("the training tokens are those of the new documents alone")
def new_alone(context: Context) -> None:
    state = growing(context)
    trained = documents_in(state.last, "train.bin")
    assert trained and trained <= state.new, trained - state.new


@then("the old documents have at least the asked share of the new ones' bytes, and not a document more than needed")
def share_of_old(context: Context) -> None:
    state = growing(context)
    trained = documents_in(state.last, "train.bin")
    wanted = 0.1 * sum(len(text) for text in trained & state.new)
    old = sorted(len(text) for text in trained - state.new)
    assert sum(old) >= wanted * 0.9 and sum(old) - old[-1] < wanted, (old, wanted)


@then("no validation document of the earlier run is among the training tokens")
def no_held_out(context: Context) -> None:
    state = growing(context)
    leaked = state.held_out & documents_in(state.last, "train.bin")
    assert not leaked, leaked
    assert state.held_out <= documents_in(state.last, "validation.bin"), "old validation documents no longer validate"


@then("its tokenizer is that of the earlier run, byte for byte")
def same_tokenizer(context: Context) -> None:
    folders = [report.run_folder / "tokenizer" for report in growing(context).reports[-2:]]
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1] and contents[0], [sorted(found) for found in contents]


@then("its published weights are bit-identical to those of the earlier run")
def same_weights(context: Context) -> None:
    earlier, last = growing(context).reports[-2:]
    assert earlier.run_folder != last.run_folder and not (earlier.run_folder / "checkpoints").exists()
    assert_same_tensors(published(earlier) / "model.safetensors", published(last) / "model.safetensors")


@then("they are those of an adapter that has learned")
def adapter_has_learned(context: Context) -> None:
    tensors = load_file(published(growing(context).last) / "model.safetensors")
    outputs = [tensor for name, tensor in tensors.items() if ".lora_B." in name]
    assert outputs and len(outputs) * 2 == len(tensors), sorted(tensors)
    assert all(tensor.any() for tensor in outputs), "an adapter as fresh as it was made"


@then("it has grown from the run that had grown")
def grown_from_grown(context: Context) -> None:
    second, third = growing(context).reports[-2:]
    assert second.record.grown_from is not None and third.record.grown_from is not None
    assert third.record.grown_from.run_id == second.record.run_id, third.record.grown_from


@then("the command prints one line that begins with no_new_data, and exits with 0")
def prints_no_new_data(context: Context) -> None:
    finished = growing(context).finished
    assert finished.exit_code == 0, finished
    lines = finished.stdout.splitlines()
    assert len(lines) == 1 and lines[0].startswith("no_new_data: "), finished


@then("nothing on disk has changed, not even a time")
def nothing_changed(context: Context) -> None:
    before, after = growing(context).before, times_below(Path())
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert not changed, changed


@then("its weights are bit-identical to those of an incremental run that was not killed")
def same_as_not_killed(context: Context) -> None:
    state = growing(context)
    place = {"training.output_dir": "elsewhere/runs", "artifacts.path": "elsewhere/artifacts"}
    reference = Trainer(state.config(**place), incremental=True).train()
    assert_same_tensors(published(state.last) / "model.safetensors", published(reference) / "model.safetensors")


@then("launching it once more says that nothing is new")
def once_more(context: Context) -> None:
    before = times_below(Path("runs"))
    report = Trainer(growing(context).config(), incremental=True).train()
    assert report.no_new_data and times_below(Path("runs")) == before, report


@then('it is refused with exit code {code:d} and "{message}"')
def refused(context: Context, code: int, message: str) -> None:
    error = growing(context).error
    assert error is not None, "it was not refused"
    assert error.exit_code == code and message in str(error) and "\n" not in str(error), (error.exit_code, str(error))


@then("there is no other run than the earlier one")
def no_other_run(context: Context) -> None:
    earlier = growing(context).reports[0].run_folder
    found = [path for path in Path("runs").iterdir() if path.name not in (".data", ".locks")]
    assert found in ([earlier], []), found
