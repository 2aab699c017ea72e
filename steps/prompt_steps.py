"""Steps on examples of prompts and answers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from behave import given, then, when
from behave.runner import Context

from foundry.data.batches import Batch
from foundry.data.processor import DataProcessor, PreparedData
from foundry.data.tokenizers import load_tokenizer
from foundry.models import create_model
from foundry.models.io import load_weights
from foundry.reproducibility import derived_seed
from foundry.testing.batches import OneBatch, first_batch
from foundry.testing.chats import (
    CHANGING_TEMPLATE,
    CHAT_TEMPLATE,
    REFUSING_TEMPLATE,
    chat_tokenizer,
    stretches,
    tokens_of,
)
from foundry.testing.corpora import write_jsonl
from foundry.testing.experiments import small_experiment
from foundry.testing.preparation import Preparation
from foundry.testing.runs import Runs
from foundry.training.loop import StepResult, TrainingLoop
from foundry.training.optimizer import create_optimizer

EXAMPLES = Path("examples.jsonl")
TOKENIZER = Path("chat-tokenizer")
GOOD_LINES: dict[str, Any] = {
    "prompt_completion": {"prompt": "a", "completion": "b"},
    "chat": {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
}


@dataclass
class PromptState:
    """What the scenario's examples are, and a step without targets."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    batch: Batch | None = None
    model: torch.nn.Module = field(default_factory=torch.nn.Module)
    result: StepResult | None = None


def preparation_of(context: Context) -> Preparation:
    return context.world.of(Preparation)


def use_examples(
    context: Context,
    rows: list[dict[str, Any]],
    data_format: str,
    block_size: int,
    template: str | None = CHAT_TEMPLATE,
    validation: float = 0.0,
) -> None:
    """Write the rows, and name them and a tokenizer in the experiment of the scenario."""
    context.world.of(PromptState).rows = rows
    preparation = preparation_of(context)
    chat_tokenizer(TOKENIZER, template)
    preparation.settings["tokenizer"] = {"tokenizer_type": "pretrained", "name_or_path": str(TOKENIZER)}
    for key, value in (
        ("source_corpus", str(write_jsonl(EXAMPLES, rows))),
        ("format", data_format),
        ("max_sequence_length", block_size),
        ("validation_fraction", validation),
    ):
        preparation.set(f"data.{key}", value)


@given("the lines of text in blocks of {block_size:d}")
def _(context: Context, block_size: int) -> None:
    use_examples(context, [{"text": row["text"]} for row in context.table], "text", block_size)


@given("the examples in blocks of {block_size:d}")
def _(context: Context, block_size: int) -> None:
    rows = [{"prompt": row["prompt"], "completion": row["completion"]} for row in context.table]
    use_examples(context, rows, "prompt_completion", block_size)


@given("a chat in blocks of {block_size:d}")
def _(context: Context, block_size: int) -> None:
    messages = [{"role": row["role"], "content": row["content"]} for row in context.table]
    use_examples(context, [{"messages": messages}], "chat", block_size)


@given("the setting {key} is {value}")
def _(context: Context, key: str, value: str) -> None:
    preparation_of(context).set(key, value)


@given("{count:d} examples in blocks of {block_size:d}, of which a part is kept for validation")
def _(context: Context, count: int, block_size: int) -> None:
    rows = [{"prompt": f"{number} + {number} =", "completion": f" {2 * number}"} for number in range(count)]
    use_examples(context, rows, "prompt_completion", block_size, validation=0.3)


@given("a file examples.jsonl for {data_format} whose second line is {line}")
def _(context: Context, data_format: str, line: str) -> None:
    use_examples(context, [GOOD_LINES[data_format]], data_format, block_size=64)
    with EXAMPLES.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


