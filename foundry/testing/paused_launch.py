"""A launch that stands still in the middle of a run, for as long as a scenario needs it there."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
import os
import signal
import time
from pathlib import Path

import torch
import yaml

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_from_mapping, to_yaml
from foundry.testing.faults import WARM_MODULES
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone

TIMEOUT_SECONDS = 120


class PausedLaunch:
    """A process that trains `config`, and is stopped (SIGSTOP) when it has made `step`: it lives, and holds its run.

    Raises:
        TimeoutError: it ended before that step, or did not come to it in two minutes.
    """

    def __init__(self, config: ExperimentConfig, step: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(WARM_MODULES)
        reached = context.Event()
        arguments = (to_yaml(config), str(Path.cwd()), step, reached, torch.get_num_threads())
        self._process = context.Process(target=_launch, args=arguments)
        self._process.start()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not reached.wait(0.1):
            if not self._process.is_alive() or time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"the launch did not come to step {step} (exit code {self._process.exitcode})")

    @property
    def process_id(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """End the process by SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.join()


def _launch(
    config_yaml: str, folder: str, step: int, reached: multiprocessing.synchronize.Event, num_threads: int
) -> None:
    os.chdir(folder)
    torch.set_num_threads(num_threads)

    def listen(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == step:
            reached.set()
            os.kill(os.getpid(), signal.SIGSTOP)

    Trainer(experiment_from_mapping(yaml.safe_load(config_yaml)), on_event=listen).train()
