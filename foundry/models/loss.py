"""The loss of a language model: how surprised it is by each next token.

Shape suffixes: B batch, L block length, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from foundry.data.batches import IGNORED_LABEL


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
    positions = {} if position_ids_BL is None else {"position_ids": position_ids_BL[:, :-1]}
    logits_BLV = model(input_ids=input_ids_BL[:, :-1], use_cache=False, **positions).logits
    targets_BL = labels_BL[:, 1:]
    total = functional.cross_entropy(
        logits_BLV.flatten(0, 1).float(), targets_BL.flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )
    return total, (targets_BL != IGNORED_LABEL).sum()
