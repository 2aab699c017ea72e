"""Faults that come from outside: flipped bytes, cut files, a process that is killed in mid-run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.testing.forking import TIMEOUT_SECONDS, forked
from foundry.training.events import CheckpointSaved, Event, StateChanged, StepDone
from foundry.training.metrics import read_metrics


def flip_byte(path: Path, position: int) -> None:
    """Invert the bits of one byte of a file; a negative position counts from the end."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def flip_bit(path: Path, position: int, bit: int = 0) -> None:
    """Invert one bit of one byte of a file; a negative position counts from the end."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def change_json(path: Path, change: Callable[[Any], None]) -> None:
    """Let `change` alter the value in a JSON file."""
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def change_metrics(run_folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Let `change` alter the rows of a run's metrics."""
    path = run_folder / "metrics.jsonl"
    rows = read_metrics(path)
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def flip_bit_unnoticed(folder: Path, name: str) -> None:
    """Invert a bit in the last number of a folder's file, and let the manifest list what it now holds."""
    flip_bit(folder / name, -1)
    manifest = manifests.read_manifest(folder)
    described = {**manifest.files, name: manifests.FileDigest.of(folder / name)}
    manifests.store_manifest(folder, manifest.model_copy(update={"files": described}))


def cut_file(path: Path, num_bytes: int) -> None:
    """Take `num_bytes` off the end of a file."""
    os.truncate(path, path.stat().st_size - num_bytes)


def launch_and_signal(
    config: ExperimentConfig,
    moment: str,
    signal_number: int,
    *,
    extend: bool = False,
    incremental: bool = False,
    timeout: float = TIMEOUT_SECONDS,
) -> int:
    """Launch `config` in a process of its own, which is sent a signal at `moment`; its exit code (-9 for SIGKILL).

    Args:
        moment: `step 7`, `checkpoint 5`, or a state such as `stopped`: the signal arrives when the run reports that.
        extend: go on from the finished run of the same experiment with fewer steps.
        incremental: train on what is new since the newest finished run.

    Raises:
        TimeoutError: the process neither ended nor was ended in `timeout` seconds.
        AssertionError: the run ended without coming to that moment.
    """
    import torch

    arguments = (config, extend, incremental, Path.cwd(), moment, signal_number, torch.get_num_threads())
    with forked(_launch, *arguments) as (process, hears):
        process.join(timeout)
        if process.exitcode is None:
            raise TimeoutError(f"the launch neither ended nor came to {moment} within {timeout:g} s")
        assert hears.poll() and hears.recv()[0] == "reached", (
            f"the launch ended with {process.exitcode} before {moment}"
        )
        return process.exitcode


def _launch(
    tell: Callable[[str, Any], None],
    config: ExperimentConfig,
    extend: bool,
    incremental: bool,
    folder: Path,
    moment: str,
    signal_number: int,
    num_threads: int,
) -> None:
    import torch

    from foundry.trainer import Trainer

    os.chdir(folder)
    torch.set_num_threads(num_threads)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    listen = _signal_at(moment, signal_number, lambda: tell("reached", None))
    Trainer(config, extend=extend, incremental=incremental, on_event=listen).train()


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