@given("a chat for {mistake}")
def _(context: Context, mistake: str) -> None:
    templates: dict[str, str | None] = {
        "a tokenizer without template": None,
        "a template that refuses it": REFUSING_TEMPLATE,
        "a template that writes beginnings anew": CHANGING_TEMPLATE,
    }
    block_size = 4 if mistake == "blocks that are too short" else 64
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bbbb"}]}
    use_examples(context, [row], "chat", block_size, templates.get(mistake, CHAT_TEMPLATE))
    if mistake == "a file that is not .jsonl":
        EXAMPLES.rename("examples.txt")
        preparation_of(context).set("data.source_corpus", "examples.txt")


@given("a file examples.jsonl of {count:d} prompts and completions")
def _(context: Context, count: int) -> None:
    draw = random.Random(6)
    rows = []
    for _number in range(count):
        first, second = draw.randrange(1000), draw.randrange(100)
        rows.append({"prompt": f"def f(): return {first} + {second}\nf() is", "completion": f" {first + second}\n"})
    context.world.of(PromptState).rows = rows
    write_jsonl(EXAMPLES, rows)


@when("the examples are prepared")
def _(context: Context) -> None:
    preparation_of(context).try_to_prepare()


def prepared_of(context: Context) -> PreparedData:
    preparation = preparation_of(context)
    assert preparation.refusal is None, preparation.refusal
    return preparation.prepared


@then("its tokens are, one by one")
def _(context: Context) -> None:
    prepared = prepared_of(context)
    found = tokens_of(prepared, prepared.training)
    shown = [(text, "" if place is None else str(place), "yes" if counts else "no") for text, place, counts in found]
    expected = [(row["token"], row["position"], row["counts"]) for row in context.table]
    assert shown == expected, "\n".join(map(str, shown))


@then("its tokens are, stretch by stretch, up to the last padding")
def _(context: Context) -> None:
    prepared = prepared_of(context)
    tokens = tokens_of(prepared, prepared.training)
    while tokens[-1][0] == "<|pad|>" and not tokens[-1][2]:
        tokens.pop()
    shown = [(text.replace("\n", "⏎"), "yes" if counts else "no") for text, counts in stretches(tokens)]
    expected = [(row["text"], row["counts"]) for row in context.table]
    assert shown == expected, "\n".join(map(str, shown))


@then("its statistics count {count:d} targets")
def _(context: Context, count: int) -> None:
    found = prepared_of(context).statistics["targets"]
    assert found == {"training": count}, found


@then("{count:d} of its tokens are the end-of-text token, because what a message holds stays text")
def _(context: Context, count: int) -> None:
    prepared = prepared_of(context)
    found = prepared.training.tokens.tolist().count(prepared.tokenizer.eos_id)
    assert found == count, found


@then("its tokens are those of transformers' apply_chat_template up to the last answer's end")
def _(context: Context) -> None:
    from transformers import AutoTokenizer

    prepared = prepared_of(context)
    messages = context.world.of(PromptState).rows[0]["messages"]
    reference = AutoTokenizer.from_pretrained(str(TOKENIZER)).apply_chat_template(messages, return_dict=False)
    found = prepared.training.tokens.tolist()
    assert found[-1] == prepared.tokenizer.eos_id
    assert reference[: len(found)] == found, (reference, found)
    assert prepared.tokenizer.eos_id not in reference[len(found) :], reference[len(found) :]


@then("the kept tokenizer holds the same template, for transformers, too")
def _(context: Context) -> None:
    from transformers import AutoTokenizer

    folder = prepared_of(context).folder / "tokenizer"
    assert load_tokenizer(folder).chat_template == load_tokenizer(TOKENIZER).chat_template
    assert AutoTokenizer.from_pretrained(str(folder)).chat_template == CHAT_TEMPLATE


@then("each example stands whole on one of both sides, and none on both")
def _(context: Context) -> None:
    prepared = prepared_of(context)
    rows = [row["prompt"] + row["completion"] for row in context.world.of(PromptState).rows]
    sides = [
        [prepared.tokenizer.decode(ids) for ids in documents_of_examples(prepared, blocks)]
        for blocks in (prepared.training, prepared.validation)
    ]
    assert sides[0] and sides[1], sides
    assert sorted(sides[0] + sides[1]) == sorted(rows), sides


