"""Whether the metrics of a run are all there: each line whole, steps ascending, none doubled and none missing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from foundry.config import ExperimentConfig
from foundry.environments import read_launches
from foundry.training.lifecycle import METRICS_NAME, RunRecord
from foundry.training.schedules import is_evaluation_due

MAX_NAMED_STEPS = 8


def metrics_findings(
    folder: Path, record: RunRecord, config: ExperimentConfig, has_validation: bool, done: int
) -> Iterator[tuple[Literal["whole", "damaged", "note"], str]]:
    """What is wrong with the metrics of a run, or that nothing is.

    Args:
        has_validation: validation losses are computed.
        done: the step of the newest whole checkpoint; what was logged after it, a relaunch logs again.
    """
    path = folder / METRICS_NAME
    if not path.is_file():
        yield ("damaged" if done else "note"), "is missing"
        return
    *lines, tail = path.read_bytes().split(b"\n")
    steps = [_step_in(line) for line in lines]
    needed = max((number for number, step in enumerate(steps, 1) if step is not None and step <= done), default=0)
    problems = [f"line {number} cannot be read" for number, step in enumerate(steps[:needed], 1) if step is None]
    known = [step for step in steps if step is not None]
    kept = [step for step in known if step <= done]
    if any(after <= before for before, after in itertools.pairwise(known)):
        problems.append("steps do not ascend, or are doubled")
    if missing := sorted(_expected_steps(folder, record, config, has_validation, done) - set(kept)):
        named = ", ".join(map(str, missing[:MAX_NAMED_STEPS])) + (", …" if len(missing) > MAX_NAMED_STEPS else "")
        problems.append(f"step{'s' * (len(missing) > 1)} {named} missing")
    if problems:
        yield "damaged", "; ".join(problems[:MAX_NAMED_STEPS])
    else:
        yield "whole", f"{len(kept)} lines up to step {kept[-1] if kept else 0}"
    if len(steps) > needed or tail:
        again = len(steps) - needed + bool(tail)
        yield "note", f"{again} line{'s' * (again > 1)} after step {done}, which a launch that trains makes again"


def _step_in(line: bytes) -> int | None:
    try:
        step = json.loads(line)["step"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return step if isinstance(step, int) else None


def _expected_steps(
    folder: Path, record: RunRecord, config: ExperimentConfig, has_validation: bool, done: int
) -> set[int]:
    """The steps up to `done` that must have been logged: the first, the last, those of evaluations and intervals."""
    total = record.total_steps
    begun_at = record.extended_from.step if record.extended_from is not None else 0
    expected = {1, *({total} if total is not None else ())}
    if has_validation and total is not None:
        expected |= {step for step in range(begun_at + 1, done + 1) if is_evaluation_due(config.training, step, total)}
    last = done
    for launch in read_launches(folder):
        first, interval = launch.get("next_step"), launch.get("settings", {}).get("logging.log_interval")
        if isinstance(first, int) and isinstance(interval, int) and interval > 0:
            expected |= {step for step in range(first, last + 1) if step % interval == 0}
        if isinstance(first, int):
            last = min(last, first - 1)
    return {step for step in expected if 1 <= step <= done}
