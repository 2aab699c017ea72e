"""Steps on documents that share a block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from behave import given, then, when
from behave.runner import Context
from torch import Tensor

from foundry.config import ExperimentConfig
from foundry.config_model import ModelConfig
from foundry.models import create_model, loss_sum
from foundry.reproducibility import derived_seed
from foundry.testing.batches import first_batch
from foundry.testing.experiments import write_code_corpus
from foundry.testing.models import far_from_zero
from foundry.testing.runs import Runs

FIRST, SECOND = 5, 7
"""Tokens of the two documents; those of the first are below 20, those of the second are not."""


@dataclass
class PackingState:
    """A model, and its logits for the second document of a block."""

    model: torch.nn.Module = field(default_factory=torch.nn.Module)
    second: Tensor = field(default_factory=lambda: torch.empty(0))
    apart: list[Tensor] = field(default_factory=list)
    together: list[Tensor] = field(default_factory=list)
    gradient: Tensor = field(default_factory=lambda: torch.empty(0))


def positions() -> Tensor:
    """Of two rows: one holds two documents, the other holds three."""
    return torch.tensor([[*range(FIRST), *range(SECOND)], [*range(FIRST), *range(3), *range(SECOND - 3)]])


@given("a model of class {architecture} with {attention} attention, in training")
def _(context: Context, architecture: str, attention: str) -> None:
    torch.manual_seed(3)
    shape = ModelConfig(architecture=architecture, hidden_size=32, layers=2, attention_heads=4, tie_embeddings=False)
    model = far_from_zero(create_model(shape, 40, 16)).train()
    if attention != "own":
        model.set_attn_implementation(attention)
    context.world.of(PackingState).model = model


@when("it reads a block of two documents, together and apart, with one first document and with another")
def _(context: Context) -> None:
    state = context.world.of(PackingState)
    draw = torch.Generator().manual_seed(5)
    state.second = torch.randint(20, 40, (2, SECOND), generator=draw)
    for _number in range(2):
        first = torch.randint(0, 20, (2, FIRST), generator=draw)
        ids = torch.cat((first, state.second), dim=1)
        apart = state.model(input_ids=ids, use_cache=False, position_ids=positions()).logits
        state.apart.append(apart[:, FIRST:].detach())
        state.together.append(state.model(input_ids=ids, use_cache=False).logits[:, FIRST:].detach())
    labels = ids.clone()
    labels[:, : FIRST + 1] = -100
    loss_sum(state.model, ids, labels, positions())[0].backward()
    state.gradient = (
        state.model.get_input_embeddings().weight.grad
        if hasattr(state.model, "get_input_embeddings")
        else state.model.embedding.weight.grad
    )


@then("apart, the second document's logits are those that it has alone")
def _(context: Context) -> None:
    state = context.world.of(PackingState)
    alone = state.model(input_ids=state.second[:1], use_cache=False).logits[0]
    torch.testing.assert_close(state.apart[0][0], alone, rtol=1e-5, atol=1e-5)
    pieces = [state.second[1:, :3], state.second[1:, 3:]]
    alone = torch.cat([state.model(input_ids=piece, use_cache=False).logits[0] for piece in pieces])
    torch.testing.assert_close(state.apart[0][1], alone, rtol=1e-5, atol=1e-5)


@then("apart, the first document changes no logit of the second, and together it does")
def _(context: Context) -> None:
    state = context.world.of(PackingState)
    assert torch.equal(state.apart[0], state.apart[1]), (state.apart[0] - state.apart[1]).abs().max()
    assert (state.together[0] - state.together[1]).abs().max() > 1e-2, "the first document is not seen at all"


@then("apart, the loss of the second document gives no gradient to a token of the first")
def _(context: Context) -> None:
    gradient = context.world.of(PackingState).gradient
    assert gradient[20:].abs().max() > 0, "no gradient at all"
    assert not gradient[:20].any(), gradient[:20].abs().max()


@given("a corpus of many short documents")
def _(_context: Context) -> None:
    write_code_corpus(Path("corpus"), num_documents=60, seed=4, functions=1)


@then("its first loss is the mean over the tokens of its first batch, each document by itself")
def _(context: Context) -> None:
    runs = context.world.of(Runs)
    assert runs.report is not None, runs.error
    config = runs.config()
    prepared, ids, lengths = first_batch(config)
    pieces: list[Tensor] = []
    for row, length in zip(torch.from_numpy(ids), lengths, strict=True):
        ends = ((row[:length] == prepared.tokenizer.eos_id).nonzero().flatten() + 1).tolist()
        pieces += [piece for piece in row[:length].tensor_split(ends) if len(piece) > 1]
    assert len(pieces) >= 2 * len(ids), f"only {len(pieces)} documents in {len(ids)} blocks"
    expected = mean_loss(first_model(config, prepared.tokenizer.vocab_size), [(piece, 1) for piece in pieces])
    logged = runs.metrics[0]["loss"]
    assert math.isclose(logged, expected, rel_tol=1e-5), f"{logged} instead of {expected}"


def first_model(config: ExperimentConfig, vocab_size: int) -> torch.nn.Module:
    """The model with the weights that its run begins with."""
    torch.manual_seed(derived_seed(config.random_seed, "initial weights"))
    return create_model(config.model, vocab_size, config.data.max_sequence_length).eval()


def mean_loss(model: torch.nn.Module, documents: list[tuple[Tensor, int]]) -> float:
    """The mean over the tokens of each document from the given place on, every document read by itself."""
    losses = []
    for ids, first_target in documents:
        logits = model(input_ids=ids[None, :-1]).logits[0]
        losses.append(torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")[first_target - 1 :])
    return torch.cat(losses).mean().item()
