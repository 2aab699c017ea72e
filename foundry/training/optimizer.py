"""AdamW, and its state as named tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foundry.config import TrainingConfig

STATE_NAMES = ("step", "exp_avg", "exp_avg_sq")


def create_optimizer(model: nn.Module, training: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) over the trainable parameters of `model`, fused.

    Weight decay applies to matrices only: gains and biases are vectors, and pulling them to zero changes the function.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trainable if parameter.ndim >= 2]
    vectors = [parameter for parameter in trainable if parameter.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=training.learning_rate,
        betas=(training.adam_beta1, training.adam_beta2),
        eps=training.adam_epsilon,
        fused=True,
    )


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state by `<state>.<parameter name>`; empty before the first step."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for state_name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{state_name}.{name}"] = value
    return tensors


def load_optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give the optimizer, which holds the parameters of `model`, the state that `optimizer_tensors` described.

    Without any tensor the optimizer stays as new: it has no state before the first update that a gradient scaler lets
    through.

    Raises:
        ValueError: a trainable parameter lacks its state, or a tensor belongs to none.
    """
    if not tensors:
        return
    left = dict(tensors)
    held = {parameter for group in optimizer.param_groups for parameter in group["params"]}
    for name, parameter in model.named_parameters():
        if parameter not in held:
            continue
        try:
            state = {state_name: left.pop(f"{state_name}.{name}") for state_name in STATE_NAMES}
        except KeyError as missing:
            raise ValueError(f"the optimizer state lacks {missing}") from None
        optimizer.state[parameter] = {
            "step": state["step"].to(parameter.device),
            "exp_avg": state["exp_avg"].to(parameter.device),
            "exp_avg_sq": state["exp_avg_sq"].to(parameter.device),
        }
    if left:
        raise ValueError(f"the optimizer state has tensors of no parameter: {', '.join(sorted(left)[:3])}")
