"""Training: one step as a pure function, checkpoints that are whole or absent, and a run as a state machine on disk.

`loop` makes one optimizer update, `checkpointing` keeps what it needs to go on, `lifecycle` says where a run stands,
`session` puts them together. `lifecycle`, `metrics` and `events` import nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foundry.data.tokenizers import load_tokenizer
    from foundry.training.checkpointing import CheckpointManager
    from foundry.training.loop import TrainingLoop

__all__ = ["CheckpointManager", "TrainingLoop", "load_tokenizer"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the modules behind it import torch."""
    if name == "CheckpointManager":
        from foundry.training.checkpointing import CheckpointManager

        return CheckpointManager
    if name == "TrainingLoop":
        from foundry.training.loop import TrainingLoop

        return TrainingLoop
    if name == "load_tokenizer":
        from foundry.data.tokenizers import load_tokenizer

        return load_tokenizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
