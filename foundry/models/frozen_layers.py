"""Matrices in 8 or 4 bits that stay as they are: bitsandbytes holds and converts them, the product is ours.

The layers of bitsandbytes repack their numbers on the CPU when they are evaluated, cast inputs and biases behind the
caller's back, and in 8 bits round activations, too. Here a matrix is converted to the computing type where it is used,
in the forward and in the backward pass alike, and never changed: the same input gives the same output before and after
training, evaluating and saving.

This module imports bitsandbytes; see `foundry.models.quantization`.
"""

from __future__ import annotations

from typing import Any

import bitsandbytes
import torch
from torch import Tensor, nn
from torch.nn import functional

from foundry.config_model import ModelConfig
from foundry.models.operations import applied

INT8_STEPS = 127
"""An 8-bit number counts 127ths of the largest absolute value in its row."""


class FrozenProduct(torch.autograd.Function):
    """`x @ weight.T + bias` with a matrix that gets no gradient, and that neither pass keeps in the computing type."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, bias: Tensor | None, layer: FrozenLinear4bit | FrozenLinear8bit, dtype: torch.dtype
    ) -> Tensor:
        ctx.layer, ctx.dtype, ctx.x_dtype = layer, dtype, x.dtype
        return functional.linear(x.to(dtype), layer.dense_weight(dtype), None if bias is None else bias.to(dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        for_x = for_bias = None
        if ctx.needs_input_grad[0]:
            for_x = (gradient.to(ctx.dtype) @ ctx.layer.dense_weight(ctx.dtype)).to(ctx.x_dtype)
        if ctx.needs_input_grad[1]:
            for_bias = gradient.float().flatten(0, -2).sum(0)
        return for_x, for_bias, None, None


class FrozenLinear4bit(bitsandbytes.nn.Linear4bit):  # type: ignore[misc]
    """A matrix as 4-bit numbers with a scale for each 64 of them (Dettmers et al. 2023, section 3)."""

    @classmethod
    def of(cls, layer: nn.Linear, config: ModelConfig, device: torch.device) -> FrozenLinear4bit:
        """The quantised copy of `layer` on `device`."""
        how = {"compress_statistics": config.double_quantization, "quant_type": config.quantization}
        dtype = getattr(torch, config.compute_dtype)
        made = cls(layer.in_features, layer.out_features, False, dtype, **how, device="meta")
        weight = layer.weight.data.to(device)
        made.weight = bitsandbytes.nn.Params4bit(weight, requires_grad=False, **how, module=made).to(device)
        made.bias = _frozen_bias(layer, device, dtype)
        return made

    def dense_weight(self, dtype: torch.dtype) -> Tensor:
        """The matrix, shape (outputs, inputs)."""
        dense: Tensor = bitsandbytes.functional.dequantize_4bit(self.weight.data, self.weight.quant_state)
        return dense.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return applied(FrozenProduct, x, self.bias, self, self.compute_dtype)


class FrozenLinear8bit(bitsandbytes.nn.Linear8bitLt):  # type: ignore[misc]
    """A matrix as 8-bit numbers with a scale for each row (Dettmers et al. 2022, section 2)."""

    compute_dtype: torch.dtype

    @classmethod
    def of(cls, layer: nn.Linear, config: ModelConfig, device: torch.device) -> FrozenLinear8bit:
        """The quantised copy of `layer` on `device`."""
        made = cls(layer.in_features, layer.out_features, bias=False, has_fp16_weights=False, device="meta")
        made.compute_dtype = getattr(torch, config.compute_dtype)
        weight = layer.weight.data.to(device, torch.float16)
        numbers, scales, _ = bitsandbytes.functional.int8_vectorwise_quant(weight)
        made.weight = bitsandbytes.nn.Int8Params(numbers, False, False, CB=numbers, SCB=scales)
        made.bias = _frozen_bias(layer, device, made.compute_dtype)
        return made

    def dense_weight(self, dtype: torch.dtype) -> Tensor:
        """The matrix, shape (outputs, inputs)."""
        scales: Tensor = self.weight.SCB / INT8_STEPS
        dense: Tensor = self.weight.data * scales[:, None]
        return dense.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return applied(FrozenProduct, x, self.bias, self, self.compute_dtype)


def _frozen_bias(layer: nn.Linear, device: torch.device, dtype: torch.dtype) -> nn.Parameter | None:
    return None if layer.bias is None else nn.Parameter(layer.bias.data.to(device, dtype), requires_grad=False)
