"""Which artifact store an experiment publishes to."""

from __future__ import annotations

from collections.abc import Callable

from foundry.artifacts.local import LocalStore
from foundry.artifacts.store import ArtifactStore
from foundry.config import ExperimentConfig


def artifact_store(
    config: ExperimentConfig, fingerprint: str, on_progress: Callable[[int, int], None], is_asked_for: bool
) -> ArtifactStore:
    """The store that `config.artifacts` names.

    Args:
        fingerprint: of the run that is published.
        on_progress: is told how many bytes of how many are sent.
        is_asked_for: publishing now is what the user asks for, whatever mode the experiment is in.
    """
    if config.artifacts.store == "local":
        return LocalStore(config.artifacts.path)
    from foundry.artifacts.wandb import WandbStore

    return WandbStore(config, fingerprint, on_progress, is_asked_for)
