"""Random models whose output depends on everything that they read, for tests that need no training."""

from __future__ import annotations

import torch
from torch import nn


def far_from_zero(model: nn.Module, deviation: float = 0.12) -> nn.Module:
    """Make the weights so large that every part of the network has a say in the logits, and set evaluation mode.

    Freshly drawn weights give nearly equal logits, whatever the prompt. This draws from torch's global generator.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(deviation / parameter.std())
            elif name.endswith("bias"):
                parameter.uniform_(-0.2, 0.2)
            else:
                parameter.uniform_(0.5, 1.5)
    return model.eval()
