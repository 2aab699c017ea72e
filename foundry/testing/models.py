"""Random models whose output depends on everything that they read, for tests that need no training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from foundry.testing.corpora import pretrained_tokenizer


def far_from_zero(model: nn.Module, deviation: float = 0.12) -> nn.Module:
    """Make the weights so large that every part of the network has a say in the logits, and set evaluation mode.

    Freshly drawn weights give nearly equal logits, whatever the prompt. This draws from torch's global generator.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(deviation / parameter.std())
            elif name.endswith("bias"):
                parameter.uniform_(-0.2, 0.2)
            else:
                parameter.uniform_(0.5, 1.5)
    return model.eval()


def saved_gpt2(folder: Path) -> Path:
    """A folder with a random GPT-2 of two layers that `transformers` saved, and a tokenizer."""
    import transformers

    config = transformers.GPT2Config(
        n_layer=2, n_embd=32, n_head=2, vocab_size=300, n_positions=32, bos_token_id=0, eos_token_id=0
    )
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    pretrained_tokenizer(folder)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder
