"""Steps about the index as one phase of a whole pipeline."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from behave import given, then
from behave.runner import Context

from foundry.testing.indexing import STORAGE, foundry_in_this_process
from foundry.testing.pipelines import PIPELINE_FOLDER, copy_of_indexed, write_tiny_config
from foundry.testing.repositories import python_project

INDEX = PIPELINE_FOLDER / "index"


@given("a tiny pipeline with an index, on a repository of {count:d} commits")
def tiny_with_index(_context: Context, count: int) -> None:
    python_project(Path("sample"), count)
    write_tiny_config({"embed.enabled": True, "analyze.max_steps": 2})


@given("a tiny pipeline with an index on a server that is down, on a repository of {count:d} commits")
def tiny_with_server(_context: Context, count: int) -> None:
    python_project(Path("sample"), count)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    write_tiny_config({"embed.enabled": True, "embed.url": url, "analyze.max_steps": 2})


@given("a tiny pipeline with an index, whose history was embedded")
def history_embedded(_context: Context) -> None:
    copy_of_indexed()


def lose_point() -> None:
    with closing(sqlite3.connect(INDEX / STORAGE)) as storage, storage:
        storage.execute("DELETE FROM points WHERE rowid = (SELECT min(rowid) FROM points)")


LOSSES: dict[str, Callable[[], object]] = {
    "its folder": lambda: shutil.rmtree(INDEX / "qdrant"),
    "its file of points": lambda: (INDEX / STORAGE).unlink(),
    "its list of collections": lambda: (INDEX / "qdrant/meta.json").unlink(),
    "a point": lose_point,
    "all meaning": lambda: (INDEX / STORAGE).write_bytes(b"no points " * 1000),
}


@given("its index has lost {loss}")
def index_lost(_context: Context, loss: str) -> None:
    LOSSES[loss]()


@then('the index answers "{question}" with {path} first')
def index_answers(_context: Context, question: str, path: str) -> None:
    words = ["search", str(PIPELINE_FOLDER), question, "--kind", "files", "--limit", "1", "--json"]
    finished = foundry_in_this_process(words)
    assert finished.exit_code == 0, finished
    found = [answer["path"] for answer in json.loads(finished.stdout)]
    assert found == [path], f"{found} instead of {path}"
