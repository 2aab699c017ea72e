"""Whether a model keeps the documents of a block apart when it is told where each of them begins."""

from __future__ import annotations

import torch
from torch import nn

from foundry.errors import UserError

ROUNDING = 1e-4
"""What two computations of the same number may differ by, as a share of a real difference beside them."""


@torch.no_grad()
def require_document_boundaries(model: nn.Module) -> None:
    """Try the model on two documents of one token each, and change the first: the second must not notice.

    Many architectures take position numbers and attend across documents all the same, among them those without
    attention, those that count positions by themselves, and those whose distance to a token enters as a bias.

    Args:
        model: reads at least two different tokens; it is left in the mode that it was in.

    Raises:
        UserError: the second document notices, or the model takes no positions.
    """
    was_training = model.training
    device = next(model.parameters()).device
    ids_BT = torch.tensor([[0, 1], [1, 1]], device=device)
    model.eval()
    try:
        logits_BTV = model(input_ids=ids_BT, position_ids=torch.zeros_like(ids_BT), use_cache=False).logits.float()
    except TypeError as error:
        raise _refusal(model, "it takes no position numbers") from error
    finally:
        model.train(was_training)
    first, second = (logits_BTV[0] - logits_BTV[1]).abs().amax(dim=-1).tolist()
    if not second <= ROUNDING * first:
        raise _refusal(model, "its tokens see the documents before their own")


def _refusal(model: nn.Module, reason: str) -> UserError:
    return UserError(
        f"data.attend_across_documents false does not work with {type(model).__name__}: {reason}; set it to true, or "
        "choose another architecture, such as decoder or llama"
    )
