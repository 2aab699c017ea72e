"""Launches of several processes, each forked warm, with the environment that torchrun would give it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry.artifacts.local import LocalStore
from foundry.artifacts.store import Bundle
from foundry.config import ExperimentConfig
from foundry.testing.faults import name_of
from foundry.testing.forking import ended, forked
from foundry.testing.watching import Watcher
from foundry.training.events import Event

TIMEOUT_SECONDS = 60
PUBLISHED_LOG = Path("published.log")


@dataclass(frozen=True)
class Launched:
    """A launch that has ended.

    Attributes:
        exit_codes: of each process, by rank; -9 where SIGKILL ended it.
        problems: the message of what each raised; empty where it raised nothing.
        said: what each wrote to its standard output and error.
        steps: the first and the last step that the launch made; None where it made none or did not come to its end.
    """

    exit_codes: tuple[int, ...]
    problems: tuple[str, ...]
    said: tuple[str, ...]
    steps: tuple[int | None, int | None]


@dataclass(frozen=True)
class Plan:
    """What a launch does.

    Attributes:
        config: the experiment.
        moment: when the first process comes to it, signals are sent: see `foundry.testing.faults.launch_and_signal`.
        signals: the number of the signal that each of some ranks gets then.
        killed_in_step: the step, counted from the first of the launch, in whose middle each of some ranks is killed.
    """

    config: ExperimentConfig
    moment: str = ""
    signals: Mapping[int, int] = field(default_factory=dict)
    killed_in_step: Mapping[int, int] = field(default_factory=dict)


class LoggingStore(LocalStore):
    """The local store, which writes down which process publishes."""

    def __init__(self, root: Path, rank: int) -> None:
        super().__init__(root)
        self._rank = rank

    def publish(self, bundle: Bundle) -> str:
        """Publish as the local store does."""
        with PUBLISHED_LOG.open("a") as stream:
            stream.write(f"process {self._rank}\n")
        return super().publish(bundle)


def launch_processes(plan: Plan, count: int) -> Launched:
    """Launch `count` processes in the current folder, and wait until all have ended.

    Raises:
        TimeoutError: a process did not end in a minute; all are killed then.
    """
    return _launch(_train, plan, count)


def launch_command(arguments: Sequence[str], count: int) -> Launched:
    """Run the `foundry` command in `count` processes in the current folder, as torchrun would.

    Raises:
        TimeoutError: see `launch_processes`.
    """
    return _launch(_command, arguments, count)


def _launch(function: Callable[..., None], task: Any, count: int) -> Launched:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    port = _free_port()
    with contextlib.ExitStack() as running:
        launched = [
            running.enter_context(forked(function, task, Path.cwd(), _environment(rank, count, port)))
            for rank in range(count)
        ]
        for process, _ in launched:
            process.join(max(0.0, deadline - time.monotonic()))
        said = tuple(_output_of(rank).read_text() for rank in range(count))
        if hanging := [rank for rank, (process, _) in enumerate(launched) if process.exitcode is None]:
            raise TimeoutError(f"the processes {hanging} of {count} did not end: {said}")
        ends = [ended(process, _all_of(hears)) for process, hears in launched]
    return Launched(
        tuple(end.exit_code for end in ends),
        tuple(end.problem for end in ends),
        said,
        ends[0].answer or (None, None),
    )


def _train(tell: Callable[[str, Any], None], plan: Plan, folder: Path, environment: dict[str, str]) -> None:
    """One process of a launch, through the facade."""
    from foundry.trainer import Trainer

    rank = _begin(folder, environment)
    if rank in plan.killed_in_step:
        _end_in_step(plan.killed_in_step[rank])
    store = LoggingStore(plan.config.artifacts.path, rank)
    report = Trainer(plan.config, store=store, on_event=_signalling(plan)).train()
    tell("answer", (report.first_step, report.last_step))


def _command(_tell: object, arguments: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """One process of a launch, through the command line."""
    from foundry.__main__ import main

    _begin(folder, environment)
    main(arguments)


def _begin(folder: Path, environment: dict[str, str]) -> int:
    """Make this process one of the launch; its rank."""
    import torch

    os.chdir(folder)
    os.environ.update(environment)
    rank = int(environment["RANK"])
    with _output_of(rank).open("wb", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    _process_id_of(rank).write_text(str(os.getpid()))
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return rank


def _signalling(plan: Plan) -> Callable[[Event], None]:
    """A listener that sends the planned signals at the planned moment, to its own process last."""

    def listen(event: Event) -> None:
        if plan.moment and name_of(event) == plan.moment:
            for rank in sorted(plan.signals, reverse=True):
                os.kill(int(_process_id_of(rank).read_text()), plan.signals[rank])

    return listen


def _end_in_step(step: int) -> None:
    """Let this process be killed in its `step`th step, before the model reads the first micro-batch."""
    begun: list[str] = []

    def notice(_operation: str, what: str, _phase: str) -> None:
        if what == "micro-batch 1":
            begun.append(what)
        if len(begun) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    Watcher(Path.cwd(), "artifacts", notice).watch_steps()


def _all_of(hears: Any) -> list[tuple[str, Any]]:
    messages = []
    with contextlib.suppress(EOFError):
        while hears.poll():
            messages.append(hears.recv())
    return messages


def _environment(rank: int, count: int, port: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _output_of(rank: int) -> Path:
    return Path(f"process-{rank}.txt")


def _process_id_of(rank: int) -> Path:
    return Path(f"process-{rank}.pid")
