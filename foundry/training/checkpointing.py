"""Checkpoints: each a folder that is whole or absent.

A folder `step-00000100` holds weights, optimizer state and counters after 100 steps; the next step is 101. It appears
in one rename, with a manifest of digests. One that does not verify is set aside, never loaded and never deleted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from foundry import files, manifests
from foundry.errors import FoundryError
from foundry.manifests import WEIGHTS_NAME, Manifest
from foundry.models.io import load_weights, save_weights
from foundry.training.optimizer import load_optimizer_tensors, optimizer_tensors

OPTIMIZER_NAME = "optimizer.safetensors"
STATE_NAME = "state.json"
NEEDED = (WEIGHTS_NAME, OPTIMIZER_NAME, STATE_NAME)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, and what its manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.manifest.step


class CheckpointManager:
    """The checkpoints of one run.

    Args:
        folder: where the checkpoint folders stand.
        fingerprint: the run's; a checkpoint of another run is refused.
        keep: how many of the newest stay, beside the best; None keeps all.
        warn: is told of what is set aside.
    """

    def __init__(self, folder: Path, fingerprint: str, keep: int | None, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.keep = keep
        self.warn = warn

    def save(
        self,
        step: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        state: dict[str, Any],
        validation_loss: float | None,
    ) -> Checkpoint:
        """Put a checkpoint on disk, then remove those that need not stay.

        Args:
            state: counters and generator states, as JSON.
            validation_loss: of these weights, in nats a token; None where it was not evaluated.

        Raises:
            FoundryError: it could not be written; earlier checkpoints are untouched.
        """
        target = manifests.checkpoint_folder(self.folder, step)
        try:
            with files.new_folder(target) as new:
                save_weights(model, new / WEIGHTS_NAME)
                save_file(
                    {name: tensor.contiguous() for name, tensor in optimizer_tensors(model, optimizer).items()},
                    new / OPTIMIZER_NAME,
                )
                files.write_json(new / STATE_NAME, state)
                manifest = manifests.write_manifest(
                    new, step=step, validation_loss=validation_loss, fingerprint=self.fingerprint
                )
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FoundryError(
                f"{target}: the checkpoint could not be written: {reason}; {self._space()}. "
                "Earlier checkpoints are whole; make room and launch again"
            ) from error
        self._remove_superseded()
        return Checkpoint(target, manifest)

    def best(self) -> Checkpoint | None:
        """The one with the lowest validation loss, ties to the earlier; without any such loss, the newest."""
        listed = manifests.readable_checkpoints(self.folder)
        return Checkpoint(*manifests.best_of(listed)) if listed else None

    def newest_whole(self) -> Checkpoint | None:
        """The newest checkpoint whose every byte verifies; damaged ones on the way are set aside.

        Raises:
            FoundryError: there are checkpoints, set aside now or before, and none of them is whole.
        """
        if self.folder.is_symlink():
            raise FoundryError(
                f"{self.folder}: is a symbolic link, and checkpoints are not removed through one; put the folder "
                "that it names into its place, or set training.output_dir"
            )
        folders = manifests.checkpoint_folders(self.folder)
        for folder in reversed(folders):
            try:
                if folder.is_symlink():
                    raise ValueError("it is a symbolic link")
                manifest = manifests.verify(folder, NEEDED)
                if manifest.step != manifests.step_of(folder):
                    raise ValueError(f"it holds step {manifest.step}")
                if manifest.fingerprint != self.fingerprint:
                    raise ValueError(f"it belongs to a run with fingerprint {manifest.fingerprint}")
                return Checkpoint(folder, manifest)
            except ValueError as problem:
                self._set_aside(folder, str(problem))
        remedy = "Put one back from a copy, or remove the run folder to start anew"
        if folders:
            raise FoundryError(
                f"{self.folder}: none of the {len(folders)} checkpoints is whole; they were set aside as damaged-*. "
                f"{remedy}"
            )
        if aside := list(self.folder.glob("damaged-*")):
            raise FoundryError(
                f"{self.folder}: earlier launches have set aside {len(aside)} checkpoints as damaged-*, and there is "
                f"no other. {remedy}"
            )
        return None

    def load(self, checkpoint: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Put weights and optimizer state into `model` and `optimizer`; the state that `save` was given.

        Raises:
            FoundryError: the tensors do not fit the model.
        """
        try:
            load_weights(model, checkpoint.folder / WEIGHTS_NAME)
            load_optimizer_tensors(model, optimizer, load_file(checkpoint.folder / OPTIMIZER_NAME))
        except (ValueError, RuntimeError, SafetensorError) as error:
            raise FoundryError(f"{checkpoint.folder}: does not fit this experiment's model: {error}") from error
        state: dict[str, Any] = json.loads((checkpoint.folder / STATE_NAME).read_text(encoding="utf-8"))
        return state

    def _remove_superseded(self) -> None:
        if self.keep is None:
            return
        best = self.best()
        for folder, manifest in manifests.readable_checkpoints(self.folder)[: -self.keep]:
            if best is None or manifest.step != best.step:
                files.remove_folder(folder)

    def _set_aside(self, folder: Path, problem: str) -> None:
        number = 0
        while os.path.lexists(aside := folder.with_name(f"damaged-{folder.name}-{number}")):
            number += 1
        folder.rename(aside)
        self.warn(f"checkpoint {folder.name} is damaged ({problem}); set aside as {aside.name}")

    def _space(self) -> str:
        return f"{shutil.disk_usage(self.folder).free:,} bytes are free"
