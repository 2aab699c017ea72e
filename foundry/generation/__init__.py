"""Text from trained models: the next-token rule, and a generator that reads each token once.

Names are imported when they are first used, because torch is slow to load.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foundry.generation.generator import Generation, Generator
    from foundry.generation.sampling import SamplingRule, next_token

__all__ = ["Generation", "Generator", "SamplingRule", "next_token"]

_MODULES = {
    "Generation": "generator",
    "Generator": "generator",
    "SamplingRule": "sampling",
    "next_token": "sampling",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
