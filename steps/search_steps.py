"""Steps on questions that an index answers."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from behave import given, then, when
from behave.runner import Context

from foundry.embeddings.searching import Answer, search
from foundry.testing.commands import CommandState
from foundry.testing.faults import change_json
from foundry.testing.indexing import (
    Indexing,
    embedder,
    foundry_in_this_process,
    held_by_another_process,
    write_tiny_model,
)
from foundry.testing.meanings import ABOUT_DIFFERENT_THINGS, ATTEMPTS, area_commits, long_file
from foundry.testing.qdrant_service import QdrantService
from foundry.testing.written_history import SampleCommit

CLEARS = "\x1b[2J"
KINDS = {"commits": {"commit"}, "files": {"file"}, "commits or files": {"commit", "file"}}


@dataclass
class SearchState:
    """Answers to the questions of a scenario, and what exact search gives."""

    answers: list[Answer] = field(default_factory=list)
    others: list[Answer] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    server: Indexing = field(default_factory=lambda: Indexing(folder=Path("pipelines/on-a-server")))


def state_of(context: Context) -> SearchState:
    return context.world.of(SearchState)


def indexing_of(context: Context) -> Indexing:
    return context.world.of(Indexing)


def index(context: Context, commits: list[SampleCommit]) -> None:
    indexing_of(context).commits = commits
    indexing_of(context).embed_well()


@given("an indexed repository about failing requests, tables and colours")
def step(context: Context) -> None:
    index(context, ABOUT_DIFFERENT_THINGS)


@given("an indexed repository with a file of {count:d} dull functions that ends with retrying")
def step(context: Context, count: int) -> None:
    index(context, [SampleCommit("Add the store room", {"store.py": long_file(count, ATTEMPTS)})])


@given("an indexed repository of which {count:d} commits add a module of {functions:d} functions each")
def step(context: Context, count: int, functions: int) -> None:
    index(context, area_commits(count, functions))
    num_points = len(indexing_of(context).points())
    assert num_points == count * (1 + functions), f"{num_points} points: no piece for each function"


@given("the same repository indexed on a Qdrant server")
def step(context: Context) -> None:
    server = state_of(context).server
    server.commits = indexing_of(context).commits
    server.settings["url"] = QdrantService.shared().url
    server.embed_well()


@given("an indexed repository whose subject, path and code clear the screen")
def step(context: Context) -> None:
    text = f"colour = '{CLEARS}'  # {CLEARS}\n"
    index(context, [SampleCommit(f"Colours {CLEARS}\rhidden", {f"col{CLEARS}\nours.py": text})])


@given("a run in its pipeline")
def step(context: Context) -> None:
    (indexing_of(context).folder / "runs" / "sample-1").mkdir(parents=True)


@when('it is asked "{question}"')
def step(context: Context, question: str) -> None:
    state_of(context).answers = search(indexing_of(context).folder, question, limit=10)


@when('both are asked "{question}"')
def step(context: Context, question: str) -> None:
    state = state_of(context)
    state.answers = search(indexing_of(context).folder, question, limit=10)
    state.others = search(state.server.folder, question, limit=10)


@when("it is asked {count:d} questions")
def step(context: Context, count: int) -> None:
    indexing, state = indexing_of(context), state_of(context)
    vectors, points = indexing.vectors(), indexing.points()
    for number in range(count):
        question = f"how is the area of part {number * 4} computed in metres"
        found = {answer.key for answer in search(indexing.folder, question, limit=10)}
        asked = embedder().query(question)
        scores: dict[str, float] = {}
        for point in points:
            score = float(vectors[point["id"]] @ asked)
            scores[point["key"]] = max(score, scores.get(point["key"], -1.0))
        exact = sorted(scores, key=lambda key: -scores[key])[:10]
        state.recalls.append(len(found & set(exact)) / len(exact))


@then('the first file is {path} and the first commit is "{subject}"')
def step(context: Context, path: str, subject: str) -> None:
    answers = state_of(context).answers
    first = {kind: next(answer for answer in answers if answer.kind == kind) for kind in ("file", "commit")}
    assert (first["file"].key, first["commit"].title) == (path, subject), answers


@then("the first answer is the line of that function")
def step(context: Context) -> None:
    first = state_of(context).answers[0]
    lines = indexing_of(context).commits[0].files["store.py"].splitlines()
    expected = next(number for number, line in enumerate(lines, 1) if line.startswith("def send_with_attempts"))
    assert (first.key, first.line) == ("store.py", expected), (first, expected)


@then("no commit or file is named twice")
def step(context: Context) -> None:
    keys = [answer.key for answer in state_of(context).answers]
    assert len(keys) == len(set(keys)) == 2, keys


@then("recall at 10 against exact search is at least {least:g}")
def step(context: Context, least: float) -> None:
    recalls = state_of(context).recalls
    assert recalls and np.mean(recalls) >= least, recalls


@then("both give the same answers")
def step(context: Context) -> None:
    state = state_of(context)
    assert len(state.answers) == 6 and state.others == state.answers, (state.answers, state.others)


# --- the command ---


@when('the command "{command}" is run with a loaded model')
def step(context: Context, command: str) -> None:
    context.world.of(CommandState).finished = foundry_in_this_process(shlex.split(command)[1:])


def printed_answers(context: Context) -> list[dict[str, Any]]:
    finished = context.world.of(CommandState).finished
    assert finished.exit_code == 0, finished
    return json.loads(finished.stdout)


@then("standard output has the form")
def step(context: Context) -> None:
    found = context.world.of(CommandState).finished.stdout
    assert re.fullmatch(context.text + "\n", found), f"expected:\n{context.text}\nfound:\n{found}"


@then("standard output is JSON with the fields")
def step(context: Context) -> None:
    answers = printed_answers(context)
    for row in context.table:
        found = ", ".join(answers[int(row["answer"]) - 1])
        assert found == row["fields"], f"{found} instead of {row['fields']}"


@then("{count:d} answers are printed, and all are {kind}")
def step(context: Context, count: int, kind: str) -> None:
    answers = printed_answers(context)
    ranks = [answer["rank"] for answer in answers]
    assert ranks == list(range(1, count + 1)), answers
    assert {answer["kind"] for answer in answers} <= KINDS[kind], answers


@then("no control character is printed")
def step(context: Context) -> None:
    text = context.world.of(CommandState).finished.stdout
    controls = [character for character in text if not character.isprintable() and character != "\n"]
    assert len(text.splitlines()) == 4 and not controls, repr(text)


# --- what stands in the way ---


def without_commits(indexing: Indexing) -> None:
    replace(indexing, commits=[]).embed_well()


def without_model(indexing: Indexing) -> None:
    change_json(indexing.index_folder / "index.json", lambda content: content.update(model="./gone"))


def with_another_model(indexing: Indexing) -> None:
    model = str(write_tiny_model(Path("another"), 32))
    change_json(indexing.index_folder / "index.json", lambda content: content.update(model=model))


def damage_description(indexing: Indexing) -> None:
    (indexing.index_folder / "index.json").write_text('{"model": 7')


def use_server_that_is_down(indexing: Indexing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    change_json(indexing.index_folder / "index.json", lambda content: content.update(url=url))


OBSTACLES: dict[str, Callable[[Indexing], None]] = {
    "there is no such folder": lambda _indexing: None,
    "a folder without an index": lambda _indexing: Path("empty").mkdir(),
    "the question is empty": lambda _indexing: None,
    "the index is empty": without_commits,
    "the model is gone": without_model,
    "the model is another one": with_another_model,
    "the description is damaged": damage_description,
    "the vectors are gone": lambda indexing: shutil.rmtree(indexing.index_folder / "qdrant"),
    "the server is down": use_server_that_is_down,
    "the limit is 0": lambda _indexing: None,
}


@given("this obstacle: {what}")
def step(context: Context, what: str) -> None:
    OBSTACLES[what](indexing_of(context))


@when('another process has the index open, and "{command}" is run with a loaded model')
def step(context: Context, command: str) -> None:
    run_while_held(context, command)


@when('another process has the index open for {seconds:d} seconds, and "{command}" is run with a loaded model')
def step(context: Context, seconds: int, command: str) -> None:
    embedder()
    run_while_held(context, command, seconds)


def run_while_held(context: Context, command: str, *seconds: float) -> None:
    with held_by_another_process(indexing_of(context).index_folder / "qdrant", *seconds):
        context.world.of(CommandState).finished = foundry_in_this_process(shlex.split(command)[1:])
