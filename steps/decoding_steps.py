"""Steps about the speed-up of generation on the CPU, which must keep the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from behave import given, then, when
from behave.runner import Context

from foundry.errors import FoundryError
from foundry.generation import Generation, Generator, SamplingRule
from foundry.testing.decoding import (
    bytes_held,
    greedy_tokens,
    greedy_tokens_of_transformers,
    logits_after_each,
    odd_sized_model,
    saved_smollm2,
)
from steps.generation_steps import GenerationState

GREEDY = SamplingRule(temperature=0)
PROMPTS = [
    "def load(path):\n    ",
    "import os\nimport sys\n\ndef main",
    "class Stack:\n    def __init__(self):\n",
    "The capital of France is",
]
ODD_PROMPTS = ["def load(", "import os\n", "x"]
SOURCE = Path(__file__).parent.parent / "foundry" / "files.py"


@dataclass
class DecodingState:
    """The generators of one folder."""

    folder: Path = Path("saved")
    original: Any = None
    stored: Generator | None = None
    eight_bits: Generator | None = None
    batch: list[Generation] = field(default_factory=list)
    alone: list[Generation] = field(default_factory=list)


def use_two_cores(context: Context) -> None:
    """Two threads until the scenario ends: one thread has nothing to share."""
    context.add_cleanup(torch.set_num_threads, torch.get_num_threads())
    torch.set_num_threads(2)


def source_tokens(generator: Generator) -> list[int]:
    return generator.tokenizer.encode_prompt(SOURCE.read_text(encoding="utf-8"))[:256]


@given("the real weights of SmolLM2-135M-Instruct, saved in a folder by transformers")
def _(context: Context) -> None:
    state = context.world.of(DecodingState)
    state.original = saved_smollm2(state.folder)


@given("a random {architecture:w} with layers of odd sizes, saved in a folder by transformers")
def _(context: Context, architecture: str) -> None:
    state = context.world.of(DecodingState)
    state.original = odd_sized_model(architecture, state.folder)


@when("generators with stored and with 8-bit weights are loaded from the folder, for two cores")
def _(context: Context) -> None:
    use_two_cores(context)
    state = context.world.of(DecodingState)
    state.stored = Generator.load(state.folder, "cpu")
    state.eight_bits = Generator.load(state.folder, "cpu", weights="int8")


@when(
    "a generator is loaded from the folder, and continues 3 prompts by 12 tokens in a batch and each alone, "
    "on two cores"
)
def _(context: Context) -> None:
    use_two_cores(context)
    state = context.world.of(DecodingState)
    state.stored = Generator.load(state.folder, "cpu")
    state.batch = state.stored.generate(ODD_PROMPTS, 12, GREEDY)
    for prompt in ODD_PROMPTS:
        state.alone += state.stored.generate([prompt], 12, GREEDY)


@when("loading a generator with 8-bit weights from the folder is tried")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    try:
        Generator.load(state.folder, "cpu", weights="int8")
    except FoundryError as error:
        state.refusal = str(error)


@then("with stored weights {prompts:d} prompts are continued by {count:d} tokens as transformers continues them")
def _(context: Context, prompts: int, count: int) -> None:
    state = context.world.of(DecodingState)
    assert state.stored is not None
    for prompt in PROMPTS[:prompts]:
        ids = state.stored.tokenizer.encode_prompt(prompt)
        wanted = greedy_tokens_of_transformers(state.original, ids, count)
        (found,) = state.stored.generate([prompt], count, GREEDY)
        assert found.tokens == wanted, f"{prompt!r}: {found.tokens}, not {wanted}"
        assert len(wanted) > count // 2, f"{prompt!r}: only {len(wanted)} tokens"


@then("with stored weights no logit of a Python file is {limit:g} away from that of transformers")
def _(context: Context, limit: float) -> None:
    state = context.world.of(DecodingState)
    assert state.stored is not None
    ids = source_tokens(state.stored)[:16]
    found = logits_after_each(state.stored, ids)
    with torch.inference_mode():
        wanted = state.original(torch.tensor([ids])).logits[0]
    difference = float((found - wanted).abs().max())
    context.world.attach("largest difference of a logit", f"{difference:.2g}")
    assert difference < limit, f"{difference} is not below {limit}"


@then("with 8-bit weights at least {percent:d} % of the file's likeliest next tokens stay the same")
def _(context: Context, percent: int) -> None:
    state = context.world.of(DecodingState)
    assert state.eight_bits is not None
    ids = torch.tensor([source_tokens(state.eight_bits)])
    with torch.inference_mode():
        wanted = state.original(ids).logits[0].argmax(-1)
        found = state.eight_bits.model(input_ids=ids).logits[0].argmax(-1)
    agreement = 100 * float((found == wanted).float().mean())
    texts = [state.eight_bits.generate([prompt], 8, GREEDY)[0].text for prompt in PROMPTS[:1]]
    context.world.attach("agreement in 8 bits", f"{agreement:.1f} % of {ids.numel()} tokens; {texts[0]!r}")
    assert agreement >= percent, f"{agreement:.1f} % of {ids.numel()} tokens"


@then("the 8-bit weights take less than half of the memory")
def _(context: Context) -> None:
    state = context.world.of(DecodingState)
    assert state.stored is not None and state.eight_bits is not None
    stored, eight_bits = bytes_held(state.stored.model), bytes_held(state.eight_bits.model)
    assert eight_bits < stored / 2, f"{eight_bits / 1e6:.0f} MB, stored {stored / 1e6:.0f} MB"


@then("both are the texts of the plain calculation")
def _(context: Context) -> None:
    state = context.world.of(DecodingState)
    assert state.stored is not None
    for prompt, together, alone in zip(ODD_PROMPTS, state.batch, state.alone, strict=True):
        wanted = greedy_tokens(state.original, state.stored, prompt, 12)
        assert together.tokens == wanted, f"{prompt!r} in a batch: {together.tokens}, not {wanted}"
        assert alone.tokens == wanted, f"{prompt!r} alone: {alone.tokens}, not {wanted}"
