"""Extends runs in processes of their own, and finds the instants at which the making of one can be cut short."""

from __future__ import annotations

import functools
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.testing.kill_points import KillPoint, kill_points
from foundry.trainer import Trainer


def extend(config: ExperimentConfig) -> None:
    """Train `config` by going on from the finished run that is shorter."""
    Trainer(config, extend=True).train()


def instants_of_making(task: functools.partial[None], folder: Path, count: int) -> list[KillPoint]:
    """So many instants, evenly spread, from the first file of an extended run to its first update of the weights.

    Args:
        task: a call of `extend`, which is run to its end in `folder`.
    """
    points = kill_points(task, folder)
    first = next(number for number, point in enumerate(points) if ".writing-small-" in point.path)
    last = next(number for number, point in enumerate(points) if point.operation == "forward")
    making = [point for point in points[first:last] if point.operation in ("open", "rename", "mkdir", "write")]
    return making[:: max(1, len(making) // count)][:count]
