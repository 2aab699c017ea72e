"""Launches of several processes, each forked from a warm server with the environment that torchrun would give it."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.sharedctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from foundry.artifacts.local import LocalStore
from foundry.artifacts.store import Bundle
from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping, to_yaml
from foundry.errors import FoundryError
from foundry.testing.faults import WARM_MODULES, name_of
from foundry.trainer import Trainer
from foundry.training.events import Event
from foundry.training.processes import EndedTogether

TIMEOUT_SECONDS = 60
WARM_FOR_SEVERAL = [
    "foundry.testing.launches",
    "foundry.training.parallel",
    "foundry.training.shards",
    "torch.distributed.fsdp",
    *WARM_MODULES,
]
PUBLISHED_LOG = Path("published.log")


@dataclass(frozen=True)
class Launched:
    """A launch that has ended.

    Attributes:
        exit_codes: of each process, by rank; -9 where SIGKILL ended it.
        said: what each wrote to its standard output and error, by rank.
        steps: the first and the last step that the launch made; 0 where it made none or did not come to its end.
    """

    exit_codes: tuple[int, ...]
    said: tuple[str, ...]
    steps: tuple[int, int]


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


def launch_processes(
    config: ExperimentConfig, count: int, *, moment: str = "", signals: Mapping[int, int] | None = None
) -> Launched:
    """Launch `config` in `count` processes, in the current folder, and wait until all have ended.

    Args:
        moment: see `foundry.testing.faults.launch_and_signal`; when the first process comes to it, signals are sent.
        signals: the number of the signal that each of some ranks gets.

    Raises:
        TimeoutError: a process did not end in a minute; all are killed then.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(WARM_FOR_SEVERAL)
    plan = _Plan(
        to_yaml(config),
        str(Path.cwd()),
        _free_port(),
        moment,
        dict(signals or {}),
        context.Array("q", count),
        context.Array("q", 2),
    )
    children = [context.Process(target=_run, args=(plan, rank)) for rank in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=TIMEOUT_SECONDS)
    hanging = [rank for rank, child in enumerate(children) if child.exitcode is None]
    for child in children:
        child.kill()
    said = tuple(_output_of(rank).read_text() for rank in range(count))
    if hanging:
        raise TimeoutError(f"the processes {hanging} of {count} did not end: {said}")
    return Launched(tuple(child.exitcode or 0 for child in children), said, (plan.steps[0], plan.steps[1]))


@dataclass(frozen=True)
class _Plan:
    config_yaml: str
    folder: str
    port: int
    moment: str
    signals: dict[int, int]
    process_ids: multiprocessing.sharedctypes.SynchronizedArray[int]
    steps: multiprocessing.sharedctypes.SynchronizedArray[int]


def _run(plan: _Plan, rank: int) -> None:
    """One process of a launch, from its start to its exit."""
    os.chdir(plan.folder)
    with _output_of(rank).open("wb", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    os.environ.update(_environment(rank, len(plan.process_ids), plan.port))
    plan.process_ids[rank] = os.getpid()
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config = experiment_from_mapping(yaml.safe_load(plan.config_yaml))
    try:
        store = LoggingStore(config.artifacts.path, rank)
        report = Trainer(config, store=store, on_event=_signalling(plan)).train()
    except EndedTogether as end:
        raise SystemExit(end.exit_code) from None
    except FoundryError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    if rank == 0:
        plan.steps[:] = [report.first_step or 0, report.last_step or 0]


def _signalling(plan: _Plan) -> Callable[[Event], None]:
    """A listener that sends the planned signals at the planned moment, to its own process last."""

    def listen(event: Event) -> None:
        if plan.moment and name_of(event) == plan.moment:
            for rank in sorted(plan.signals, reverse=True):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(plan.process_ids[rank], plan.signals[rank])

    return listen


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
