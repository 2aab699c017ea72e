"""Steps about two launches of one run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
from behave import given, then, when
from behave.runner import Context
from filelock import FileLock

from foundry.errors import FoundryError
from foundry.files import write_json
from foundry.testing.paused_launch import paused_launch
from foundry.testing.runs import Runs, contents_of
from foundry.trainer import Trainer
from foundry.training.events import Message
from foundry.training.run_lock import RunLock


@dataclass
class OtherLaunches:
    """The launches beside the one of this process."""

    started: list[BaseProcess] = field(default_factory=list)


def runs_of(context: Context) -> Runs:
    found: Runs = context.world.of(Runs)
    return found


def other_launch(context: Context) -> BaseProcess:
    started: list[BaseProcess] = context.world.of(OtherLaunches).started
    return started[-1]


def change_details(context: Context, **changes: object) -> None:
    """Change what the last holder of the run has written about itself."""
    path = RunLock(runs_of(context).folder).details
    write_json(path, {**json.loads(path.read_text()), **changes})


@given("another process is at work on it at step {number:d}")
def another_process(context: Context, number: int) -> None:
    config = runs_of(context).config()
    runs_of(context).folder = Trainer(config).run_folder
    until_the_end = contextlib.ExitStack()
    context.add_cleanup(until_the_end.close)
    context.world.of(OtherLaunches).started.append(until_the_end.enter_context(paused_launch(config, number)))


@given("that process was killed")
def that_process_killed(context: Context) -> None:
    other_launch(context).kill()
    other_launch(context).join()


@given("the run is held by a process that has not said so")
def held_without_a_word(context: Context) -> None:
    lock = FileLock(RunLock(runs_of(context).folder).path)
    lock.acquire(timeout=0)
    context.add_cleanup(lock.release)


@given("the number of the killed process now belongs to another")
def number_belongs_to_another(context: Context) -> None:
    later = psutil.Process().create_time() - 1000
    change_details(context, process=os.getpid(), process_started=later)


@given("the killed process had run on the host {host}")
def had_run_on(context: Context, host: str) -> None:
    change_details(context, host=host)


@given("the link {name} leads to its run folder")
def link_leads_to(context: Context, name: str) -> None:
    Path(name).symlink_to(runs_of(context).folder.resolve(), target_is_directory=True)


@when("the link {name} is launched")
def link_launched(context: Context, name: str) -> None:
    runs = runs_of(context)
    runs.before, runs.error = contents_of(Path("runs"), Path("artifacts")), None
    try:
        Trainer.of_run(Path(name)).train()
    except FoundryError as error:
        runs.error = error


@then("the message names that process, this host and the time of its launch")
def message_names(context: Context) -> None:
    message = str(runs_of(context).error)
    who = rf"process {other_launch(context).pid} on {re.escape(socket.gethostname())}, since 20\d\d-\d\d-\d\dT"
    assert re.search(who, message), f"{who} is not in {message}"


@then("nobody is said to hold the run")
def nobody_holds(context: Context) -> None:
    left = RunLock(runs_of(context).folder).details
    assert not left.exists(), left.read_text()


@then("a warning says that a process on {host} has not signed off")
def warned_of(context: Context, host: str) -> None:
    warnings = [event.text for event in runs_of(context).events if isinstance(event, Message) and event.warning]
    assert any(f"on {host}" in text and "has not signed off" in text for text in warnings), warnings
