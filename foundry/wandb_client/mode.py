"""Whether Weights & Biases is spoken to at all: what the experiment says, else what WANDB_MODE says."""

from __future__ import annotations

import os
from typing import Literal, cast, get_args

from foundry.config import ExperimentConfig
from foundry.errors import UserError

Mode = Literal["online", "offline", "disabled"]


def wandb_mode(config: ExperimentConfig) -> Mode:
    """The mode of an experiment.

    Raises:
        UserError: WANDB_MODE decides, and its value is none.
    """
    mode = config.wandb.mode or os.environ.get("WANDB_MODE") or "online"
    if mode not in get_args(Mode):
        raise UserError(f"WANDB_MODE: must be one of {', '.join(get_args(Mode))}, got {mode}")
    return cast(Mode, mode)
