"""Saving beside training: the tensors are copied, training goes on, and a thread writes the copy.

At most one checkpoint is under way, and one copy exists: whoever saves the next waits for the one before. A checkpoint
counts as saved only when its folder has appeared, so a kill in between costs steps that are made again, and nothing
else.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from foundry.training.checkpointing import Checkpoint, CheckpointManager, Tensors


class CheckpointSaver:
    """Gives checkpoints to a manager, one at a time.

    Args:
        manager: writes them.
        before: is called before each is written, in the thread that writes.
        asynchronous: write in a thread of its own, from a copy; else before `save` returns, without a copy.
    """

    def __init__(self, manager: CheckpointManager, before: Callable[[], None], asynchronous: bool) -> None:
        self._manager = manager
        self._before = before
        self._asynchronous = asynchronous
        self._thread: threading.Thread | None = None
        self._copy: dict[str, dict[str, Tensor]] = {}
        self._saved: queue.SimpleQueue[Checkpoint] = queue.SimpleQueue()
        self._failure: BaseException | None = None

    def save(self, step: int, tensors: Tensors, state: dict[str, Any], validation_loss: float | None) -> None:
        """Save a checkpoint, see `CheckpointManager.save`; waits for the one before it.

        Raises:
            FoundryError: this one, or the one before it, could not be written.
        """
        self._join()
        if not self._asynchronous:
            self._write(step, tensors, state, validation_loss)
            self._raise_failure()
            return
        copy = self._copied(tensors)
        self._thread = threading.Thread(
            target=self._write, args=(step, copy, state, validation_loss), name="checkpoint", daemon=True
        )
        self._thread.start()

    def saved(self, wait: bool = False) -> list[Checkpoint]:
        """The checkpoints that have come to be on disk since this was last asked.

        Args:
            wait: also for the one that is under way.

        Raises:
            FoundryError: one could not be written.
        """
        if wait or (self._thread is not None and not self._thread.is_alive()):
            self._join()
        return [self._saved.get_nowait() for _ in range(self._saved.qsize())]

    def settle(self) -> None:
        """Wait for the one that is under way, where another error is being raised that matters more."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _join(self) -> None:
        self.settle()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _write(self, step: int, tensors: Tensors, state: dict[str, Any], validation_loss: float | None) -> None:
        try:
            self._before()
            self._saved.put(self._manager.save(step, tensors, state, validation_loss))
        except BaseException as error:  # noqa: BLE001 (raised again in the training thread)
            self._failure = error

    def _copied(self, tensors: Tensors) -> Tensors:
        """The tensors' content now, on the host; the memory of the last copy is used again."""
        on_gpu = False
        for file, held in tensors.items():
            copies = self._copy.setdefault(file, {})
            for name, tensor in held.items():
                if name not in copies:
                    copies[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
                copies[name].copy_(tensor.detach(), non_blocking=True)
                on_gpu = on_gpu or tensor.is_cuda
        if on_gpu:  # gpu-only
            torch.cuda.synchronize()
        return self._copy
