"""What Weights & Biases shows of a run beside what its metrics hold, and launches during which a service falters."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from foundry.config import ExperimentConfig
from foundry.testing.forking import in_a_fork
from foundry.testing.registry import Logged
from foundry.testing.runs import Runs
from foundry.testing.wandb_service import WandbService
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone
from foundry.training.metrics import VOLATILE_KEYS, read_metrics

WAIT_SECONDS = 60.0
ADDED_BY_THE_CLIENT = ("_runtime", "_timestamp")


def shown_by(service: WandbService, project: str, run_id: str) -> Logged:
    """The run as a service on this machine holds it.

    Raises:
        AssertionError: it holds another run, or none.
    """
    names = [run.name for run in service.runs(project)]
    assert names == [run_id], f"the service has the runs {names}, not {run_id} alone"
    run = service.runs(project)[0]
    history = [{name: value for name, value in row.items() if name not in ADDED_BY_THE_CLIENT} for row in run.history]
    return Logged(run.config, history, run.summary, run.state, run.group)


def rows_of(metrics: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file as they are to be shown: numbers alone, those in a section as `section/name`."""
    rows = []
    for row in read_metrics(metrics):
        times = {f"{key}/{name}": value for key in VOLATILE_KEYS for name, value in row.get(key, {}).items()}
        given = ((name, value) for name, value in row.items() if name not in ("step", *VOLATILE_KEYS))
        rest = {name: value for name, value in given if value is not None}
        rows.append({"_step": row["step"], **rest, **times})
    return rows


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without what a clock and the machine gave."""
    return [{name: value for name, value in row.items() if name.partition("/")[0] not in VOLATILE_KEYS} for row in rows]


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something has come about.

    Raises:
        AssertionError: it did not within a minute.
    """
    ends_at = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at, f"{what}: not within {WAIT_SECONDS:g} s"
        time.sleep(0.02)


def wait_until_shown(service: WandbService, project: str, run_id: str, step: int) -> None:
    """Wait until the service holds a row of `step`, or of a later one."""

    def is_shown() -> bool:
        run = service.run(project, run_id)
        return run is not None and any(row["_step"] >= step for row in run.history)

    wait_until(is_shown, f"step {step} of {run_id} is shown")


def launch_with(runs: Runs, acts: Mapping[int, Callable[[], None]]) -> dict[int, float]:
    """Launch in this process, and act when a step has been made; the moment at which each step was made, in seconds."""
    made: dict[int, float] = {}

    def listen(event: Event) -> None:
        runs.events.append(event)
        if isinstance(event, StepDone):
            made[event.step] = time.monotonic()
            acts.get(event.step, lambda: None)()

    trainer = Trainer(runs.config(), on_event=listen)
    runs.folder = trainer.run_folder
    runs.report = trainer.train()
    return made


def modules_of_a_launch(config: ExperimentConfig) -> set[str]:
    """What a process has imported that has trained `config` in the current folder.

    Raises:
        AssertionError: the launch failed.
    """
    ended = in_a_fork(_train_and_list, config, Path.cwd())
    assert ended.exit_code == 0, ended.problem
    return set(ended.answer)


def _train_and_list(config: ExperimentConfig, folder: Path) -> list[str]:
    os.chdir(folder)
    torch.set_num_threads(1)
    Trainer(config).train()
    return sorted(sys.modules)