def documents_of_examples(prepared: PreparedData, blocks: Any) -> list[list[int]]:
    """The examples of a side without the padding before them."""
    pad = prepared.tokenizer.pad_id
    tokens = [number for number in blocks.tokens.tolist() if number != pad]
    examples: list[list[int]] = [[]]
    for number in tokens:
        if number == prepared.tokenizer.eos_id:
            examples.append([])
        else:
            examples[-1].append(number)
    assert examples.pop() == [], "the last example has no end"
    return examples


def expected_loss(context: Context, model: torch.nn.Module, prepared: PreparedData, tokens: Any) -> float:
    """The mean over the completions among `tokens`, each example read by itself."""
    rows = context.world.of(PromptState).rows
    losses = []
    for prompt, completion in [(row["prompt"], row["completion"]) for row in rows]:
        before, after = prepared.tokenizer.encode_batch([prompt, completion])
        ids = [*before, *after, prepared.tokenizer.eos_id]
        for _time in range(times_in(ids, tokens)):
            logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0]
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")
            losses.append(loss[len(before) - 1 :])
    assert len(losses) > 4, "too few examples to compare"
    return torch.cat(losses).mean().item()


def times_in(ids: list[int], tokens: list[int]) -> int:
    return sum(tokens[place : place + len(ids)] == ids for place in range(len(tokens)))


@then("its first loss is the mean over the completions of its first batch, each example by itself")
def _(context: Context) -> None:
    runs = context.world.of(Runs)
    assert runs.report is not None, runs.error
    config = runs.config()
    prepared, ids, _lengths = first_batch(config)
    torch.manual_seed(derived_seed(config.random_seed, "initial weights"))
    model = create_model(config.model, prepared.tokenizer.vocab_size, config.data.max_sequence_length)
    expected = expected_loss(context, model, prepared, ids.flatten().tolist())
    logged = runs.metrics[0]["loss"]
    assert math.isclose(logged, expected, rel_tol=1e-5), f"{logged} instead of {expected}"


@then("its last validation loss is the mean over the completions kept for validation, each example by itself")
def _(context: Context) -> None:
    runs = context.world.of(Runs)
    config = runs.config()
    prepared = DataProcessor(config).prepare()
    assert prepared.validation is not None
    model = create_model(config.model, prepared.tokenizer.vocab_size, config.data.max_sequence_length).eval()
    load_weights(model, runs.folder / "checkpoints/step-00000012/model.safetensors")
    with torch.no_grad():
        expected = expected_loss(context, model, prepared, prepared.validation.tokens.tolist())
    logged = runs.metrics[-1]["validation_loss"]
    assert math.isclose(logged, expected, rel_tol=1e-5), f"{logged} instead of {expected}"


@given("a batch in which no token counts")
def _(context: Context) -> None:
    ids = torch.arange(64).reshape(2, 32)
    context.world.of(PromptState).batch = Batch(ids, torch.full_like(ids, -100))


@when("a training step is made with it")
def _(context: Context) -> None:
    state = context.world.of(PromptState)
    config = small_experiment({})
    state.model = create_model(config.model, 100, 32)
    batches: Any = OneBatch(state.batch)
    optimizer = create_optimizer(state.model, config.training)
    loop = TrainingLoop(state.model, optimizer, batches, config, total_steps=10, device=torch.device("cpu"))
    state.result = loop.step(1)


@then("its loss is 0 and every weight is finite")
def _(context: Context) -> None:
    state = context.world.of(PromptState)
    assert state.result is not None and (state.result.loss, state.result.num_targets) == (0.0, 0), state.result
    assert not state.result.is_bad
    assert all(parameter.isfinite().all() for parameter in state.model.parameters())
