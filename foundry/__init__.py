"""foundry trains small language models on code, and shows by an acceptance suite that every promise is kept.

`Trainer(config).train()` makes a run, `Generator.load(run)` writes with the model it published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foundry.config import ExperimentConfig
    from foundry.generation import Generator
    from foundry.trainer import Trainer

__version__ = "0.1.0"
__all__ = ["ExperimentConfig", "Generator", "Trainer", "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `foundry --help` need not wait for it."""
    if name == "ExperimentConfig":
        from foundry.config import ExperimentConfig

        return ExperimentConfig
    if name == "Generator":
        from foundry.generation import Generator

        return Generator
    if name == "Trainer":
        from foundry.trainer import Trainer

        return Trainer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
