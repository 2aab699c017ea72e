"""A launch that stands still in the middle of a run, for as long as a scenario needs it there."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from foundry.config import ExperimentConfig
from foundry.testing.faults import name_of
from foundry.testing.forking import TIMEOUT_SECONDS, forked
from foundry.trainer import Trainer
from foundry.training.events import Event

PAUSED = "paused"


@contextlib.contextmanager
def paused_launch(config: ExperimentConfig, moment: int | str) -> Iterator[BaseProcess]:
    """A process that trains `config`, and is stopped (SIGSTOP) at a moment: it lives, and holds its run.

    When the block ends, it is killed.

    Args:
        moment: a step, when it has been made, or one as `foundry.testing.faults.launch_and_signal` takes it.

    Raises:
        AssertionError: it did not come to that moment.
    """
    name = f"step {moment}" if isinstance(moment, int) else moment
    with forked(_train_until, config, str(Path.cwd()), name, torch.get_num_threads()) as (process, hears):
        told = hears.recv() if hears.poll(TIMEOUT_SECONDS) else None
        assert told == (PAUSED, name), f"the launch did not come to {name}: {told}"
        yield process


def _train_until(
    tell: Callable[[str, Any], None], config: ExperimentConfig, folder: str, moment: str, num_threads: int
) -> None:
    os.chdir(folder)
    torch.set_num_threads(num_threads)

    def listen(event: Event) -> None:
        if name_of(event) == moment:
            tell(PAUSED, moment)
            os.kill(os.getpid(), signal.SIGSTOP)

    Trainer(config, on_event=listen).train()
