"""Matrix products for writing one token after another on the CPU, where reading the weights takes all the time.

For a single row, the float32 product behind `torch.nn.Linear` reads a matrix with one core; for a handful of rows it is
slower still. Cut into parts, which share the weight's memory, the same product runs on all cores: 1.7 times as fast on
two. Eight-bit weights are a quarter of the bytes.

Shape suffixes: R rows of the input, I and O input and output features, P parts of O.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foundry.errors import UserError
from foundry.models.decoder import Decoder, Linear

WeightFormat = Literal["stored", "int8"]
"""How a generator holds a model's matrices: in the number format that they are stored in, or in 8 bits."""

MOST_ROWS = 8
"""Above it, a plain product keeps all cores busy."""
SMALLEST_WEIGHT = 2**16
"""Numbers in a weight below which calling the product takes longer than calculating it."""
MOST_PARTS = 64
LOWEST_PART = 48
"""Output features of a part: fewer waste the processor's vector units."""
EIGHT_BIT_WIDTH = 64
"""What the input features of an 8-bit layer are a multiple of: torch's product reads past the end of other rows."""


class FewRowsLinear(nn.Linear):
    """What `torch.nn.Linear` calculates, faster for few rows; it shares the weight of the layer that it stands for."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        rows = x.numel() // self.in_features
        if rows > MOST_ROWS or torch.get_num_threads() == 1:
            return super().forward(x)
        product_RO = product_in_parts(x.reshape(rows, self.in_features), self.weight)
        if self.bias is not None:
            product_RO = product_RO + self.bias
        return product_RO.view(*x.shape[:-1], self.out_features)


class EightBitLinear(nn.Module):
    """A linear layer with a weight of 8 bits and a scale for each output feature; activations pass in bfloat16.

    `weight` is the nearest multiple of the scale, so that code which asks for it calculates the same.
    """

    integers: Tensor
    scale: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bias = layer.in_features, layer.out_features, layer.bias
        integers_OI, scale_O = eight_bits(layer.weight.detach())
        self.register_buffer("integers", integers_OI)
        self.register_buffer("scale", scale_O)

    @property
    def weight(self) -> Tensor:
        """The weight as a matrix of bfloat16, made anew."""
        return self.integers * self.scale[:, None]

    def forward(self, x: Tensor) -> Tensor:
        x_RI = x.reshape(-1, self.in_features).to(torch.bfloat16)
        product_RO = torch._weight_int8pack_mm(x_RI, self.integers, self.scale).to(x.dtype)
        if self.bias is not None:
            product_RO = product_RO + self.bias
        return product_RO.view(*x.shape[:-1], self.out_features)


def product_in_parts(x_RI: Tensor, weight_OI: Tensor) -> Tensor:
    """The matrix product `x @ weight.T` of few rows, of shape (R, O)."""
    rows, (height, width) = len(x_RI), weight_OI.shape
    parts = _number_of_parts(height)
    in_parts = height - height % parts
    weight_PIO = weight_OI[:in_parts].view(parts, -1, width).transpose(1, 2)
    product_RO = torch.bmm(x_RI.expand(parts, rows, width), weight_PIO).transpose(0, 1).reshape(rows, in_parts)
    if in_parts == height:
        return product_RO
    return torch.cat((product_RO, functional.linear(x_RI, weight_OI[in_parts:])), dim=1)


def eight_bits(weight_OI: Tensor) -> tuple[Tensor, Tensor]:
    """Integers from -127 to 127 and the bfloat16 scale of each row, whose product is next to the weight."""
    scale_O = (weight_OI.float().abs().amax(dim=1) / 127).clamp(min=torch.finfo(torch.bfloat16).tiny)
    scale_O = scale_O.to(torch.bfloat16)
    integers_OI = (weight_OI / scale_O.float()[:, None]).round_().clamp_(-127, 127).to(torch.int8)
    return integers_OI, scale_O


def prepare_for_decoding(model: nn.Module, weights: WeightFormat = "stored") -> None:
    """Replace a model's linear layers by ones that write single tokens faster, where there are such.

    A layer stays as it is where it is more than a plain `torch.nn.Linear`: quantised, or with an adapter around it.

    Args:
        model: on the device that shall compute; its large layers are replaced in place, and keep their weights unless
            those become 8 bits wide.
        weights: `int8` holds the linear layers in 8 bits, rounded, which changes logits; not the output layer, and not
            those whose width is no multiple of 64.

    Raises:
        UserError: 8-bit weights were asked for where there is no product with them, or no layer to hold in them.
    """
    on_cpu = next(model.parameters()).device.type == "cpu"
    if weights == "int8":
        if not on_cpu:
            raise UserError("weights int8: only the CPU calculates with them; choose the device cpu, or stored weights")
        _hold_in_eight_bits(model)
    if on_cpu and torch._C.has_mkl:  # other libraries multiply the parts one after the other
        for parent, name, layer in list(_linear_layers(model)):
            if layer.weight.dtype == torch.float32 and layer.weight.numel() >= SMALLEST_WEIGHT:
                setattr(parent, name, FewRowsLinear(layer))


def _hold_in_eight_bits(model: nn.Module) -> None:
    output = model.head if isinstance(model, Decoder) else cast(Any, model).get_output_embeddings()
    layers = [
        (parent, name)
        for parent, name, layer in _linear_layers(model)
        if layer is not output and layer.in_features % EIGHT_BIT_WIDTH == 0
    ]
    if not layers:
        raise UserError(
            "weights int8: beside its output layer, the model has no plain linear layers with a width that is a "
            f"multiple of {EIGHT_BIT_WIDTH}; leave the option out"
        )
    for parent, name in layers:
        setattr(parent, name, EightBitLinear(getattr(parent, name)))


def _linear_layers(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    """Each plain linear layer, with the module that holds it and its name there."""
    for parent in model.modules():
        for name, layer in parent.named_children():
            if type(layer) in (nn.Linear, Linear):
                yield parent, name, cast(nn.Linear, layer)


def _number_of_parts(height: int) -> int:
    """A power of two, which divides most heights."""
    parts = MOST_PARTS
    while parts > 1 and height // parts < LOWEST_PART:
        parts //= 2
    return parts
