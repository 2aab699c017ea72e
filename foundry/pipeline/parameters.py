"""How long training lasts, computed from what there is to learn from: each formula once.

The same formulas hold for the estimate, before a token has been made, and for the real counts after tokenizing.
"""

from __future__ import annotations

from foundry.pipeline.config import AnalyzeConfig

WARMUP_DIVISOR = 10
"""The warm-up is a tenth of all steps."""


def clamp(value: int, lowest: int, highest: int) -> int:
    """The nearest number to `value` that lies between two others, these included."""
    return max(lowest, min(value, highest))


def epochs_for(target_tokens: int, tokens_per_epoch: int, min_epochs: int, max_epochs: int) -> int:
    """`clamp(floor(target_tokens / tokens_per_epoch), min_epochs, max_epochs)`; without tokens, `max_epochs`."""
    if tokens_per_epoch == 0:
        return max_epochs
    return clamp(target_tokens // tokens_per_epoch, min_epochs, max_epochs)


def global_batch_size(batch_size: int, gradient_accumulation_steps: int) -> int:
    """Sequences in one step: `batch_size * gradient_accumulation_steps`."""
    return batch_size * gradient_accumulation_steps


def steps_per_epoch(sequences: int, batch_size: int, gradient_accumulation_steps: int) -> int:
    """`ceil(sequences / (batch_size * gradient_accumulation_steps))`."""
    return -(-sequences // global_batch_size(batch_size, gradient_accumulation_steps))


def total_steps(epochs: int, sequences: int, batch_size: int, gradient_accumulation_steps: int) -> int:
    """`ceil(epochs * sequences / global batch)`: a batch reaches into the next epoch, as the trainer's does.

    See `foundry.data.batches.BatchOrder.total_steps`.
    """
    return -(-epochs * sequences // global_batch_size(batch_size, gradient_accumulation_steps))


def epochs_begun(steps: int, sequences: int, batch_size: int, gradient_accumulation_steps: int) -> int:
    """`ceil(steps * global batch / sequences)`: the epochs that so many steps come into; 0 where there is nothing."""
    if sequences == 0:
        return 0
    return -(-steps * global_batch_size(batch_size, gradient_accumulation_steps) // sequences)


def warmup_steps(steps: int, min_warmup_steps: int, max_warmup_steps: int) -> int:
    """`clamp(floor(0.1 * steps), min_warmup_steps, max_warmup_steps)`, and always below `steps`."""
    return max(0, min(clamp(steps // WARMUP_DIVISOR, min_warmup_steps, max_warmup_steps), steps - 1))


def num_sequences(tokens: int, sequence_length: int, overlap: int) -> int:
    """Sequences of one document: the first holds `sequence_length` tokens, each later one `overlap` fewer new ones."""
    if tokens == 0:
        return 0
    return 1 + max(0, -(-(tokens - sequence_length) // (sequence_length - overlap)))


def training_parameters(
    limits: AnalyzeConfig,
    *,
    tokens_per_epoch: int,
    sequences: int,
    batch_size: int,
    gradient_accumulation_steps: int = 1,
    epochs: int | None = None,
    train_steps: int | None = None,
) -> dict[str, int]:
    """All of it, for the manifest and for the trainer.

    Args:
        limits: the target, and what epochs and warm-up are kept between.
        tokens_per_epoch: tokens that are learned from in one pass, padding and validation left out.
        sequences: of the training part.
        epochs: what the user asked for, instead of the computed number.
        train_steps: what the user asked for, instead of epochs.
    """
    batch = (batch_size, gradient_accumulation_steps)
    if train_steps is None:
        limit = limits.max_steps if epochs is None else None
        wanted = epochs or epochs_for(limits.target_tokens, tokens_per_epoch, limits.min_epochs, limits.max_epochs)
        steps = total_steps(wanted, sequences, *batch)
        train_steps = limit if limit is not None and limit < steps else None
    if train_steps is not None:
        wanted, steps = epochs_begun(train_steps, sequences, *batch), train_steps
    return {
        "tokens_per_epoch": tokens_per_epoch,
        "sequences": sequences,
        "batch_size": batch_size,
        "gradient_accumulation_steps": gradient_accumulation_steps,
        "epochs": wanted,
        "steps_per_epoch": steps_per_epoch(sequences, *batch),
        "total_steps": steps,
        "warmup_steps": warmup_steps(steps, limits.min_warmup_steps, limits.max_warmup_steps),
    }
