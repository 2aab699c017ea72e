"""Steps about the next-token rule, the generator and its text."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from behave import given, register_type, then, when
from behave.runner import Context
from hypothesis import example, settings
from hypothesis import given as for_any
from hypothesis import strategies as st
from parse import with_pattern
from safetensors.torch import load_file

from foundry.config import ModelConfig
from foundry.data.fast_tokenizer import FastTokenizer
from foundry.errors import FoundryError
from foundry.generation import Generation, Generator, SamplingRule, next_token
from foundry.generation.sampling import candidates
from foundry.generation.text import NewText
from foundry.models import create_model
from foundry.testing.experiments import REMOVED, small_experiment, write_code_corpus
from foundry.testing.models import far_from_zero
from foundry.trainer import Trainer, TrainingReport

CONTEXT = 64
SMALL = {"layers": 2, "hidden_size": 64, "attention_heads": 4, "tie_embeddings": False}
KINDS: dict[str, dict[str, Any]] = {
    "decoder": {},
    "decoder with shared heads": {"key_value_heads": 2},
    "gpt2": {"architecture": "gpt2", "activation_function": "gelu"},
    "llama": {"architecture": "llama", "key_value_heads": 2},
    "openai-gpt": {"architecture": "openai-gpt", "activation_function": "gelu"},
    "mamba": {"architecture": "mamba", "tie_embeddings": True},
}
TRAINING_LINES = ["def load(path):\n    return path.read()\n", "def save(path, text):\n    path.write(text)\n"] * 3
NUMBER = r"(?:temperature|top_k|top_p) -?[\w.]+"
PROMPTS = ["def load(", "import os\n", "x"]


@dataclass
class GenerationState:
    """What the steps about generation share."""

    logits: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    rule: SamplingRule = field(default_factory=SamplingRule)
    drawn: list[int] = field(default_factory=list)
    generator: Generator | None = None
    loaded: Generator | None = None
    prompts: list[str] = field(default_factory=lambda: list(PROMPTS))
    results: list[Generation] = field(default_factory=list)
    others: list[Generation] = field(default_factory=list)
    streamed: list[tuple[int, str]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    text: str = ""
    ids: list[int] = field(default_factory=list)
    changes: dict[int, list[Generation]] = field(default_factory=dict)
    examples: int = 0
    folder: Path = Path("saved")
    run: TrainingReport | None = None
    refusal: str = ""


@with_pattern("decoder with shared heads|decoder|gpt2|llama|openai-gpt|mamba")
def architecture(text: str) -> str:
    return text


@with_pattern(f"{NUMBER}(?:, {NUMBER})*")
def rule(text: str) -> str:
    return text


register_type(Architecture=architecture, Rule=rule)


def tokenizer() -> FastTokenizer:
    return FastTokenizer.train(TRAINING_LINES, vocab_size=320)


def rule_of(text: str) -> SamplingRule:
    """`temperature 0.7, top_k 3` as a rule; numbers that are not whole are floats."""
    given_values = dict(part.split() for part in text.split(","))
    kinds: dict[str, Callable[[str], Any]] = {"temperature": float, "top_k": int, "top_p": float}
    return SamplingRule(**{name: kinds[name](value) for name, value in given_values.items()})


def random_generator_of(kind: str, context: int = CONTEXT) -> Generator:
    """A generator whose random model depends on all that it reads."""
    torch.set_num_threads(1)
    torch.manual_seed(11)
    tokens = tokenizer()
    model = create_model(ModelConfig(**SMALL | KINDS[kind]), tokens.vocab_size, context)
    return Generator(far_from_zero(model, 0.25), tokens, context)


def swap_in_output(generator: Generator, first: int, second: int) -> None:
    """Let the model say one token where it said the other."""
    model: Any = generator.model
    head = model.lm_head if hasattr(model, "lm_head") else model.head
    with torch.no_grad():
        head.weight[[first, second]] = head.weight[[second, first]]


def plain_greedy(generator: Generator, ids: Sequence[int], max_new_tokens: int) -> list[int]:
    """The likeliest tokens one after another, each from a full pass over the last `context - 1` tokens."""
    new: list[int] = []
    with torch.no_grad():
        for _ in range(max_new_tokens):
            window = [*ids, *new][-(generator.context - 1) :]
            logits = generator.model(input_ids=torch.tensor([window])).logits[0, -1].tolist()
            logits[generator.tokenizer.pad_id] = -math.inf
            token = logits.index(max(logits))
            if token == generator.tokenizer.eos_id:
                break
            new.append(token)
    return new


def plain_candidates(logits: list[float], rule: SamplingRule) -> dict[int, float]:
    """Tokens that may be drawn, with their probabilities, in plain Python."""
    highest = max(logits)
    weights = {token: math.exp((logit - highest) / rule.temperature) for token, logit in enumerate(logits)}
    order = sorted(weights, key=lambda token: (-logits[token], token))
    if rule.top_k:
        order = order[: rule.top_k]
    if rule.top_p is not None and rule.top_p < 1:
        total, before, kept = sum(weights[token] for token in order), 0.0, []
        for token in order:
            if before / total >= rule.top_p - 1e-12:
                break
            kept.append(token)
            before += weights[token]
        order = kept
    total = sum(weights[token] for token in order)
    return {token: weights[token] / total for token in sorted(order)}


def generator_of(context: Context) -> Generator:
    generator = context.world.of(GenerationState).generator
    assert generator is not None
    return generator


def generate(
    context: Context, prompts: Sequence[str], count: int, rule: SamplingRule, **options: Any
) -> list[Generation]:
    """What the scenario's generator writes, shown in the report, too."""
    results = generator_of(context).generate(prompts, count, rule, **options)
    lines = [
        f"{result.prompt!r}, sample {result.sample}, {result.finish_reason}: {result.text!r}" for result in results
    ]
    context.world.attach(f"texts by {rule}", "\n".join(lines))
    return results


