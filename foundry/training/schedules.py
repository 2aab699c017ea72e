"""What happens at which step: the learning rate, evaluations and checkpoints, each computed from the step alone."""

from __future__ import annotations

import math

from foundry.config import TrainingConfig
from foundry.errors import UserError

EVALUATIONS_BY_DEFAULT = 10


def warmup_steps(training: TrainingConfig, total_steps: int) -> int:
    """The steps of linear warm-up.

    Raises:
        UserError: the warm-up leaves no step after it.
    """
    if training.warmup_steps is None:
        return int(training.warmup_ratio * total_steps)
    if training.warmup_steps >= total_steps:
        raise UserError(
            f"training.warmup_steps ({training.warmup_steps}) must be below the steps of the run ({total_steps}); "
            "lower it or train longer"
        )
    return training.warmup_steps


def learning_rate(training: TrainingConfig, step: int, total_steps: int) -> float:
    """The learning rate of `step` (from 1 to `total_steps`).

    It rises linearly to `training.learning_rate` at the last step of the warm-up, then falls along half a cosine
    (Loshchilov and Hutter 2017, equation 5, without restarts), or a line, to `min_learning_rate_ratio` of it at the
    last step.
    """
    warmup = warmup_steps(training, total_steps)
    if step <= warmup:
        return training.learning_rate * step / warmup
    if training.learning_rate_schedule == "constant":
        return training.learning_rate
    progress = (step - warmup) / max(1, total_steps - warmup)
    fall = (1 + math.cos(math.pi * progress)) / 2 if training.learning_rate_schedule == "cosine" else 1 - progress
    lowest = training.min_learning_rate_ratio
    return training.learning_rate * (lowest + (1 - lowest) * fall)


def is_evaluation_due(training: TrainingConfig, step: int, total_steps: int) -> bool:
    """Whether the validation loss is computed after `step`."""
    interval = training.evaluation_interval or max(1, total_steps // EVALUATIONS_BY_DEFAULT)
    return step % interval == 0 or step == total_steps


def checkpoint_steps(training: TrainingConfig, total_steps: int, steps_per_epoch: float) -> list[int]:
    """The scheduled checkpoints in ascending order; the milestones and the last step are always among them.

    Args:
        steps_per_epoch: blocks divided by the global batch size; need not be whole.
    """
    if training.checkpoint_schedule is not None:
        listed = list(training.checkpoint_schedule)
    elif training.auto_generate_checkpoints:
        listed = _generated(training, total_steps, steps_per_epoch)
    else:
        listed = []
    listed += training.checkpoint_milestones
    return sorted({step for step in listed if step < total_steps} | {total_steps})


def _generated(training: TrainingConfig, total_steps: int, steps_per_epoch: float) -> list[int]:
    """Evenly spaced in the first epoch; then as `subsequent_epochs_spacing` says, with each epoch's end."""
    spacing = steps_per_epoch / training.first_epoch_checkpoints
    wanted = [spacing * count for count in range(1, training.first_epoch_checkpoints + 1)]
    epoch = 1
    while epoch * steps_per_epoch < total_steps:
        start = epoch * steps_per_epoch
        wanted += [start + offset for offset in _offsets(training, spacing, steps_per_epoch)]
        epoch += 1
    chosen: list[int] = []
    for step in (math.ceil(place) for place in wanted):
        if step - (chosen[-1] if chosen else 0) >= training.min_checkpoint_interval:
            chosen.append(step)
    return chosen


def _offsets(training: TrainingConfig, spacing: float, steps_per_epoch: float) -> list[float]:
    """Where checkpoints lie in a later epoch, in steps after its start; its end is the last."""
    if training.subsequent_epochs_spacing == "linear":
        return [spacing * count for count in range(1, training.first_epoch_checkpoints + 1)]
    count = math.ceil(math.log(max(1.0, steps_per_epoch), training.log_base))
    powers = (float(training.log_base**power) for power in range(count))
    return [power for power in powers if power < steps_per_epoch] + [steps_per_epoch]
