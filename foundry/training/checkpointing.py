"""Checkpoints: each a folder that is whole or absent.

A folder `step-00000100` holds weights, optimizer state and counters after 100 steps; the next step is 101. It appears
in one rename, with a manifest of digests. One that does not verify is set aside, never used and never deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from foundry import files, manifests
from foundry.errors import FoundryError
from foundry.manifests import CHECKPOINT_FILES, OPTIMIZER_NAME, STATE_NAME, WEIGHTS_NAME, FileDigest, Manifest
from foundry.models.io import stored_tensors
from foundry.tensor_files import content_bytes, local_part, read_tensors, write_tensors
from foundry.training.optimizer import optimizer_tensors
from foundry.untrusted import read_json, shown

MAX_STATE_BYTES = 16 << 20
"""A state file is a few kilobytes; what is larger is none, and is not read into memory."""
ROOM_BESIDE_TENSORS = 1 << 16
"""For the state file and the manifest of a checkpoint, in bytes; generous."""

Tensors = Mapping[str, Mapping[str, Tensor]]
"""The tensors of a checkpoint, by file name and tensor name."""
State = TypeVar("State")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, and what its manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.manifest.step


def checkpoint_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensors:
    """What a checkpoint holds of `model` and `optimizer`: their own tensors, not copies."""
    return {WEIGHTS_NAME: stored_tensors(model), OPTIMIZER_NAME: optimizer_tensors(model, optimizer)}


def checkpoint_bytes(tensors: Tensors) -> int:
    """The room that a checkpoint takes on disk."""
    return sum(map(content_bytes, tensors.values())) + ROOM_BESIDE_TENSORS


class CheckpointManager:
    """The checkpoints of one run.

    Args:
        folder: where the checkpoint folders stand.
        fingerprint: the run's; a checkpoint of another run is refused.
        keep: how many of the newest stay, beside the best and the milestones; None keeps all.
        milestones: the steps whose checkpoints stay whatever comes after them.
        base_digest: of the pretrained weights that are trained or adapted; a checkpoint of other ones is refused.
        warn: is told of what is set aside.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        keep: int | None,
        warn: Callable[[str], None],
        milestones: Collection[int] = (),
        base_digest: str | None = None,
    ) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.keep = keep
        self.milestones = frozenset(milestones)
        self.warn = warn
        self.base_digest = base_digest

    def save(self, step: int, tensors: Tensors, state: dict[str, Any], validation_loss: float | None) -> Checkpoint:
        """Put a checkpoint on disk, then remove those that need not stay.

        Args:
            tensors: see `checkpoint_tensors`; read in place, and hashed while they are written.
            state: counters and generator states, as JSON.
            validation_loss: of these weights, in nats a token; None where it was not evaluated.

        Raises:
            FoundryError: it could not be written, or holds numbers that are not finite; earlier checkpoints are
                untouched.
        """
        target = manifests.checkpoint_folder(self.folder, step)
        require_finite(target, tensors)
        try:
            with files.new_folder(target) as new:
                described = self._write(new, tensors)
                files.write_json(new / STATE_NAME, state)
                described[STATE_NAME] = manifests.FileDigest.of(new / STATE_NAME)
                manifest = Manifest(
                    step=step,
                    validation_loss=validation_loss,
                    fingerprint=self.fingerprint,
                    files=described,
                    base_digest=self.base_digest,
                )
                manifests.store_manifest(new, manifest)
        except OSError as error:
            error.filename = target
            raise files.disk_failure(error, self.folder, "the checkpoint", checkpoint_bytes(tensors)) from error
        self._remove_superseded()
        return Checkpoint(target, manifest)

    def best(self) -> Checkpoint | None:
        """The one with the lowest validation loss, ties to the earlier; without any such loss, the newest."""
        listed = manifests.readable_checkpoints(self.folder)
        return Checkpoint(*manifests.best_of(listed)) if listed else None

    def restore(self, tensors: Tensors, accept: Callable[[Any], State]) -> tuple[Checkpoint, State] | None:
        """Fill `tensors` from the newest checkpoint whose every byte verifies; damaged ones on the way are set aside.

        Each file is hashed while it is read. Only when None is returned or an error raised do the tensors hold
        anything but the content of a whole checkpoint.

        Args:
            tensors: see `checkpoint_tensors`.
            accept: makes use of the content of the state file, and raises ValueError where that cannot be done.

        Returns:
            The checkpoint and what `accept` made of its state; None where there is and was none.

        Raises:
            FoundryError: there are checkpoints, and none of them is whole.
        """
        if self.folder.is_symlink():
            raise FoundryError(
                f"{self.folder}: is a symbolic link, and checkpoints are not removed through one; put the folder "
                "that it names into its place, or set training.output_dir"
            )
        for folder in reversed(manifests.checkpoint_folders(self.folder)):
            try:
                return self._verify_and_read(folder, tensors, accept)
            except ValueError as problem:
                self._set_aside(folder, str(problem))
        if damaged := manifests.set_aside_folders(self.folder):
            raise FoundryError(
                f"{self.folder}: none of the {len(damaged)} checkpoints is whole; they were set aside as damaged-*. "
                "Put one back from a copy, or remove the run folder to start anew"
            )
        return None

    def _verify_and_read(
        self, folder: Path, tensors: Tensors, accept: Callable[[Any], State]
    ) -> tuple[Checkpoint, State]:
        if folder.is_symlink():
            raise ValueError("it is a symbolic link")
        manifest = manifests.verify_outline(folder, CHECKPOINT_FILES)
        if manifest.fingerprint != self.fingerprint:
            raise ValueError(f"it belongs to a run with fingerprint {manifest.fingerprint}")
        if manifest.base_digest != self.base_digest:
            raise ValueError(
                f"it adapts a base with SHA-256 {shown(str(manifest.base_digest))}, and this one has {self.base_digest}"
            )
        if manifests.checkpoint_folder(self.folder, manifest.step) != folder:
            raise ValueError(f"its manifest says step {shown(str(manifest.step))}")
        hashed_on_the_way = () if self._needs_parts(manifest, tensors) else tensors
        for name, entry in manifest.files.items():
            if name not in hashed_on_the_way:
                manifests.verify_file(folder, name, entry)
        return Checkpoint(folder, manifest), self._read(folder, manifest, tensors, accept)

    def _read(self, folder: Path, manifest: Manifest, tensors: Tensors, accept: Callable[[Any], State]) -> State:
        """Fill `tensors` from a checkpoint, of whatever kind it is and they are."""
        if self._needs_parts(manifest, tensors):
            from foundry.tensor_shards import check_parts, read_parts

            check_parts(folder, manifest, tensors)
            read_parts(folder, manifest, tensors)
        else:
            with ThreadPoolExecutor(len(tensors), "restore") as threads:
                reading = [
                    threads.submit(read_tensors, folder / name, held, manifest.files[name])
                    for name, held in tensors.items()
                ]
            for outcome in reading:
                outcome.result()
        try:
            state = read_json(folder / STATE_NAME, MAX_STATE_BYTES)
        except ValueError as problem:
            raise ValueError(f"{STATE_NAME} {problem}") from None
        if isinstance(state, dict) and state.get("step", manifest.step) != manifest.step:
            raise ValueError(f"{STATE_NAME} is that of step {shown(str(state['step']))}")
        return accept(state)

    def _write(self, folder: Path, tensors: Tensors) -> dict[str, FileDigest]:
        """Write the tensors of a checkpoint into a folder in the making; the digests of the files."""
        return {name: write_tensors(folder / name, held) for name, held in tensors.items()}

    def _needs_parts(self, manifest: Manifest, tensors: Tensors) -> bool:
        """Whether a checkpoint has to be read piece by piece, because it was written in parts."""
        return any(manifests.is_in_parts(manifest, name) for name in tensors)

    def _remove_superseded(self) -> None:
        if self.keep is None:
            return
        best = self.best()
        for folder, manifest in manifests.readable_checkpoints(self.folder)[: -self.keep]:
            if manifest.step not in self.milestones and (best is None or manifest.step != best.step):
                files.remove_folder(folder)

    def _set_aside(self, folder: Path, problem: str) -> None:
        number = 0
        while os.path.lexists(aside := folder.with_name(f"{manifests.SET_ASIDE_PREFIX}{folder.name}-{number}")):
            number += 1
        folder.rename(aside)
        self.warn(f"checkpoint {folder.name} is damaged ({' '.join(problem.split())}); set aside as {aside.name}")


def require_finite(target: Path, tensors: Tensors) -> None:
    """NaN and infinity must not reach a checkpoint. The sum is finite unless a number is not, or it overflows."""
    for held in tensors.values():
        for name, tensor in ((name, local_part(tensor)) for name, tensor in held.items()):
            if tensor.is_floating_point() and not tensor.sum().isfinite() and not tensor.isfinite().all():
                raise FoundryError(
                    f"{target}: is not written, because {name} holds numbers that are not finite: the weights have "
                    "diverged. Lower training.learning_rate; earlier checkpoints are whole"
                )