def texts(results: Sequence[Generation]) -> list[str]:
    return [result.text for result in results]


def tokens_of(results: Sequence[Generation]) -> list[list[int]]:
    return [result.tokens for result in results]


@given("the logits {numbers}")
def _(context: Context, numbers: str) -> None:
    context.world.of(GenerationState).logits = torch.tensor([float(number) for number in numbers.split(",")])


@when("{count:d} tokens are drawn with {rule:Rule}")
def _(context: Context, count: int, rule: str) -> None:
    state = context.world.of(GenerationState)
    state.rule = rule_of(rule)
    chance = torch.Generator().manual_seed(1)
    try:
        state.drawn = [next_token(state.logits, state.rule, chance) for _ in range(count)]
    except FoundryError as error:
        state.refusal = str(error)


@when("a rule is made with {rule:Rule}")
def _(context: Context, rule: str) -> None:
    state = context.world.of(GenerationState)
    try:
        state.rule = rule_of(rule)
    except FoundryError as error:
        state.refusal = str(error)


@when("many random logits and rules are tried")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @example(logits=[0, 0, 0, 0], temperature=1.0, top_k=3, top_p=0.5)
    @for_any(
        logits=st.lists(st.integers(-8, 8), min_size=1, max_size=12),
        temperature=st.sampled_from([0.1, 0.5, 1.0, 1.7, 2.0]),
        top_k=st.one_of(st.none(), st.integers(0, 14)),
        top_p=st.one_of(st.none(), st.sampled_from([0.01, 0.3, 0.5, 0.9, 0.99, 1.0])),
    )
    def agree(logits: list[int], temperature: float, top_k: int | None, top_p: float | None) -> None:
        rule = SamplingRule(temperature, top_k, top_p)
        tokens, probabilities = candidates(torch.tensor(logits, dtype=torch.float64), rule)
        expected = plain_candidates([float(logit) for logit in logits], rule)
        assert tokens.tolist() == list(expected), f"{tokens.tolist()}, not {list(expected)}"
        for found, wanted in zip(probabilities.tolist(), expected.values(), strict=True):
            assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-300), f"{found}, not {wanted}"
        state.examples += 1

    agree()


@given("a random {kind:Architecture} with a context of {length:d} tokens")
def _(context: Context, kind: str, length: int) -> None:
    context.world.of(GenerationState).generator = random_generator_of(kind, length)


@given("a random {kind:Architecture} that ends its text after {count:d} tokens")
def _(context: Context, kind: str, count: int) -> None:
    state = context.world.of(GenerationState)
    generator = random_generator_of(kind)
    ids = generator.tokenizer.encode_prompt(PROMPTS[0])
    new = plain_greedy(generator, ids, 12)
    assert new[count] not in new[:count], f"the text repeats itself too early: {new}"
    swap_in_output(generator, new[count], generator.tokenizer.eos_id)
    state.generator = generator


