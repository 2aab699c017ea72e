"""Runs on another host than this one seems to be, and many runs in one process, with what they leave behind in it."""

from __future__ import annotations

import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from foundry.config import ExperimentConfig


@dataclass(frozen=True)
class Leftovers:
    """What a process holds after a run.

    Attributes:
        tensors: that are alive.
        threads: of Python.
        open_files: descriptors.
        resident_bytes: memory of the process.
        gpu_bytes: memory that tensors hold on the current GPU.
    """

    tensors: int
    threads: int
    open_files: int
    resident_bytes: int
    gpu_bytes: int


def train_without_gpus(config: ExperimentConfig, folder: Path) -> tuple[int | None, int | None]:
    """Train in a process that sees no GPU, whatever the machine has; the first and the last step that were made."""
    from foundry.trainer import Trainer

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.chdir(folder)
    report = Trainer(config).train()
    return report.first_step, report.last_step


def train_again_and_again(config: ExperimentConfig, folder: Path, count: int) -> list[Leftovers]:
    """Train `config` in this process, `count` times with a seed of its own; what is left after each run."""
    from foundry.trainer import Trainer

    os.chdir(folder)
    found = []
    for number in range(count):
        Trainer(config.model_copy(update={"random_seed": number})).train()
        found.append(_leftovers())
    return found


def _leftovers() -> Leftovers:
    import psutil
    import torch

    gc.collect()
    process = psutil.Process()
    return Leftovers(
        tensors=sum(isinstance(item, torch.Tensor) for item in gc.get_objects()),
        threads=threading.active_count(),
        open_files=process.num_fds(),
        resident_bytes=process.memory_info().rss,
        gpu_bytes=torch.cuda.memory_allocated() if torch.cuda.is_available() else 0,
    )
