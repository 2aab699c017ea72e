"""The checkpoints of a run that several processes train: the first of them decides, and writes what is whole.

Where each process holds the whole model, the first writes an ordinary checkpoint. Where each holds a part, all write
theirs into one folder, which the first describes in one manifest and brings into being in one rename.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn

from foundry import manifests
from foundry.errors import FoundryError
from foundry.manifests import FileDigest, Manifest
from foundry.training.checkpointing import Checkpoint, CheckpointManager, State, Tensors, require_finite
from foundry.training.processes import Processes


class SharedCheckpoints(CheckpointManager):
    """What `CheckpointManager` does, for several processes: each calls every method at the same time.

    Args:
        processes: those of the launch.
        in_parts: whether each process holds, and writes, a part of every tensor.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        keep: int | None,
        warn: Callable[[str], None],
        milestones: Collection[int],
        processes: Processes,
        in_parts: bool,
        base_digest: str | None = None,
    ) -> None:
        super().__init__(folder, fingerprint, keep, warn, milestones, base_digest)
        self._processes = processes
        self._in_parts = in_parts

    def save(self, step: int, tensors: Tensors, state: dict[str, Any], validation_loss: float | None) -> Checkpoint:
        """See `CheckpointManager.save`; the errors are raised in every process."""
        if not self._in_parts:
            save = super().save
            return self._processes.first(lambda: save(step, tensors, state, validation_loss))
        target = manifests.checkpoint_folder(self.folder, step)
        self._processes.together(lambda: require_finite(target, tensors))
        if not self._processes.is_first:
            return self._save_part(tensors)
        try:
            checkpoint = super().save(step, tensors, state, validation_loss)
        except Exception as error:
            self._processes.first(functools.partial(_raise, error))
            raise
        return self._processes.first(lambda: checkpoint)

    def restore(self, tensors: Tensors, accept: Callable[[Any], State]) -> tuple[Checkpoint, State] | None:
        """See `CheckpointManager.restore`: the first process verifies and chooses, the others read the same one."""
        found: list[tuple[Checkpoint, State] | None] = []
        restore = super().restore

        def choose() -> Checkpoint | None:
            found.append(restore(tensors, accept))
            return found[0][0] if found[0] is not None else None

        chosen = self._processes.first(choose)
        if chosen is not None:
            self._processes.together(lambda: self._follow(chosen, tensors, accept, found))
        return found[0] if found else None

    def _follow(
        self,
        chosen: Checkpoint,
        tensors: Tensors,
        accept: Callable[[Any], State],
        found: list[tuple[Checkpoint, State] | None],
    ) -> None:
        """Read what the first process has verified, and nobody has touched since."""
        if self._processes.is_first:
            return
        try:
            found.append((chosen, self._read(chosen.folder, chosen.manifest, tensors, accept)))
        except ValueError as problem:
            raise FoundryError(f"{chosen.folder}: {problem}") from None

    def _write(self, folder: Path, tensors: Tensors) -> dict[str, FileDigest]:
        if not self._in_parts:
            return super()._write(folder, tensors)
        self._processes.first(lambda: folder)
        return self._write_parts(folder, tensors)

    def _save_part(self, tensors: Tensors) -> Checkpoint:
        """The side of the others: they hear where to write, and whether the checkpoint has come to be."""
        folder: Path = self._processes.first(_nothing)
        with contextlib.suppress(FoundryError, OSError):  # the first has the same error, and says so next
            self._write_parts(folder, tensors)
        checkpoint: Checkpoint = self._processes.first(_nothing)
        return checkpoint

    def _write_parts(self, folder: Path, tensors: Tensors) -> dict[str, FileDigest]:
        from foundry.tensor_shards import write_parts

        described: dict[str, FileDigest] = {}
        for part in self._processes.together(lambda: write_parts(folder, tensors, self._processes.rank)):
            described |= part
        return described

    def _needs_parts(self, manifest: Manifest, tensors: Tensors) -> bool:
        return self._in_parts or super()._needs_parts(manifest, tensors)


def _nothing() -> Any:
    raise AssertionError("only the first process decides")


def _raise(error: Exception) -> NoReturn:
    raise error
