"""Steps about the `foundry` command: each runs it as a process of its own."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import platform
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy
import torch
from behave import given, then, when
from behave.runner import Context

import foundry
from foundry.cli import app
from foundry.config_file import experiment_json_schema
from foundry.data.tokenizers import load_tokenizer
from foundry.files import TEMPORARY_PREFIX
from foundry.testing.commands import CommandState
from foundry.testing.corpora import pretrained_tokenizer
from foundry.testing.experiments import write_code_corpus
from foundry.testing.faults import flip_byte
from foundry.testing.processes import Finished, run_foundry, run_foundry_unread, run_foundry_until
from foundry.testing.runs import Runs, checkpointed, contents_of
from foundry.training.lifecycle import RECORD_NAME, Run, RunRecord, State

RESULT_IN_PAGE = r'd\("data/test-results/[^"]+\.json","([^"]*)"\)'
MOVES_TO: dict[str, list[State]] = {
    "created": [],
    "interrupted": ["training", "interrupted"],
    "cleaned": ["training", "stopped", "published", "cleaned"],
}


def state(context: Context) -> CommandState:
    found: CommandState = context.world.of(CommandState)
    return found


def arguments(context: Context, command: str) -> list[str]:
    """The words after `foundry`.

    `{run}` is the folder of the scenario's run, `{reference}` that of the one trained elsewhere, `{origin}` that of
    the source, `{configs}` all examples in it, and `{byte 0xff}` a byte that is no UTF-8.
    """
    runs: Runs = context.world.of(Runs)
    program, *words = shlex.split(command)
    assert program == "foundry", f"not a foundry command: {command}"
    if "{configs}" in words:
        words = [word for word in words if word != "{configs}"] + [str(path) for path in examples(context)]
    meanings = {"{run}": str(runs.folder), "{origin}": str(context.origin), "{byte 0xff}": os.fsdecode(b"\xff")}
    if runs.reference is not None:
        meanings["{reference}"] = str(runs.reference.run_folder)
    for name, meaning in meanings.items():
        words = [word.replace(name, meaning) for word in words]
    return words


def examples(context: Context) -> list[Path]:
    found = sorted((context.origin / "configs").glob("*.yaml"))
    assert found, "configs is empty"
    return found


def expect_text(found: str, expected: str) -> None:
    assert found == expected, f"expected:\n{expected}\nfound:\n{found}"


def expect_ending(finished: Finished, exit_code: int) -> None:
    shown = f"standard output:\n{finished.stdout}\nstandard error:\n{finished.stderr}"
    assert finished.exit_code == exit_code, f"exit code {finished.exit_code} instead of {exit_code}\n{shown}"


def only_run(context: Context) -> Path:
    """The folder of the one run below `runs`, also for `{run}` in later commands."""
    found = [path.parent for path in Path("runs").glob(f"*/{RECORD_NAME}")]
    assert len(found) == 1, f"expected one run below runs, found {found}"
    context.world.of(Runs).folder = found[0]
    return found[0]


@given("a corpus of code, and an experiment file {name} that trains on it for {steps:d} steps")
def corpus_and_file(_context: Context, name: str, steps: int) -> None:
    write_code_corpus(Path("corpus"))
    Path(name).write_text(
        f"experiment_name: {Path(name).stem}\n"
        "data: {source_corpus: corpus, batch_size: 4, max_sequence_length: 32}\n"
        "tokenizer: {vocab_size: 320}\n"
        "model: {layers: 2, hidden_size: 32, attention_heads: 2}\n"
        f"training: {{train_steps: {steps}, learning_rate: 3e-3, evaluation_interval: {max(1, steps // 2)}}}\n",
        encoding="utf-8",
    )


@given("the files")
def files_of_table(context: Context) -> None:
    for row in context.table:
        path = Path(row["file"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"].replace("\\n", "\n") + "\n", encoding="utf-8")


@given("the runs")
def runs_of_table(context: Context) -> None:
    for row in context.table:
        run = Run.create(Path(row["folder"]), Path(row["folder"]).name, "0" * 12, "0.1.0", "")
        steps, total = (int(number) for number in row["steps"].split(" of "))
        run.note(total_steps=total, steps_done=steps)
        if row["loss"]:
            run.note(best_step=steps, best_validation_loss=float(row["loss"]))
        for move in MOVES_TO[row["state"]]:
            run.move(move, "as in the table")


@given("a byte of the published weights has flipped")
def flipped_weights(context: Context) -> None:
    record = RunRecord.read(context.world.of(Runs).folder)
    assert record.published is not None
    flip_byte(Path(record.published.location) / "model.safetensors", -1)


@given('its {name} ends with "{text}"')
def file_of_run_ends_with(context: Context, name: str, text: str) -> None:
    path = context.world.of(Runs).folder / name
    path.write_text(f"{path.read_text(encoding='utf-8')}{text}\n", encoding="utf-8")


@when('the command "{command}" is run')
def run_command(context: Context, command: str) -> None:
    state(context).before = contents_of(Path())
    state(context).finished = run_foundry(arguments(context, command))


@when('the command "{command}" is run in this process')
def run_command_here(context: Context, command: str) -> None:
    state(context).before = contents_of(Path())
    state(context).finished = finished_here(arguments(context, command))


def finished_here(words: list[str]) -> Finished:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exit_code = app(words, prog_name="foundry", standalone_mode=False)
    return Finished(exit_code or 0, printed.getvalue(), "")


@when("each of these commands is run in this process")
def run_commands_here(context: Context) -> None:
    for row in context.table:
        finished = finished_here(arguments(context, row["command"]))
        expect_ending(finished, 0)
        state(context).printed.append((row["command"], row["prints"], finished.stdout))


@then("those that are said to print the same do, and the others do not")
def print_the_same(context: Context) -> None:
    texts: dict[str, str] = {}
    for command, name, text in state(context).printed:
        expected = texts.setdefault(name, text)
        assert text == expected, f"{command}\nprints:\n{text}\ninstead of {name}:\n{expected}"
    assert len(set(texts.values())) == len(texts), f"some are equal: {texts}"


@when('the command "{command}" is run again, with its imports traced')
def run_command_traced(context: Context, command: str) -> None:
    only_run(context)
    state(context).before = contents_of(Path())
    state(context).finished = run_foundry(arguments(context, command), trace_imports=True)


@when('the command "{command}" is run, with its imports traced')
def run_command_traced_once(context: Context, command: str) -> None:
    state(context).finished = run_foundry(arguments(context, command), trace_imports=True)


@when('the command "{command}" is run where no file may pass {size:d} bytes')
def run_command_limited(context: Context, command: str, size: int) -> None:
    state(context).finished = run_foundry(arguments(context, command), max_file_bytes=size)


@when('the command "{command}" is run, and is sent {signal_name} when it prints "{text}"')
def run_command_signalled(context: Context, command: str, signal_name: str, text: str) -> None:
    state(context).finished = run_foundry_until(arguments(context, command), text, signal_name)


@when('the command "{command}" is run for a reader that has gone away')
def run_command_unread(context: Context, command: str) -> None:
    state(context).finished = run_foundry_unread(arguments(context, command))


@when("each of these commands is run")
def run_commands(context: Context) -> None:
    state(context).before = contents_of(Path())
    for row in context.table:
        finished = run_foundry(arguments(context, row["command"]))
        exit_code = int(row.get("exit code") or 2)
        expected = Finished(exit_code, "", row.get("message") or "")
        state(context).rows.append((row["command"], finished, expected))


@then("each exits with its code and its message as the only line")
def each_message(context: Context) -> None:
    for command, finished, expected in state(context).rows:
        found = Finished(finished.exit_code, finished.stdout, finished.stderr.rstrip("\n"))
        assert found == expected, f"{command}\nexpected: {expected}\nfound:    {found}"


@then("each shows how it is used, with an example")
def each_help(context: Context) -> None:
    for command, finished, _ in state(context).rows:
        expect_ending(finished, 0)
        verb = command.removesuffix(" --help")
        wanted = [f"Usage: {verb} ", "Example", f"\n    {verb}"] if verb != "foundry" else ["Begin with:", "Commands:"]
        missing = [text for text in wanted if text not in finished.stdout]
        assert not missing, f"{command}: {missing} not in\n{finished.stdout}"


@then("the command exits with {code:d}")
def command_exits(context: Context, code: int) -> None:
    expect_ending(state(context).finished, code)


@then("standard output is")
def stdout_is(context: Context) -> None:
    text = context.text.replace("{version}", foundry.__version__)
    expect_text(state(context).finished.stdout.rstrip("\n"), text)


@then("standard error is")
def stderr_is(context: Context) -> None:
    expect_text(state(context).finished.stderr.rstrip("\n"), context.text)


@then("standard error is empty")
def stderr_is_empty(context: Context) -> None:
    expect_text(state(context).finished.stderr, "")


@then("standard error is one line with")
def stderr_is_one_line(context: Context) -> None:
    lines = state(context).finished.stderr.splitlines()
    missing = [row["text"] for row in context.table if row["text"] not in "".join(lines)]
    assert len(lines) == 1 and not missing, f"expected one line with {missing}, found:\n" + "\n".join(lines)


@then("standard output has, in this order")
def stdout_has(context: Context) -> None:
    expect_in_order(context, state(context).finished.stdout)


def expect_in_order(context: Context, text: str) -> None:
    """Fail where a row's text does not follow those of the rows before it."""
    rest = text
    for row in context.table:
        wanted = row["text"]
        if "{run}" in wanted:
            wanted = wanted.replace("{run}", str(only_run(context)))
        _, found, rest = rest.partition(wanted)
        assert found, f"{wanted!r} is missing, or stands too early, in\n{text}"


