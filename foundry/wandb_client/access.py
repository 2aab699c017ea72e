"""A look at the key before anything is trained that needs it."""

from __future__ import annotations

from collections.abc import Callable

from foundry.config import ExperimentConfig
from foundry.wandb_client.mode import wandb_mode
from foundry.wandb_client.process import ServiceTooSlow, ServiceUnreachable, ask

CHECK_SECONDS = 10.0
"""Longer than a service that works ever takes, and no longer than a user waits gladly for a training to begin."""


def require_access(config: ExperimentConfig, warn: Callable[[str], None]) -> bool:
    """Check that the service accepts the key; one that cannot be reached now is no obstacle to training.

    Returns:
        Whether the service can be reached, as far as anybody asked.

    Raises:
        UserError: there is no key, or the service does not accept it, or wandb is not installed.
    """
    if wandb_mode(config) != "online":
        return True
    try:
        found = ask({"act": "check", "entity": config.wandb.entity}, seconds=CHECK_SECONDS)
    except ServiceUnreachable as problem:
        slow = f"Weights & Biases has not answered within {CHECK_SECONDS:g} s"
        reason = slow if isinstance(problem, ServiceTooSlow) else problem
        warn(f"{reason}; training goes on, and what is missed can be sent later")
        return False
    if found["entity"] not in found["members"]:
        known = ", ".join(found["members"])
        warn(f"wandb.entity: {found['entity']} is none of those that the API key is known to belong to ({known})")
    return True
