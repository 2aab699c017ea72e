"""Peers measured side by side: they take turns in one process, so that other work on the machine hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

WARM_UP_ROUNDS = 2


def seconds_of(peers: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each peer over so many rounds, in each of which every peer runs once.

    The order turns from round to round, and the first rounds do not count.
    """
    times: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(WARM_UP_ROUNDS + rounds):
        for name in list(peers) if number % 2 else reversed(peers):
            started = time.perf_counter()
            peers[name]()
            if number >= WARM_UP_ROUNDS:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, rows: list[dict[str, Any]]) -> None:
    """Print the rows as a table."""
    print(f"{title}, {torch.get_num_threads()} threads")
    print("  ".join(f"{name:>24}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:>24.3f}" if isinstance(value, float) else f"{value:>24}" for value in row.values()))
