"""Low-rank adapters: `peft` places and describes them, the training pass through them is ours.

One autograd function computes the frozen product and the adapter's together: it keeps the input once, writes into one
output, and needs no copy of it. What other libraries load is written in peft's own names, see `adapter_tensors`.

Shape suffixes: T tokens (any leading dimensions), I inputs, O outputs, R rank.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import TaskType, inject_adapter_in_model
from peft.tuners.lora import Linear as PeftLinear
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from foundry.config_model import LoraConfig
from foundry.errors import UserError
from foundry.models.operations import applied

ADAPTER = "default"
PEFT_PREFIX = "base_model.model."
MAX_NAMES = 12


class AdaptedProduct(torch.autograd.Function):
    """`x W' + b + scaling * (dropped A') B'`, where W gets no gradient; computed in one type, whatever x comes in."""

    @staticmethod
    def forward(
        ctx: Any,
        x_TI: Tensor,
        dropped_TI: Tensor | None,
        bias_O: Tensor | None,
        a_RI: Tensor,
        b_OR: Tensor,
        base: nn.Module,
        scaling: float,
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.base, ctx.scaling, ctx.x_dtype, ctx.has_own_input = base, scaling, x_TI.dtype, dropped_TI is not None
        x_TI = x_TI.to(dtype)
        adapted_TI = x_TI if dropped_TI is None else dropped_TI.to(dtype)
        a_RI, b_OR = a_RI.to(dtype), b_OR.to(dtype)
        rank_TR = functional.linear(adapted_TI, a_RI)
        y_TO = functional.linear(x_TI, dense_weight(base, dtype), None if bias_O is None else bias_O.to(dtype))
        y_TO.view(-1, y_TO.shape[-1]).addmm_(rank_TR.view(-1, rank_TR.shape[-1]), b_OR.t(), alpha=scaling)
        ctx.save_for_backward(adapted_TI, rank_TR, a_RI, b_OR)
        return y_TO

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        adapted_TI, rank_TR, a_RI, b_OR = ctx.saved_tensors
        gradient_TO = gradients[0].to(a_RI.dtype)
        flat_TO = gradient_TO.flatten(0, -2)
        rank_gradient_TR = (flat_TO @ b_OR).mul_(ctx.scaling)
        for_b = (flat_TO.t() @ rank_TR.flatten(0, -2)).float().mul_(ctx.scaling)
        for_a = (rank_gradient_TR.t() @ adapted_TI.flatten(0, -2)).float()
        for_x = for_dropped = for_bias = None
        if ctx.needs_input_grad[0]:
            for_x = gradient_TO @ dense_weight(ctx.base, a_RI.dtype)
            if not ctx.has_own_input:
                for_x.view(-1, for_x.shape[-1]).addmm_(rank_gradient_TR, a_RI)
            for_x = for_x.to(ctx.x_dtype)
        if ctx.needs_input_grad[1]:
            for_dropped = (rank_gradient_TR @ a_RI).view(adapted_TI.shape)
        if ctx.needs_input_grad[2]:
            for_bias = gradient_TO.float().flatten(0, -2).sum(0)
        return for_x, for_dropped, for_bias, for_a, for_b, None, None, None


class AdaptedLinear(PeftLinear):  # type: ignore[misc]
    """A frozen linear layer and its adapter; anything but the plain kind of adapter is left to `peft`."""

    compute_dtype = torch.float32

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if self.disable_adapters or self.merged or self.lora_variant or args or kwargs:
            return cast(Tensor, super().forward(x, *args, **kwargs))
        base = self.get_base_layer()
        dropout = self.lora_dropout[ADAPTER]
        dropped = dropout(x) if self.training and isinstance(dropout, nn.Dropout) else None
        a, b = self.lora_A[ADAPTER].weight, self.lora_B[ADAPTER].weight
        scaling = self.scaling[ADAPTER]
        return applied(AdaptedProduct, x, dropped, base.bias, a, b, base, scaling, self.compute_dtype)


def dense_weight(layer: nn.Module, dtype: torch.dtype) -> Tensor:
    """The matrix of a linear layer in `dtype`, quantised or not, shape (outputs, inputs)."""
    convert = getattr(layer, "dense_weight", None)
    return cast(Tensor, layer.weight).to(dtype) if convert is None else cast(Tensor, convert(dtype))


def add_adapter(model: nn.Module, config: LoraConfig, compute_dtype: torch.dtype) -> None:
    """Freeze `model` and put an adapter into it, with weights drawn from torch's global generator, in float32.

    Before its first step the adapter changes nothing: B is zero (Hu et al. 2021, section 4.1).

    Raises:
        UserError: a name in `target_modules` matches no linear layer.
    """
    settings = peft_config(model, config)
    settings._register_custom_module({nn.Linear: AdaptedLinear})
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inject_adapter_in_model(settings, model, adapter_name=ADAPTER)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    for layer in model.modules():
        if isinstance(layer, AdaptedLinear):
            layer.compute_dtype = compute_dtype


def peft_config(model: nn.Module, config: LoraConfig) -> PeftLoraConfig:
    """The adapter's description as `peft` reads it, with the names of all layers that it adapts.

    Raises:
        UserError: see `add_adapter`.
    """
    return PeftLoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=config.r,
        lora_alpha=cast(int, config.alpha),  # any number multiplies as well
        lora_dropout=config.dropout,
        target_modules=_targets(model, config),
        bias=config.bias,
        use_rslora=config.rslora,
        use_dora=config.dora,
    )


def adapter_description(model: nn.Module, base: str) -> dict[str, Any]:
    """The content of `peft`'s `adapter_config.json` for a model with an adapter, in a stable order."""
    settings = cast(Any, model).peft_config[ADAPTER].to_dict()
    settings |= {"base_model_name_or_path": base, "inference_mode": True}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in settings.items()}
    return {key: getattr(value, "value", value) for key, value in sorted(plain.items())}


def _targets(model: nn.Module, config: LoraConfig) -> list[str]:
    """The names, or ends of names, of the layers to adapt."""
    head = cast(Any, model).get_output_embeddings()
    linear = [
        name for name, layer in model.named_modules() if isinstance(layer, nn.Linear | Conv1D) and layer is not head
    ]
    kinds = sorted({name.rpartition(".")[2] for name in linear})
    if config.target_modules == "all-linear":
        return kinds
    for target in config.target_modules:
        if not any(name == target or name.endswith(f".{target}") for name in linear):
            more = f" and {len(kinds) - MAX_NAMES} more" if len(kinds) > MAX_NAMES else ""
            raise UserError(
                f"lora.target_modules: {target!r} matches no linear layer of {type(model).__name__}; "
                f"these could match: {', '.join(kinds[:MAX_NAMES])}{more}, or all-linear"
            )
    return list(config.target_modules)


def adapter_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The trainable tensors of an adapted model, not copies, named as in `peft`'s `adapter_model.safetensors`."""
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {_peft_name(name): parameter for name, parameter in trainable.items()}


def _peft_name(name: str) -> str:
    name = name.replace(f".lora_magnitude_vector.{ADAPTER}.weight", ".lora_magnitude_vector")
    return PEFT_PREFIX + name.replace(f".{ADAPTER}.", ".")
