"""Text from trained models: the next-token rule, and a generator that reads each token once.

Names are imported when they are first used, because torch is slow to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundry.lazy import lazy_names

if TYPE_CHECKING:
    from foundry.generation.generator import Generation, Generator
    from foundry.generation.sampling import SamplingRule, next_token

__all__ = ["Generation", "Generator", "SamplingRule", "next_token"]

__getattr__ = lazy_names(
    __name__,
    {
        "Generation": "generator",
        "Generator": "generator",
        "SamplingRule": "sampling",
        "next_token": "sampling",
    },
)
