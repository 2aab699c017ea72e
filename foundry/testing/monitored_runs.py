"""Runs that take a known amount of memory, in processes of their own, with what the system says of them."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.errors import Stopped
from foundry.testing.forking import in_a_fork
from foundry.training.events import Evaluated, Event, StepDone, StopAfterStep

HELD_AFTER_STEP, FREED_AFTER_STEP = 2, 5
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Taken:
    """What a launch has taken, as the system counts it for its process.

    Attributes:
        peak_bytes: the highest resident size.
        gpu_peak_bytes: the most that tensors took on the GPU; 0 without one.
        threads: the names of Python's threads that are left.
    """

    peak_bytes: int
    gpu_peak_bytes: int
    threads: tuple[str, ...]


def train_holding(config: ExperimentConfig, megabytes: int, stop_at: int | None = None) -> Taken:
    """Train in a process that holds a block of memory in some of its steps.

    Args:
        stop_at: the step after whose evaluation the launch is stopped.

    Raises:
        RuntimeError: the launch failed.
    """
    end = in_a_fork(_train, config, Path.cwd(), megabytes, stop_at)
    if end.exit_code or not isinstance(end.answer, Taken):
        raise RuntimeError(f"the launch ended with {end.exit_code}: {end.problem}")
    return end.answer


def _train(config: ExperimentConfig, folder: Path, megabytes: int, stop_at: int | None) -> Taken:
    import threading

    import torch

    from foundry.trainer import Trainer

    os.chdir(folder)
    torch.set_num_threads(1)
    held: list[bytes] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == HELD_AFTER_STEP:
            held.append(b"x" * (megabytes * MEGABYTE))
        if isinstance(event, StepDone) and event.step == FREED_AFTER_STEP:
            held.clear()
        if isinstance(event, Evaluated) and event.step == stop_at:
            raise StopAfterStep("enough was seen")

    try:
        Trainer(config, on_event=listen).train()
    except Stopped:
        if stop_at is None:
            raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    on_gpu = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return Taken(peak, on_gpu, tuple(thread.name for thread in threading.enumerate()))