@given("a random decoder that would write padding as its third token")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    generator = random_generator_of("decoder")
    new = plain_greedy(generator, generator.tokenizer.encode_prompt(PROMPTS[0]), 3)
    swap_in_output(generator, new[2], generator.tokenizer.pad_id)
    state.generator = generator


@given("a random {kind:Architecture}, saved in a folder by transformers")
def _(context: Context, kind: str) -> None:
    state = context.world.of(GenerationState)
    state.generator = random_generator_of(kind)
    model: Any = state.generator.model
    model.save_pretrained(state.folder)
    state.generator.tokenizer.save(state.folder)


@given("a random gpt2 without our special tokens, saved in a folder by transformers")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    tokens = tokenizer()
    torch.manual_seed(1)
    model: Any = create_model(ModelConfig(**SMALL | KINDS["gpt2"]), min(tokens.marker_ids.values()), CONTEXT)
    model.save_pretrained(state.folder)
    tokens.save(state.folder)


@given("a random {kind:Architecture}")
def _(context: Context, kind: str) -> None:
    context.world.of(GenerationState).generator = random_generator_of(kind)


@when("it continues 3 prompts by {count:d} tokens with {rule:Rule}, and streams")
def _(context: Context, count: int, rule: str) -> None:
    state = context.world.of(GenerationState)
    state.results = generate(
        context, PROMPTS, count, rule_of(rule), on_text=lambda number, piece: state.streamed.append((number, piece))
    )


@when("it continues 3 prompts by {count:d} tokens with a cache")
def _(context: Context, count: int) -> None:
    context.world.of(GenerationState).results = generate(context, PROMPTS, count, rule_of("top_k 1"))


@when("it continues 3 prompts by {count:d} tokens without a cache")
def _(context: Context, count: int) -> None:
    state = context.world.of(GenerationState)
    state.results = generate(context, PROMPTS, count, rule_of("top_k 1"), use_cache=False)


@when("it continues 3 prompts by {count:d} tokens with {rule:Rule}")
def _(context: Context, count: int, rule: str) -> None:
    context.world.of(GenerationState).results = generate(context, PROMPTS, count, rule_of(rule))


@when("it continues a prompt by {count:d} tokens with {rule:Rule}")
@when("it continues the prompt by up to {count:d} tokens with {rule:Rule}")
def _(context: Context, count: int, rule: str) -> None:
    context.world.of(GenerationState).results = generate(context, PROMPTS[:1], count, rule_of(rule))


@when("it continues a prompt with {first:Rule} and with {second:Rule}")
def _(context: Context, first: str, second: str) -> None:
    state = context.world.of(GenerationState)
    for rule in (first, second):
        state.results += generate(context, PROMPTS[:1], 12, rule_of(rule))


@when("it continues a prompt with {rule:Rule} and the seeds 1, 1 and 2")
def _(context: Context, rule: str) -> None:
    state = context.world.of(GenerationState)
    for seed in (1, 1, 2):
        state.results += generate(context, PROMPTS[:1], 12, rule_of(rule), seed=seed)


@when("it continues a prompt twice while others draw random numbers")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for draws in (3, 8):
        torch.rand(draws)
        state.results += generate(context, PROMPTS[:1], 12, rule_of("temperature 1"))


@when("it continues 2 prompts, 3 times each, with {rule:Rule}")
def _(context: Context, rule: str) -> None:
    state = context.world.of(GenerationState)
    state.results = generate(context, PROMPTS[:2], 12, rule_of(rule), num_samples=3)
    state.others = generate(context, PROMPTS[:2], 12, rule_of(rule), num_samples=2)


@when("it continues a prompt 20 times with the temperatures 0.05, 1 and 2")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for temperature in (0.05, 1, 2):
        state.results += generate(context, PROMPTS[:1], 1, SamplingRule(temperature), num_samples=20)


@when("it continues a prompt of 60 tokens 30 times, and others that differ in one token from it")
def _(context: Context) -> None:
    state, generator = context.world.of(GenerationState), generator_of(context)
    letters = "abcdefghijklmnopqrstuvwxyz"
    prompt = "".join(letters[(7 * place) % 26] for place in range(60))
    assert len(generator.tokenizer.encode_prompt(prompt)) == 60, "not a token for each letter"
    for place in (-1, 0, 14, 28, 29, 45, 59):
        changed = prompt if place < 0 else prompt[:place] + prompt[place].upper() + prompt[place + 1 :]
        state.changes[place] = generate(context, [changed], 1, rule_of("temperature 2"), num_samples=30)


