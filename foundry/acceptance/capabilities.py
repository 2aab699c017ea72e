"""What a scenario needs of the machine or of the user's will, by its tags, and why it cannot run without it."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable


def missing_capability(tags: Iterable[str], selection: str) -> str | None:
    """Why a scenario with `tags` does not run here, or None where it does.

    `@slow` and `@network` scenarios run when the tag expression `selection` names the tag, `@gpu` scenarios
    where there is a CUDA device. `@wandb_cloud` scenarios run anywhere, and need a key where `runs_in_the_cloud`.
    """
    needs = set(tags)
    if "gpu" in needs and not _has_cuda():
        return "needs a CUDA GPU: this machine has none"
    for tag, need in {"network": "needs the network", "slow": "takes minutes"}.items():
        if tag in needs and tag not in selection:
            return f"{need}: runs when it is selected with --tags=@{tag}"
    if runs_in_the_cloud(needs, selection) and not os.environ.get("WANDB_API_KEY"):
        return "needs an account of Weights & Biases: set WANDB_API_KEY"
    return None


def runs_in_the_cloud(tags: Iterable[str], selection: str) -> bool:
    """Whether a scenario with `tags` meets the real Weights & Biases, not a service on this machine."""
    return "wandb_cloud" in tags and "wandb_cloud" in selection


@functools.cache
def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
