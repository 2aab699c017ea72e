"""Faults that come from outside: flipped bytes, cut files, a process that is killed in mid-run."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
import os
import signal
from collections.abc import Callable
from pathlib import Path

import torch
import yaml

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping, to_yaml
from foundry.errors import Interrupted
from foundry.trainer import Trainer
from foundry.training.events import CheckpointSaved, Event, StateChanged, StepDone

WARM_MODULES = ["foundry.testing.faults", "foundry.training.session", "tokenizers", "torch._dynamo"]
"""What a launch imports; the server that forks launches imports it once, so that each takes a tenth of a second."""


def flip_byte(path: Path, position: int) -> None:
    """Invert the bits of one byte of a file; a negative position counts from the end."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def cut_file(path: Path, num_bytes: int) -> None:
    """Take `num_bytes` off the end of a file."""
    os.truncate(path, path.stat().st_size - num_bytes)


def launch_and_signal(config: ExperimentConfig, moment: str, signal_number: int) -> int:
    """Launch `config` in a process of its own, which is sent a signal at `moment`; its exit code (-9 for SIGKILL).

    Args:
        moment: `step 7`, `checkpoint 5`, or a state such as `stopped`: the signal arrives when the run reports that.

    Raises:
        TimeoutError: the process neither ended nor was ended in two minutes.
        AssertionError: the run ended without coming to that moment.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(WARM_MODULES)
    reached = context.Event()
    arguments = (to_yaml(config), str(Path.cwd()), moment, signal_number, reached, torch.get_num_threads())
    child = context.Process(target=_launch, args=arguments)
    child.start()
    child.join(timeout=120)
    if child.exitcode is None:
        child.kill()
        raise TimeoutError(f"the launch did not end within two minutes of {moment}")
    assert reached.is_set(), f"the launch ended with {child.exitcode} before {moment}"
    return child.exitcode


def _launch(
    config_yaml: str,
    folder: str,
    moment: str,
    signal_number: int,
    reached: multiprocessing.synchronize.Event,
    num_threads: int,
) -> None:
    os.chdir(folder)
    torch.set_num_threads(num_threads)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    trainer = Trainer(
        experiment_from_mapping(yaml.safe_load(config_yaml)), on_event=_signal_at(moment, signal_number, reached.set)
    )
    try:
        trainer.train()
    except Interrupted as interruption:
        raise SystemExit(interruption.exit_code) from None


def _signal_at(moment: str, signal_number: int, reached: Callable[[], None]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if moment == name_of(event):
            reached()
            os.kill(os.getpid(), signal_number)

    return listen


def name_of(event: Event) -> str:
    """The moment that an event marks, as `launch_and_signal` takes it."""
    match event:
        case StepDone():
            return f"step {event.step}"
        case CheckpointSaved():
            return f"checkpoint {event.step}"
        case StateChanged():
            return event.state
    return ""
