"""Training: one step as a pure function, checkpoints that are whole or absent, and a run as a state machine on disk.

`loop` makes one optimizer update, `checkpointing` keeps what it needs to go on, `lifecycle` says where a run stands,
`session` puts them together. `lifecycle`, `metrics` and `events` import nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundry.lazy import lazy_names

if TYPE_CHECKING:
    from foundry.data.tokenizers import load_tokenizer
    from foundry.training.checkpointing import CheckpointManager
    from foundry.training.loop import TrainingLoop

__all__ = ["CheckpointManager", "TrainingLoop", "load_tokenizer"]

__getattr__ = lazy_names(
    __name__,
    {
        "CheckpointManager": "checkpointing",
        "TrainingLoop": "loop",
        "load_tokenizer": ".data.tokenizers",
    },
)
