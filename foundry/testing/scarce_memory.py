"""Runs in which memory becomes scarce: a real limit of the system on what a process may allocate."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.testing.forking import Ended, in_a_fork
from foundry.testing.limits import allocation_limit
from foundry.training.events import Event, Message, StepDone

_M_MMAP_THRESHOLD = -3
_OWN_MAPPING_BYTES = 1 << 16


def return_freed_memory() -> None:
    """Let this process give each large block back to the system as soon as it is freed, so that a limit is sharp.

    Otherwise the C library keeps blocks for later, and allocations that should fail are served from them. This cannot
    be taken back: use it in a process that was forked for the purpose.
    """
    library = ctypes.CDLL(None)
    library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)
    library.malloc_trim(0)


def train_where_memory_becomes_scarce(
    config: ExperimentConfig, room_bytes: int, after_step: int, killed_after: int | None
) -> Ended:
    """Train in a process that can allocate only so much more once a step is done.

    Args:
        room_bytes: what it may allocate then, beyond what it holds.
        killed_after: the step after which the process is sent SIGKILL; None lets it end.

    Returns:
        How it ended; its answer are the first and the last step that were made, and the warnings.

    Raises:
        NotPermitted: the system does not enforce such a limit.
    """
    with allocation_limit(1 << 40):
        pass  # asks here whether it is permitted; the process that is forked only could say so in its last words
    return in_a_fork(_train, config, Path.cwd(), room_bytes, after_step, killed_after)


def _train(
    config: ExperimentConfig, folder: Path, room_bytes: int, after_step: int, killed_after: int | None
) -> tuple[int | None, int | None, list[str]]:
    import torch

    from foundry.trainer import Trainer

    os.chdir(folder)
    torch.set_num_threads(1)
    return_freed_memory()
    warnings: list[str] = []
    with contextlib.ExitStack() as limits:
        listen = _listener(limits, warnings, room_bytes, after_step, killed_after)
        report = Trainer(config, on_event=listen).train()
    return report.first_step, report.last_step, warnings


def _listener(
    limits: contextlib.ExitStack, warnings: list[str], room_bytes: int, after_step: int, killed_after: int | None
) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if isinstance(event, Message) and event.warning:
            warnings.append(event.text)
        if isinstance(event, StepDone) and event.step == after_step:
            limits.enter_context(allocation_limit(room_bytes))
        if isinstance(event, StepDone) and event.step == killed_after:
            os.kill(os.getpid(), signal.SIGKILL)

    return listen
