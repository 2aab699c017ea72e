"""Root-mean-square normalisation and rotary embedding, with backward passes written for the CPU.

Shape suffixes: B batch, T tokens, D width of the normalised dimension, H heads, N width of one head.

On the CPU, PyTorch composes the gradient of `rms_norm` from about twenty passes over memory; the one here makes seven,
and takes a quarter of the time at a width of 384. A GPU has fused kernels, which are used there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def rms_norm(x_BTD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
    """`x / sqrt(mean(x^2) + epsilon) * weight` over the last dimension (Zhang and Sennrich 2019, equation 4)."""
    if x_BTD.device.type == "cpu" and x_BTD.dtype == torch.float32 and torch.is_grad_enabled():
        apply: Callable[[Tensor, Tensor, float], Tensor] = _RootMeanSquareNorm.apply
        return apply(x_BTD, weight_D, epsilon)
    return functional.rms_norm(x_BTD, (x_BTD.shape[-1],), weight_D, epsilon)


class _RootMeanSquareNorm(torch.autograd.Function):
    """With n = x / r and r = sqrt(mean(x^2) + epsilon): dx = (g w - n mean(g w n)) / r and dw = sum(g n)."""

    @staticmethod
    def forward(ctx: Any, x_BTD: Tensor, weight_D: Tensor, epsilon: float) -> Tensor:
        norm_BT1: Tensor = torch.linalg.vector_norm(x_BTD, dim=-1, keepdim=True)
        scale_BT1 = norm_BT1.square_().mul_(1 / x_BTD.shape[-1]).add_(epsilon).rsqrt_()
        normal_BTD: Tensor = x_BTD * scale_BT1
        ctx.save_for_backward(normal_BTD, scale_BT1, weight_D)
        return torch.mul(normal_BTD, weight_D)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BTD: Tensor) -> tuple[Tensor, Tensor, None]:
        normal_BTD, scale_BT1, weight_D = ctx.saved_tensors
        width = normal_BTD.shape[-1]
        product_BTD = gradient_BTD * normal_BTD
        product_RD = product_BTD.reshape(-1, width)
        weight_gradient_D = product_RD.sum(0)
        mean_BT1 = torch.mv(product_RD, weight_D).view_as(scale_BT1).mul_(-1 / width)
        gradient_BTD = torch.mul(gradient_BTD, weight_D, out=product_BTD)
        return gradient_BTD.addcmul_(normal_BTD, mean_BT1).mul_(scale_BT1), weight_gradient_D, None


def rotate(x_BTHN: Tensor, cos_TN: Tensor, sin_TN: Tensor) -> Tensor:
    """Rotate the pairs (x[i], x[i + N/2]) of each head by the angles of its position (Su et al. 2021, equation 34).

    Args:
        x_BTHN: queries or keys, heads of an even width N.
        cos_TN: cosines, from `rotary_tables`, of shape (T, 1, N) or (B, T, 1, N).
        sin_TN: sines in the same shape, the first half negated.
    """
    first, second = x_BTHN.chunk(2, dim=-1)
    return torch.addcmul(x_BTHN * cos_TN, torch.cat((second, first), dim=-1), sin_TN)


def rotary_tables(length: int, head_width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines for positions 0 to length - 1, each of shape (length, 1, head_width), float32.

    Pair i of a head turns by `position / theta^(2i / head_width)`.
    """
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32) / head_width
    angles = torch.outer(torch.arange(length, dtype=torch.float32), 1.0 / theta**exponents)
    sin = angles.sin()
    return torch.cat((angles.cos(), angles.cos()), dim=-1)[:, None], torch.cat((-sin, sin), dim=-1)[:, None]


def applied(function: Any, *arguments: Any) -> Tensor:
    """The result of a `torch.autograd.Function` of ours, whose `apply` has no types."""
    result: Tensor = function.apply(*arguments)
    return result