@when("it continues 3 prompts together and alone, with and without cache, with {rule:Rule}")
def _(context: Context, rule: str) -> None:
    state = context.world.of(GenerationState)
    for prompts in (PROMPTS, *([prompt] for prompt in PROMPTS)):
        state.results += generate(context, prompts, 20, rule_of(rule))
        state.others += generate(context, prompts, 20, rule_of(rule), use_cache=False)


def batch_and_alone(context: Context, prompts: list[str], rule: str) -> None:
    state = context.world.of(GenerationState)
    state.results = generate(context, prompts, 14, rule_of(rule), seed=4, num_samples=2)
    for prompt in prompts:
        state.others += generate(context, [prompt], 14, rule_of(rule), seed=4, num_samples=2)


@when("it continues prompts of 1 to 40 tokens in one batch, and each alone, with {rule:Rule}")
def _(context: Context, rule: str) -> None:
    prompts = ["x", "import os\n", "def load(", "a long prompt, told in many words: once upon a time"]
    batch_and_alone(context, prompts, rule)


@when("it continues that prompt among others in one batch, and each alone, with {rule:Rule}")
def _(context: Context, rule: str) -> None:
    state = context.world.of(GenerationState)
    state.results = generate(context, PROMPTS, 12, rule_of(rule))
    for prompt in PROMPTS:
        state.others += generate(context, [prompt], 12, rule_of(rule))


@given('the text "{text}" in tokens of single bytes')
def _(context: Context, text: str) -> None:
    state = context.world.of(GenerationState)
    single_bytes = FastTokenizer.train([], vocab_size=300)
    state.text, state.ids = text, single_bytes.encode_prompt(text)
    assert len(state.ids) == len(text.encode()), f"{len(state.ids)} tokens"


@given('the text "{text}" in tokens of single bytes, without the last byte')
def _(context: Context, text: str) -> None:
    state = context.world.of(GenerationState)
    state.ids = FastTokenizer.train([], vocab_size=300).encode_prompt(text)[:-1]


@when("its tokens come one by one")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    tokens = FastTokenizer.train([], vocab_size=300)
    new_text = NewText(tokens, tokens.encode_prompt("prompt"))
    for count in range(1, len(state.ids) + 1):
        state.pieces.append(new_text.next_piece(state.ids[:count], finished=count == len(state.ids)))


@when("it is asked for {fault}")
def _(context: Context, fault: str) -> None:
    state, generator = context.world.of(GenerationState), generator_of(context)
    prompts = {"an empty prompt": ["x", ""], "no prompt": []}.get(fault, ["x"])
    if fault == "damaged weights":
        with torch.no_grad():
            next(generator.model.parameters()).fill_(math.nan)
    count, samples = int(fault != "0 new tokens"), int(fault != "0 samples")
    try:
        generator.generate(prompts, count, SamplingRule(), num_samples=samples)
    except FoundryError as error:
        state.refusal = str(error)


@given("a small experiment has been trained and published")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    write_code_corpus(Path("corpus"))
    state.run = Trainer(small_experiment({"training.train_steps": 2, "training.checkpoint_schedule": REMOVED})).train()


@when("generators are loaded from its run folder and from its artifact")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert state.run is not None and state.run.record.published is not None
    state.generator = Generator.load(state.run.run_folder, device="cpu")
    state.loaded = Generator.load(state.run.record.published.location, device="cpu")


