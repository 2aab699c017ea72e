"""Assertions that two runs are the same, to the bit; each names the first difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import safe_open

from foundry.training.metrics import read_metrics


def assert_same_tensors(first: Path, second: Path) -> None:
    """Two safetensors files hold the same names, types, shapes and bits."""
    difference = first_tensor_difference(first, second)
    assert difference is None, f"{first} and {second} differ: {difference}"


def first_tensor_difference(first: Path, second: Path) -> str | None:
    """The first tensor in which two safetensors files differ, in words; None where there is none."""
    import torch

    with safe_open(first, "pt") as one, safe_open(second, "pt") as other:
        if set(one.keys()) != set(other.keys()):
            return f"tensors {sorted(set(one.keys()) ^ set(other.keys()))} are in one of them only"
        for name in sorted(one.keys()):
            a, b = one.get_tensor(name), other.get_tensor(name)
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"{name} is {a.dtype} {tuple(a.shape)} and {b.dtype} {tuple(b.shape)}"
            if not torch.equal(a, b):
                largest = (a.double() - b.double()).abs().max().item()
                return f"{name} differs, at most by {largest:.3g}"
    return None


def metrics_without_time(run_folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without the figures that a clock gave."""
    return [
        {key: value for key, value in row.items() if key != "time"}
        for row in read_metrics(run_folder / "metrics.jsonl")
    ]


def assert_same_run(first: Path, second: Path, step: int) -> None:
    """Two run folders hold the same weights, optimizer state and early stopping after `step`, and the same metrics."""
    import json

    for name in ("model.safetensors", "optimizer.safetensors"):
        assert_same_tensors(
            first / f"checkpoints/step-{step:08d}/{name}", second / f"checkpoints/step-{step:08d}/{name}"
        )
    states = [
        json.loads((folder / f"checkpoints/step-{step:08d}/state.json").read_text())["early_stopping"]
        for folder in (first, second)
    ]
    assert states[0] == states[1], f"early stopping differs: {states[0]} and {states[1]}"
    rows, others = metrics_without_time(first), metrics_without_time(second)
    for row, other in zip(rows, others, strict=False):
        assert row == other, f"metrics differ: {row} and {other}"
    assert len(rows) == len(others), f"{len(rows)} and {len(others)} lines of metrics"
