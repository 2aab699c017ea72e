"""AdamW, and its state as named tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foundry.config import TrainingConfig


def create_optimizer(model: nn.Module, training: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) over the trainable parameters of `model`, fused.

    Its state is allocated here, as the zeros that the first update would begin with: a checkpoint then always holds
    the same tensors, they are read straight into place, and memory that is lacking is lacking at once.

    Weight decay applies to matrices only: gains and biases are vectors, and pulling them to zero changes the function.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trainable if parameter.ndim >= 2]
    vectors = [parameter for parameter in trainable if parameter.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=training.learning_rate,
        betas=(training.adam_beta1, training.adam_beta2),
        eps=training.adam_epsilon,
        fused=True,
    )
    for parameter in trainable:
        optimizer.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }
    return optimizer


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state by `<state>.<parameter name>`: its own tensors, not copies."""
    return {
        f"{state_name}.{name}": value
        for name, parameter in model.named_parameters()
        for state_name, value in optimizer.state.get(parameter, {}).items()
    }
