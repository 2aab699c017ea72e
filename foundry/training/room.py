"""Room on disk, looked at before work is spent on a run that could not be saved."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.training.checkpointing import Tensors, checkpoint_bytes
from foundry.training.lifecycle import Run


def require_room(
    run: Run, config: ExperimentConfig, tensors: Tensors, scheduled: Collection[int], warn: Callable[[str], None]
) -> None:
    """Compare what the run's checkpoints will take with what is free.

    At its fullest, a run holds the newest checkpoints and the best one, its milestones, and one that is being written.

    Raises:
        FoundryError: there is no room for one checkpoint beside the last whole one.
    """
    one, free = checkpoint_bytes(tensors), shutil.disk_usage(run.folder).free
    present = len(manifests.checkpoint_folders(run.checkpoints))
    training = config.training
    kept = len(scheduled) if training.keep_checkpoints is None else training.keep_checkpoints
    wanted = kept + 1 + len(training.checkpoint_milestones) + 1
    least = 1 if present else 2
    if free < least * one:
        raise FoundryError(
            f"{run.folder}: training needs room for {least} more checkpoint{'s' * (least > 1)}, {least * one:,} bytes, "
            f"and {free:,} are free there; make room, or set training.output_dir to another disk"
        )
    if free < (wanted - present) * one:
        warn(
            f"{run.folder}: the checkpoints of this run may come to need {(wanted - present) * one:,} bytes more, and "
            f"{free:,} are free there; a lower training.keep_checkpoints needs less"
        )
