"""The loss of a language model: how surprised it is by each next token.

The logits of a block are by far the largest tensor of a training step: a vocabulary of 49,152 makes 200 MB of them for
1,024 tokens, and gradients as large. Where a frozen output layer is nothing but a matrix product, the loss and its
gradient are computed for a few tokens at a time, and only for those that count.

Shape suffixes: B batch, L block length, V vocabulary, N targets, P targets in a piece, D width of the residual stream.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foundry.data.batches import IGNORED_LABEL
from foundry.models.operations import applied

PIECE_LOGITS = 1 << 23
"""Numbers in the logits of one piece: 32 MB as float32."""
HALF_SCALE = 1024.0
"""Gradients of logits are at most 1 and mostly tiny; float16 would round many of them to zero."""


def loss_sum(
    model: nn.Module, input_ids_BL: Tensor, labels_BL: Tensor, position_ids_BL: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The summed cross-entropy of each block's next tokens, and how many there are.

    The logits at position t are judged by the label at t + 1. The last position predicts nothing that is known, so
    the model does not read it. Divide by the count, over however many micro-batches, for the mean in nats.

    Args:
        labels_BL: the same tokens as `input_ids_BL`, with -100 on what counts in no loss, such as padding.
        position_ids_BL: the position of each token in its own document, where no token is to see another document;
            None where a block is one text.

    Returns:
        The sum, a float32 scalar that carries gradients, and the count, an int64 scalar.
    """
    targets_BL = labels_BL[:, 1:]
    counted_BL = targets_BL != IGNORED_LABEL
    inputs: dict[str, Any] = {"input_ids": input_ids_BL[:, :-1], "use_cache": False}
    if position_ids_BL is not None:
        inputs["position_ids"] = position_ids_BL[:, :-1]
    if _is_computed_in_pieces(model):
        hidden_BLD = cast(Any, model).get_decoder()(**inputs).last_hidden_state
        head = cast(Any, model).get_output_embeddings()
        total = applied(PiecewiseLoss, hidden_BLD[counted_BL], head.weight, targets_BL[counted_BL])
        return total, counted_BL.sum()
    logits_BLV = model(**inputs).logits
    total = functional.cross_entropy(
        logits_BLV.flatten(0, 1).float(), targets_BL.flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )
    return total, counted_BL.sum()


def _is_computed_in_pieces(model: nn.Module) -> bool:
    if not getattr(model, "has_plain_head", False):
        return False
    return not cast(Any, model).get_output_embeddings().weight.requires_grad


class PiecewiseLoss(torch.autograd.Function):
    """The summed cross-entropy of `hidden @ weight.T`; the gradient is computed in the forward pass, piece by piece."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
        total = torch.zeros((), device=hidden_ND.device)
        size = max(1, PIECE_LOGITS // weight_VD.shape[0])
        gradients = []
        for hidden_PD, targets_P in zip(torch.split(hidden_ND, size), torch.split(targets_N, size), strict=True):
            logits_PV = functional.linear(hidden_PD.to(weight_VD.dtype), weight_VD).float()
            at_targets_P1 = targets_P[:, None]
            log_sum_P1 = logits_PV.logsumexp(dim=-1, keepdim=True)
            total += (log_sum_P1 - logits_PV.gather(1, at_targets_P1)).sum()
            if ctx.needs_input_grad[0]:
                gradient_PV = logits_PV.sub_(log_sum_P1).exp_()
                gradient_PV.scatter_add_(1, at_targets_P1, torch.full_like(log_sum_P1, -1.0))
                gradients.append(_through_head(gradient_PV, weight_VD))
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
        ctx.dtype = hidden_ND.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (for_hidden_ND,) = ctx.saved_tensors
        return (for_hidden_ND * gradients[0]).to(ctx.dtype), None, None


def _through_head(gradient_PV: Tensor, weight_VD: Tensor) -> Tensor:
    """The gradient of the hidden states, float32, from that of the logits."""
    scale = HALF_SCALE if weight_VD.dtype == torch.float16 else 1.0
    return ((gradient_PV * scale if scale != 1 else gradient_PV).to(weight_VD.dtype) @ weight_VD).float() / scale
