"""Greedy generation with a cache against transformers' `generate` on the same weights, on the CPU.

    python benchmarks/generation.py

Targets: at least 1.7 times its tokens per second at 2 layers of width 64, and at least 1.05 times at 8 of width 384.
The tokens of both are compared, too.
"""

from __future__ import annotations

from typing import Any

import torch
from alternating import report, seconds_of
from transformers import LlamaForCausalLM

from foundry.config import ModelConfig
from foundry.data.fast_tokenizer import FastTokenizer
from foundry.generation import Generator, SamplingRule
from foundry.models import create_model
from foundry.models.llama import llama_config, to_llama

PROMPT = "def load(path):\n    return path.read()\n"
NEW_TOKENS = 128
VOCABULARY = 4096
CONTEXT = 512
SHAPES = [
    # layers, width, heads, rounds
    (2, 64, 4, 15),
    (8, 384, 6, 9),
]


def measure(layers: int, width: int, heads: int, rounds: int) -> dict[str, Any]:
    torch.manual_seed(1)
    config = ModelConfig(layers=layers, hidden_size=width, attention_heads=heads)
    ours: Any = create_model(config, VOCABULARY, CONTEXT)
    llama: Any = LlamaForCausalLM(llama_config(config, VOCABULARY, CONTEXT)).eval()
    llama.load_state_dict(to_llama(ours))
    generator = Generator(ours, FastTokenizer.train([PROMPT], vocab_size=300), CONTEXT)
    ids = torch.tensor([generator.tokenizer.encode_prompt(PROMPT)])
    llama.generation_config.pad_token_id = generator.tokenizer.pad_id

    def foundry() -> list[int]:
        (result,) = generator.generate([PROMPT], NEW_TOKENS, SamplingRule(temperature=0))
        return result.tokens

    def transformers() -> list[int]:
        with torch.inference_mode():
            output = llama.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False
            )
        return list(output[0, ids.shape[1] :].tolist())

    assert foundry() == transformers(), "the texts differ"
    assert len(foundry()) == NEW_TOKENS, "the text ended early"
    seconds = seconds_of({"foundry": foundry, "transformers": transformers}, rounds)
    return {
        "shape": f"{layers} x {width}",
        "foundry tokens/s": NEW_TOKENS / seconds["foundry"],
        "transformers tokens/s": NEW_TOKENS / seconds["transformers"],
        "ratio of rates": seconds["transformers"] / seconds["foundry"],
    }


if __name__ == "__main__":
    report("Greedy generation with a cache", [measure(*shape) for shape in SHAPES])