@when("a byte of the published weights flips, and a generator is loaded from the artifact")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert state.run is not None and state.run.record.published is not None
    artifact = Path(state.run.record.published.location)
    content = bytearray((artifact / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (artifact / "model.safetensors").write_bytes(content)
    try:
        Generator.load(artifact, device="cpu")
    except FoundryError as error:
        state.refusal = str(error)


@when("the artifact is moved, and a generator is loaded from the run folder")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert state.run is not None and state.run.record.published is not None
    Path(state.run.record.published.location).rename("moved")
    try:
        Generator.load(state.run.run_folder, device="cpu")
    except FoundryError as error:
        state.refusal = str(error)


@when("a generator is loaded from the folder")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    state.loaded = Generator.load(state.folder, device="cpu")


@when('a generator is loaded from the folder and continues "{prompt}"')
def _(context: Context, prompt: str) -> None:
    state = context.world.of(GenerationState)
    try:
        Generator.load(state.folder, device="cpu").generate([prompt], 1, SamplingRule())
    except FoundryError as error:
        state.refusal = str(error)


@when("loading a generator from {folder} is tried")
def _(context: Context, folder: str) -> None:
    state = context.world.of(GenerationState)
    if folder != "a folder that is not there":
        state.folder.mkdir()
    if folder == "a configuration without weights":
        (state.folder / "config.json").write_text('{"model_type": "gpt2"}')
    if folder == "weights with a cut off end":
        model: Any = random_generator_of("gpt2").model
        model.save_pretrained(state.folder)
        weights = state.folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
    try:
        Generator.load(state.folder, device="cpu")
    except FoundryError as error:
        state.refusal = str(error)


@then("each of them is {token:d}")
def _(context: Context, token: int) -> None:
    drawn = context.world.of(GenerationState).drawn
    assert drawn and set(drawn) == {token}, f"drawn were {sorted(set(drawn))}"


@then("exactly the tokens {tokens} are among them")
def _(context: Context, tokens: str) -> None:
    drawn, expected = context.world.of(GenerationState).drawn, [int(token) for token in tokens.split(",")]
    assert sorted(set(drawn)) == expected, f"drawn were {sorted(set(drawn))}, not {expected}"


@then("their counts fit the probabilities of a plain calculation")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    expected = plain_candidates(state.logits.tolist(), state.rule)
    counts = Counter(state.drawn)
    assert counts.keys() <= expected.keys(), f"drawn were {sorted(counts)}, not {list(expected)}"
    total = len(state.drawn)
    statistic = sum((counts[token] - total * p) ** 2 / (total * p) for token, p in expected.items())
    # Chi-square beyond this has a probability below 1e-6 with at most 5 degrees of freedom.
    assert statistic < 36, f"chi-square {statistic:.1f}: counts {dict(counts)}, probabilities {expected}"


@then("candidates and probabilities always equal those of a plain calculation")
def _(context: Context) -> None:
    examples = context.world.of(GenerationState).examples
    assert examples >= 60, f"only {examples} rules were tried"


@then('generation is refused because "{reason}"')
def _(context: Context, reason: str) -> None:
    refusal = context.world.of(GenerationState).refusal
    assert reason.replace("\\|", "|") in refusal, f"it says {refusal!r}"
    assert "\n" not in refusal, refusal


@then("each text is the one that the plain calculation writes")
def _(context: Context) -> None:
    generator = generator_of(context)
    for result in context.world.of(GenerationState).results:
        ids = generator.tokenizer.encode_prompt(result.prompt)
        count = len(result.tokens) if result.finish_reason == "length" else len(result.tokens) + 1
        expected = plain_greedy(generator, ids, count)
        assert result.tokens == expected, f"after {result.prompt!r}: {result.tokens}, not {expected}"
        assert result.text == generator.tokenizer.decode(expected), result.text


@then("the 3 texts differ")
def _(context: Context) -> None:
    found = texts(context.world.of(GenerationState).results)
    assert len(set(found)) == 3, found


@then("both texts are the same")
def _(context: Context) -> None:
    first, second = tokens_of(context.world.of(GenerationState).results)
    assert first == second, f"{first} and {second}"


@then("the first two texts are the same, and the third differs")
def _(context: Context) -> None:
    first, second, third = tokens_of(context.world.of(GenerationState).results)
    assert first == second, f"{first} and {second}"
    assert third != first, f"the seed has no effect: {third}"


@then("there are 6 texts, by prompt and sample")
def _(context: Context) -> None:
    found = [(result.prompt, result.sample) for result in context.world.of(GenerationState).results]
    assert found == [(prompt, sample) for prompt in PROMPTS[:2] for sample in range(3)], found


@then("the 3 texts of each prompt differ")
def _(context: Context) -> None:
    found = texts(context.world.of(GenerationState).results)
    assert len(set(found[:3])) == 3, found[:3]
    assert len(set(found[3:])) == 3, found[3:]


@then("fewer samples give the first of the same texts")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    more = [result.tokens for result in state.results if result.sample < 2]
    assert tokens_of(state.others) == more, f"{tokens_of(state.others)} and {more}"


@then("the likeliest first token is drawn the less often the higher the temperature")
def _(context: Context) -> None:
    generator, results = generator_of(context), context.world.of(GenerationState).results
    (likeliest,) = plain_greedy(generator, generator.tokenizer.encode_prompt(PROMPTS[0]), 1)
    low, middle, high = (
        sum(result.tokens == [likeliest] for result in results[begin : begin + 20]) for begin in (0, 20, 40)
    )
    assert low == 20 > middle > high, f"{low}, {middle} and {high} of 20"


@then("the text has {count:d} tokens and the finish reason is {reason}")
def _(context: Context, count: int, reason: str) -> None:
    (result,) = context.world.of(GenerationState).results
    assert (len(result.tokens), result.finish_reason) == (count, reason), f"{result}"


@then("the end-of-text token is not in it")
def _(context: Context) -> None:
    (result,) = context.world.of(GenerationState).results
    assert generator_of(context).tokenizer.eos_id not in result.tokens, result.tokens


@then("the padding token is not in it, and it is the likeliest other text")
def _(context: Context) -> None:
    (result,) = context.world.of(GenerationState).results
    assert generator_of(context).tokenizer.pad_id not in result.tokens, result.tokens
    assert result.tokens == plain_greedy(
        generator_of(context), generator_of(context).tokenizer.encode_prompt(PROMPTS[0]), 7
    )


@then("a change among the first 29 tokens changes no text")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for place in (0, 14, 28):
        changed, unchanged = tokens_of(state.changes[place]), tokens_of(state.changes[-1])
        assert changed == unchanged, f"a change at {place} is seen: {changed}, not {unchanged}"


@then("a change among the last 31 tokens changes some")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for place in (29, 45, 59):
        assert tokens_of(state.changes[place]) != tokens_of(state.changes[-1]), f"a change at {place} changes nothing"


@then("every full text begins with its whole prompt")
def _(context: Context) -> None:
    for result in chain.from_iterable(context.world.of(GenerationState).changes.values()):
        assert result.full_text == result.prompt + result.text, result
        assert len(result.prompt) == result.prompt_tokens == 60, result


@then("both give the same texts")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for first, second in zip(state.results, state.others, strict=True):
        assert (first.prompt, first.sample) == (second.prompt, second.sample)
        assert first.tokens == second.tokens, f"after {first.prompt!r}: {first.tokens} and {second.tokens}"
        assert first.text == second.text, f"{first.text!r} and {second.text!r}"


@then("the first text has ended, and at least one has gone on")
def _(context: Context) -> None:
    reasons = [result.finish_reason for result in context.world.of(GenerationState).results]
    assert reasons[0] == "eos" and "length" in reasons, reasons


@then("the streamed pieces of each put together are its text")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    for number, result in enumerate(state.results):
        streamed = "".join(piece for row, piece in state.streamed if row == number)
        assert streamed == result.text, f"{streamed!r} and {result.text!r}"


@then("the pieces came one by one")
def _(context: Context) -> None:
    streamed = context.world.of(GenerationState).streamed
    assert len(streamed) > 30, f"{len(streamed)} pieces of 90 tokens"
    assert all(piece for _, piece in streamed), streamed


@then("the pieces are the characters of the text")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert [piece for piece in state.pieces if piece] == list(state.text), state.pieces


@then('the pieces are "a", "b" and a replacement character at the end')
def _(context: Context) -> None:
    assert context.world.of(GenerationState).pieces == ["a", "b", "", "\N{REPLACEMENT CHARACTER}"], context.world.of(
        GenerationState
    ).pieces


@then("it becomes JSON and back, with {names} and seconds")
def _(context: Context, names: str) -> None:
    (result,) = context.world.of(GenerationState).results
    back = json.loads(json.dumps(result.as_dict()))
    assert list(back) == [*names.split(", "), "seconds"], list(back)
    assert Generation(**back) == result, back
    assert result.seconds > 0, result.seconds


@then("both hold the published weights")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert state.run is not None and state.run.record.published is not None and state.loaded is not None
    published = load_file(Path(state.run.record.published.location) / "model.safetensors")
    assert len(published) > 10, list(published)
    for generator in (generator_of(context), state.loaded):
        weights = generator.model.state_dict()
        different = [name for name, tensor in published.items() if not torch.equal(weights[name], tensor)]
        assert not different, f"other weights in {different}"


@then("both write the same text")
@then("it continues a prompt as the original does")
def _(context: Context) -> None:
    state = context.world.of(GenerationState)
    assert state.loaded is not None
    original, loaded = (
        generator.generate(PROMPTS[:1], 12, rule_of("temperature 1"), seed=3)[0]
        for generator in (generator_of(context), state.loaded)
    )
    assert loaded.tokens == original.tokens, f"{loaded.tokens} and {original.tokens}"
    assert state.loaded.context == generator_of(context).context, state.loaded.context
