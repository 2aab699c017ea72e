"""foundry trains small language models on code, and shows by an acceptance suite that every promise is kept.

`Trainer(config).train()` makes a run, `Generator.load(run)` writes with the model it published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundry.lazy import lazy_names

if TYPE_CHECKING:
    from foundry.config import ExperimentConfig
    from foundry.generation import Generator
    from foundry.trainer import Trainer

__version__ = "0.1.0"
__all__ = ["ExperimentConfig", "Generator", "Trainer", "__version__"]

__getattr__ = lazy_names(__name__, {"ExperimentConfig": "config", "Generator": "generation", "Trainer": "trainer"})
