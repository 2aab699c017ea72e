"""How the tokens of a prompt fit it: few long ones, or many that are not even a character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from foundry.data.blocks import Tokens
    from foundry.data.tokenizers import Tokenizer

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def token_statistics(
    text: str, tokenizer: Tokenizer, context: int, is_seen: npt.NDArray[np.bool_] | None
) -> dict[str, Any]:
    """Figures of a prompt's tokens, as plain values.

    Args:
        context: of the model, which reads at most `context - 1` tokens.
        is_seen: for each token of the vocabulary, whether it was trained on; None where that is not known.

    Returns:
        `count`; `read`, those that the model reads; `characters_per_token`; `part_of_character_share`: tokens that
        stand for a part of a character only; `never_trained`: tokens that do not occur in the training data, or None.
    """
    ids = tokenizer.encode_prompt(text)
    parts = sum(REPLACEMENT in tokenizer.decode([token]) for token in ids)
    return {
        "count": len(ids),
        "read": min(len(ids), context - 1),
        "characters_per_token": round(len(text) / max(1, len(ids)), 3),
        "part_of_character_share": round(parts / max(1, len(ids)), 4),
        "never_trained": None if is_seen is None else sum(not is_seen[token] for token in ids),
    }


def seen_tokens(tokens: Tokens, vocab_size: int) -> npt.NDArray[np.bool_]:
    """For each token of the vocabulary, whether it occurs among `tokens`."""
    import numpy as np

    seen = np.zeros(vocab_size, dtype=np.bool_)
    seen[np.unique(np.asarray(tokens))] = True
    return seen