@then("standard output is the JSON Schema of the loader")
def stdout_is_schema(context: Context) -> None:
    printed = json.loads(state(context).finished.stdout)
    assert printed == experiment_json_schema(), f"another schema: {printed}"


@then("standard output is a JSON list whose items have")
def stdout_is_json(context: Context) -> None:
    items: list[dict[str, Any]] = json.loads(state(context).finished.stdout)
    expected = [{name: json.loads(row[name]) for name in context.table.headings} for row in context.table]
    found = [{name: item.get(name) for name in context.table.headings} for item in items]
    assert found == expected, f"expected:\n{expected}\nfound:\n{found}"


@then("nothing in the workspace has changed")
def workspace_unchanged(context: Context) -> None:
    before, after = state(context).before, contents_of(Path())
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert not changed, f"changed: {changed}"


@then("nothing half-written is left in the workspace")
def nothing_half_written(_context: Context) -> None:
    left = sorted(str(path) for path in Path().rglob(f"{TEMPORARY_PREFIX}*"))
    assert not left, f"left behind: {left}"


@then("the library {name} was not imported")
def library_not_imported(context: Context, name: str) -> None:
    imported = state(context).finished.imported_modules
    assert "foundry.trainer" in imported, "the trace holds no imports"
    found = sorted(module for module in imported if module.split(".")[0] == name)
    assert not found, f"imported: {found}"


