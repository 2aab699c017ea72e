"""Steps about `foundry verify` and `foundry diff`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from behave import given, then
from behave.runner import Context

from foundry.evaluation.verification import MARKS, verify_run
from foundry.files import write_json
from foundry.manifests import FileDigest, checkpoint_folders, read_manifest, store_manifest
from foundry.testing.commands import CommandState
from foundry.testing.faults import cut_file, flip_byte, launch_and_signal
from foundry.testing.runs import Runs, contents_of
from foundry.trainer import Trainer


def runs_of(context: Context) -> Runs:
    found: Runs = context.world.of(Runs)
    return found


def printed(context: Context) -> str:
    text: str = context.world.of(CommandState).finished.stdout
    return text


@given("in the run, a byte of {name} has flipped")
def byte_flipped(context: Context, name: str) -> None:
    if name == "the published weights":
        flip_byte(Path("artifacts") / runs_of(context).folder.name / "model.safetensors", -1)
    else:
        flip_byte(runs_of(context).folder / name, -20)


@given("in the run, {name} is gone")
def is_gone(context: Context, name: str) -> None:
    if name == "the publication":
        shutil.rmtree(Path("artifacts") / runs_of(context).folder.name)
    elif name.startswith("line "):
        change_line(context, name, lambda _line: b"")
    else:
        (runs_of(context).folder / name).unlink()


@given("in the run, {place} stands twice")
def stands_twice(context: Context, place: str) -> None:
    change_line(context, place, lambda line: line + line)


@given("in the run, {place} is garbled")
def is_garbled(context: Context, place: str) -> None:
    change_line(context, place, lambda line: b"\0" * (len(line) - 1) + b"\n")


def change_line(context: Context, place: str, change: Any) -> None:
    """Change a line that is named like `line 4 of metrics.jsonl`."""
    _, number, _, name = place.split()
    path = runs_of(context).folder / name
    lines = path.read_bytes().splitlines(keepends=True)
    lines[int(number) - 1] = change(lines[int(number) - 1])
    path.write_bytes(b"".join(lines))


@given("in the run, {name} is cut off")
def is_cut_off(context: Context, name: str) -> None:
    cut_file(runs_of(context).folder / name, 20)


@given("in the run, config.yaml has another learning rate")
def another_learning_rate(context: Context) -> None:
    path = runs_of(context).folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    assert "learning_rate: 0.003" in text, text
    path.write_text(text.replace("learning_rate: 0.003", "learning_rate: 0.002"), encoding="utf-8")


@given("in the run, data.json names other tokens")
def other_tokens(context: Context) -> None:
    change_json(runs_of(context).folder / "data.json", ("files", "train.bin", "sha256"), "0" * 64)


@given("its environment.json was written under torch {version}")
def written_under(context: Context, version: str) -> None:
    change_json(runs_of(context).folder / "environment.json", ("packages", "torch"), version)


def change_json(path: Path, place: tuple[str, ...], value: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    write_json(path, content)


@given("in the run, the newest checkpoint was set aside")
def was_set_aside(context: Context) -> None:
    newest = checkpoint_folders(runs_of(context).folder / "checkpoints")[-1]
    newest.rename(newest.with_name(f"damaged-{newest.name}-0"))


@given("in the run, the weights of step {step:d} are others, and their manifest says so")
def other_weights(context: Context, step: int) -> None:
    folder = runs_of(context).folder / f"checkpoints/step-{step:08d}"
    flip_byte(folder / "model.safetensors", -1)
    manifest = read_manifest(folder)
    described = {**manifest.files, "model.safetensors": FileDigest.of(folder / "model.safetensors")}
    store_manifest(folder, manifest.model_copy(update={"files": described}))


@given("its launch made its last checkpoint, and was killed then")
def killed_at_last_checkpoint(context: Context) -> None:
    runs = runs_of(context)
    rehearsal = Trainer(
        runs.config(**{"training.output_dir": "rehearsal", "artifacts.path": "rehearsal-store"})
    ).train()
    runs.folder = Trainer(runs.config()).run_folder
    exit_code = launch_and_signal(runs.config(), f"checkpoint {rehearsal.last_step}", 9)
    assert exit_code == -9, f"the launch was not killed: {exit_code}"


@given('verifying the run says "{text}"')
def verifying_says(context: Context, text: str) -> None:
    folder = runs_of(context).folder
    before = contents_of(Path())
    relaunch = verify_run(folder, lambda _line: None).relaunch
    assert relaunch == text or relaunch.startswith((f"{text}:", f"{text};")), relaunch
    assert contents_of(Path()) == before, "verifying changed something"


@then("the only damage it finds is in {place}, because {reason}")
def only_damage(context: Context, place: str, reason: str) -> None:
    marked = [line for line in printed(context).splitlines() if line.startswith(MARKS["damaged"])]
    assert len(marked) == 1, f"found:\n{printed(context)}"
    subject, _, text = marked[0].removeprefix(MARKS["damaged"]).strip().partition("  ")
    assert subject == place and reason in text, marked[0]


@then('standard output is JSON that says of {first} damaged, of {second} whole, and "{relaunch}"')
def json_says(context: Context, first: str, second: str, relaunch: str) -> None:
    content = json.loads(printed(context))
    verdicts = {finding["subject"]: finding["verdict"] for finding in content["findings"]}
    assert (verdicts[first], verdicts[second], content["whole"]) == ("damaged", "whole", False), verdicts
    assert content["relaunch"].startswith(relaunch), content["relaunch"]


@then("it did without torch")
def without_torch(context: Context) -> None:
    imported = context.world.of(CommandState).finished.imported_modules
    assert "foundry.cli_runs" in imported and "foundry.settings" in imported, "the trace holds no imports"
    assert "torch" not in imported, "torch was imported"


def marked_names(context: Context) -> list[str]:
    """The names of the differences that stand behind an exclamation mark."""
    lines = [line[1:].strip() for line in printed(context).splitlines() if line.startswith("! ")]
    return [line.partition("  ")[0] for line in lines if not line.startswith("changes the weights")]


@then("nothing is marked")
def nothing_marked(context: Context) -> None:
    assert printed(context) and not marked_names(context), printed(context)


@then("marked are, in this order")
def marked_are(context: Context) -> None:
    expected = [row["name"] for row in context.table]
    assert marked_names(context) == expected, printed(context)


@then("among what is marked are")
def among_marked(context: Context) -> None:
    missing = [row["name"] for row in context.table if row["name"] not in marked_names(context)]
    assert not missing, f"{missing} not marked in\n{printed(context)}"


@then("the differences in metrics, data and outcome are")
def differences_are(context: Context) -> None:
    content = json.loads(printed(context))
    sections = ("metrics", "data", "outcome")
    found = [
        (item["name"], str(item["first"]), str(item["second"]))
        for item in content["differences"]
        if item["section"] in sections
    ]
    expected = [(row["name"], row["first"], row["second"]) for row in context.table]
    assert found == expected, found
    assert any(item["section"] == "configuration" for item in content["differences"]), content
