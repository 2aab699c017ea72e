"""Steps about what a run keeps of the environment of its launches."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import torch
from behave import given, then
from behave.runner import Context

import foundry
from foundry.environments import read_launches
from foundry.testing.repositories import SampleRepository
from foundry.testing.runs import Runs


def expected_value(text: str) -> Any:
    """The value that a cell of a table names, in words or as it stands."""
    found_here = {
        "the version of foundry": foundry.__version__,
        "the name of this host": socket.gethostname(),
        "what torch found of this processor": torch.backends.cpu.get_cpu_capability(),
        "the threads of torch": torch.get_num_threads(),
        "none": None,
    }
    if text in found_here:
        return found_here[text]
    if text == "the commit checked out":
        return SampleRepository(Path()).git("rev-parse", "HEAD")
    try:
        return json.loads(text)
    except ValueError:
        return text


def value_at(snapshot: dict[str, Any], key: str) -> Any:
    """The value at a dotted key; the keys of the settings hold dots themselves."""
    section, _, rest = key.partition(".")
    found = snapshot.get(section)
    return found.get(rest) if rest and isinstance(found, dict) else found


@given('the environment variable {name} is "{value}"')
def variable_is(context: Context, name: str, value: str) -> None:
    os.environ[name] = value
    context.add_cleanup(os.environ.pop, name)


@given("the working folder is a git repository with a change that is not committed")
def repository_with_change(context: Context) -> None:
    repository = SampleRepository(Path())
    repository.git("init", "--quiet")
    repository.write(".gitignore", "runs\nartifacts\n")
    repository.commit("All that is here")
    repository.write(".gitignore", "runs\nartifacts\n.cache\n")


@then("its environment holds")
def environment_holds(context: Context) -> None:
    newest = read_launches(context.world.of(Runs).folder)[0]
    expected = {row["key"]: expected_value(row["value"]) for row in context.table}
    found = {key: value_at(newest, key) for key in expected}
    assert found == expected, f"expected {expected}\nfound {found}"


@then("its environments are, the newest first")
def environments_are(context: Context) -> None:
    launches = read_launches(context.world.of(Runs).folder)
    keys = context.table.headings
    found = [{key: value_at(launch, key) for key in keys} for launch in launches]
    expected = [{key: expected_value(row[key]) for key in keys} for row in context.table]
    assert found == expected, f"expected {expected}\nfound {found}"