@given('the command "{command}" has been run, and printed')
def command_has_run(context: Context, command: str) -> None:
    run_command(context, command)
    expect_ending(state(context).finished, 0)
    stdout_has(context)


@then("the run is interrupted, and its last step is checkpointed")
def run_is_interrupted(context: Context) -> None:
    folder = only_run(context)
    record = RunRecord.read(folder)
    steps = checkpointed(folder)
    assert record.state == "interrupted", f"the run is {record.state}: {record.reason}"
    expected = f"after step {steps[-1]}," if steps else "no checkpoint"
    assert expected in state(context).finished.stderr, f"{expected!r} not in {state(context).finished.stderr!r}"


@then('standard output is two equal texts that begin with "{beginning}"')
def two_equal_texts(context: Context, beginning: str) -> None:
    texts = [item["full_text"] for item in json.loads(state(context).finished.stdout)]
    assert len(texts) == 2 and texts[0] == texts[1], f"texts: {texts}"
    assert texts[0].startswith(beginning) and texts[0] != beginning, f"text: {texts[0]!r}"


@then("the page {name} holds {count:d} plots and")
def page_holds(context: Context, name: str, count: int) -> None:
    page = Path(name).read_text(encoding="utf-8")
    context.world.attach("Run page", page, "html")
    assert page.count("<svg") == count, f"{page.count('<svg')} plots instead of {count}"
    missing = [row["text"] for row in context.table if row["text"] not in page]
    assert not missing, f"{missing} not in the page"


