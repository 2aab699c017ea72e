"""Forward and backward of our decoder against transformers' Llama of the same shape, on the CPU.

    python benchmarks/decoder.py

Both start from the same weights and have the same loss to differentiate. Targets: at least 1.1 times Llama's rate at
2 layers of width 64, and at least 1.0 times at 8 layers of width 384.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from alternating import report, seconds_of
from torch import nn
from transformers import LlamaForCausalLM

from foundry.config import ModelConfig
from foundry.models import create_model, loss_sum
from foundry.models.llama import llama_config, to_llama

SHAPES = [
    # layers, width, heads, vocabulary, batch, tokens, rounds
    (2, 64, 4, 1024, 8, 32, 150),
    (4, 256, 4, 4096, 8, 128, 15),
    (8, 384, 6, 4096, 8, 256, 7),
]


def learning(model: nn.Module, vocabulary: int, batch: int, tokens: int) -> Callable[[], None]:
    ids = torch.randint(vocabulary, (batch, tokens), generator=torch.Generator().manual_seed(1))

    def step() -> None:
        model.zero_grad()
        loss_sum(model, ids, ids)[0].backward()

    return step


def measure(
    layers: int, width: int, heads: int, vocabulary: int, batch: int, tokens: int, rounds: int
) -> dict[str, Any]:
    torch.manual_seed(1)
    config = ModelConfig(layers=layers, hidden_size=width, attention_heads=heads)
    ours: Any = create_model(config, vocabulary, tokens)
    llama = LlamaForCausalLM(llama_config(config, vocabulary, tokens))
    llama.load_state_dict(to_llama(ours))
    models = {"foundry": ours.train(), "transformers": llama.train()}
    peers = {name: learning(model, vocabulary, batch, tokens) for name, model in models.items()}
    seconds = seconds_of(peers, rounds)
    return {
        "shape": f"{layers} x {width}, {batch} x {tokens}",
        "foundry ms": 1000 * seconds["foundry"],
        "transformers ms": 1000 * seconds["transformers"],
        "ratio of rates": seconds["transformers"] / seconds["foundry"],
    }


if __name__ == "__main__":
    report("Forward and backward, decoder against Llama", [measure(*shape) for shape in SHAPES])