@then("the page {name} loads nothing from elsewhere")
def page_is_alone(_context: Context, name: str) -> None:
    page = Path(name).read_text(encoding="utf-8")
    found = [mark for mark in ("<script", "<link", "<img", "<iframe", "@import", "url(http") if mark in page]
    assert not found, f"the page has {found}"


@given("a git repository {name} with the files of the corpus")
def git_repository(_context: Context, name: str) -> None:
    Path("corpus").rename(name)
    author = ["-c", "user.name=A. Writer", "-c", "user.email=writer@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message", "First"]):
        subprocess.run(["git", "-C", name, *words], check=True)


@given("its run folder was moved to {place}")
def run_folder_moved(context: Context, place: str) -> None:
    Path(place).parent.mkdir(parents=True)
    context.world.of(Runs).folder = context.world.of(Runs).folder.rename(place)


@then("{folder} is the only run, and {expected}")
def only_run_is(_context: Context, folder: str, expected: str) -> None:
    found = [str(path.parent) for path in Path().rglob(RECORD_NAME)]
    assert found == [folder], f"runs: {found}"
    state_found = RunRecord.read(Path(folder)).state
    assert state_found == expected, f"the run is {state_found}"


@given("a pretrained tokenizer of {count:d} tokens, special ones included, in the folder {folder}")
def tokenizer_in_folder(_context: Context, count: int, folder: str) -> None:
    found = load_tokenizer(pretrained_tokenizer(Path(folder))).vocab_size
    assert found == count, f"the tokenizer has {found} tokens"


@then("standard output names every file in configs as valid")
def names_examples(context: Context) -> None:
    expected = [f"{path}: valid" for path in examples(context)]
    expect_text(state(context).finished.stdout.rstrip("\n"), "\n".join(expected))


@then("standard output is a plan with {fewest:d} to {most:d} parameters")
def plan_has_parameters(context: Context, fewest: int, most: int) -> None:
    found = json.loads(state(context).finished.stdout)["parameters"]
    assert fewest <= found <= most, f"{found:,} parameters"


@then("the log file of the run has, in this order")
def log_file_has(context: Context) -> None:
    folder = only_run(context)
    expect_in_order(context, (folder / f"{folder.name}.log").read_text(encoding="utf-8"))


@then("its environment.json names the versions of python, torch and numpy that run here")
def environment_names_versions(context: Context) -> None:
    written = json.loads((context.world.of(Runs).folder / "environment.json").read_text(encoding="utf-8"))
    packages = written.get("packages", {})
    found = (written.get("python"), packages.get("torch"), packages.get("numpy"))
    expected = (platform.python_version(), torch.__version__, numpy.__version__)
    assert found == expected, f"expected {expected}, found {found}"


@then('the page {name} reports only "{scenario}"')
def page_reports(_context: Context, name: str, scenario: str) -> None:
    page = Path(name).read_text(encoding="utf-8")
    found = [json.loads(base64.b64decode(data))["name"] for data in re.findall(RESULT_IN_PAGE, page)]
    assert found == [scenario], f"in the page: {found}"
