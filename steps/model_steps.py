"""Steps about networks: reference, causality, parameters, loss and weights on disk."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from behave import given, register_type, then, when
from behave.model import Table
from behave.runner import Context
from parse import with_pattern
from safetensors import safe_open
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from foundry.config import ModelConfig
from foundry.errors import FoundryError
from foundry.models import (
    ParameterCount,
    count_parameters,
    create_model,
    enable_gradient_checkpointing,
    load_weights,
    loss_sum,
    new_cache,
    save_weights,
)
from foundry.models.llama import llama_config, load_llama, to_llama
from foundry.testing.models import far_from_zero

VOCABULARY = 512
LENGTH = 32
SMALL = {"layers": 2, "hidden_size": 64, "attention_heads": 4}
KINDS: dict[str, dict[str, Any]] = {
    "decoder": {"tie_embeddings": False},
    "decoder with shared heads": {"tie_embeddings": False, "key_value_heads": 2},
    "gpt2": {"architecture": "gpt2", "activation_function": "gelu"},
    "bert": {"architecture": "bert", "tie_embeddings": False},
}
SHARED_NAMES = {"lm_head.weight", "head.weight"}


@dataclass
class ModelState:
    """What the steps about models share."""

    config: ModelConfig = field(default_factory=lambda: ModelConfig(**SMALL))
    model: nn.Module = field(default_factory=nn.Identity)
    models: list[nn.Module] = field(default_factory=list)
    first: Tensor = field(default_factory=lambda: torch.empty(0))
    second: Tensor = field(default_factory=lambda: torch.empty(0))
    pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    count: ParameterCount | None = None
    targets: int = 0
    kept_bytes: list[int] = field(default_factory=list)
    changes: list[tuple[int, Tensor]] = field(default_factory=list)
    refusal: str = ""
    before: dict[str, Tensor] = field(default_factory=dict)
    file: Path = Path("model.safetensors")


@with_pattern("decoder with shared heads|decoder|gpt2|bert")
def model_kind(text: str) -> str:
    return text


register_type(ModelKind=model_kind)


def settings_of(table: Table | None) -> dict[str, Any]:
    values = {row["setting"]: yaml.safe_load(row["value"]) for row in table or []}
    return {name: value for name, value in values.items() if value != "none"}


def make(config: ModelConfig, seed: int = 1, vocabulary: int = VOCABULARY) -> nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return create_model(config, vocabulary, LENGTH)


def some_tokens(rows: int, length: int, seed: int = 3) -> Tensor:
    return torch.randint(0, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


def llama_of(model: Any) -> Any:
    llama = LlamaForCausalLM(llama_config(model.config, VOCABULARY, LENGTH))
    llama.load_state_dict(to_llama(model))
    return llama.eval()


def read(model: nn.Module, ids: Tensor, pieces: list[int] | None = None) -> Tensor:
    """Logits of all tokens, read at once, or in pieces with a cache."""
    with torch.no_grad():
        if pieces is None:
            return model(input_ids=ids, use_cache=False).logits
        cache = new_cache(model, len(ids), LENGTH)
        parts = [model(input_ids=part, past_key_values=cache, use_cache=True).logits for part in ids.split(pieces, 1)]
        return torch.cat(parts, 1)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_identical(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first and first.keys() == second.keys(), f"names differ: {sorted(first.keys() ^ second.keys())}"
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different, f"{len(different)} of {len(first)} tensors differ: {different[:3]}"


def assert_close(pairs: list[tuple[Tensor, Tensor]], tolerance: float) -> None:
    assert pairs
    for first, second in pairs:
        assert first.shape == second.shape, f"{first.shape} and {second.shape}"
        difference = (first - second).abs().max().item()
        assert difference < tolerance, f"the largest difference is {difference}, of numbers up to {second.abs().max()}"


@given("a model with")
def _(context: Context) -> None:
    context.world.of(ModelState).config = ModelConfig(**SMALL | settings_of(context.table))


@given("a decoder with weights far from zero and")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    state.config = ModelConfig(**SMALL | settings_of(context.table))
    state.model = far_from_zero(make(state.config))


@given("a {kind:ModelKind} with weights far from zero")
def _(context: Context, kind: str) -> None:
    state = context.world.of(ModelState)
    state.config = ModelConfig(**SMALL | KINDS[kind])
    state.model = far_from_zero(make(state.config))


@given("a {kind:ModelKind} with dropout")
def _(context: Context, kind: str) -> None:
    state = context.world.of(ModelState)
    state.config = ModelConfig(**SMALL | KINDS[kind], dropout=0.3, attention_dropout=0.2)
    state.model = far_from_zero(make(state.config))


@when("it and Llama with its weights read the same tokens")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids = some_tokens(3, LENGTH)
    state.pairs = [(read(state.model, ids), read(llama_of(state.model), ids))]


@when("it and Llama with its weights read the same tokens at positions with gaps")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids, positions = some_tokens(2, 8), torch.tensor([[0, 1, 2, 9, 10, 20, 21, 30], [3, 5, 7, 11, 13, 17, 19, 23]])
    with torch.no_grad():
        ours, theirs = (
            model(input_ids=ids, position_ids=positions, attention_mask=torch.ones_like(ids)).logits
            for model in (state.model, llama_of(state.model))
        )
    state.pairs = [(ours, theirs)]


@when("it and Llama with its weights learn from the same tokens")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids, llama = some_tokens(3, LENGTH), llama_of(state.model)
    for model in (state.model, llama):
        loss_sum(model, ids, ids)[0].backward()
    state.pairs = [(loss_sum(state.model, ids, ids)[0].detach(), loss_sum(llama, ids, ids)[0].detach())]
    as_llama = make(state.config)
    as_llama.load_state_dict(gradients(state.model), strict=False)
    theirs = gradients(llama)
    state.pairs += [(gradient, theirs[name]) for name, gradient in to_llama(as_llama).items() if name in theirs]


@when("its weights go to Llama and back into a fresh decoder")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    fresh = make(state.config, seed=2)
    load_llama(fresh, llama_of(state.model).state_dict())
    state.models = [fresh]


@when("it reads 20 tokens with a cache, in pieces of {pieces}")
def _(context: Context, pieces: str) -> None:
    state = context.world.of(ModelState)
    ids = some_tokens(2, 20)
    state.pairs = [(read(state.model, ids, [int(piece) for piece in pieces.split(",")]), read(state.model, ids))]


@when("it reads rows of 20, 13 and 1 tokens, padded on the left, and then 3 more tokens each")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    lengths, rows, more = [20, 13, 1], some_tokens(3, 23), 3
    width = max(lengths)
    padded = torch.stack([torch.cat((rows[i, :1].repeat(width - n), rows[i, :n])) for i, n in enumerate(lengths)])
    mask = torch.stack([torch.arange(width + more) >= width - n for n in lengths]).long()
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = new_cache(state.model, 3, width + more)
    pieces = []
    with torch.no_grad():
        for begin, end in [(0, width), *((width + k, width + k + 1) for k in range(more))]:
            new = (
                torch.stack([rows[i, n + begin - width : n + end - width] for i, n in enumerate(lengths)])
                if begin
                else padded
            )
            output = state.model(
                input_ids=new,
                attention_mask=mask[:, :end],
                position_ids=positions[:, begin:end],
                past_key_values=cache,
                use_cache=True,
            )
            pieces.append(output.logits)
    logits = torch.cat(pieces, 1)
    state.pairs = [
        (logits[i, width - n :], read(state.model, rows[i : i + 1, : n + more])[0]) for i, n in enumerate(lengths)
    ]


@when("it reads {count:d} tokens")
def _(context: Context, count: int) -> None:
    state = context.world.of(ModelState)
    try:
        read(state.model, some_tokens(1, count))
    except ValueError as error:
        state.refusal = str(error)


@when("each token of a text is changed in turn, and read {how}")
def _(context: Context, how: str) -> None:
    state = context.world.of(ModelState)
    pieces = {"at once": None, "token by token, cached": [1] * 15, "in pieces of 5, cached": [5] * 3}[how]
    ids = some_tokens(1, 15)
    state.first = read(state.model, ids, pieces)[0]
    for place in range(15):
        changed = ids.clone()
        changed[0, place] = (ids[0, place] + 1) % VOCABULARY
        state.changes.append((place, read(state.model, changed, pieces)[0]))


@when("its parameters are counted before it is made")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    try:
        state.count = count_parameters(state.config, VOCABULARY, LENGTH)
    except FoundryError as error:
        state.refusal = str(error)


@when("making it is tried")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    try:
        state.model = make(state.config)
    except FoundryError as error:
        state.refusal = str(error)


@when("it is made with seed {seed:d}")
def _(context: Context, seed: int) -> None:
    state = context.world.of(ModelState)
    state.model = make(state.config, seed)


@when("it is made with seeds {first:d}, {second:d} and {third:d}")
def _(context: Context, first: int, second: int, third: int) -> None:
    state = context.world.of(ModelState)
    state.models = [make(state.config, seed) for seed in (first, second, third)]


def padded_blocks(filling_seed: int) -> tuple[Tensor, Tensor]:
    """Three blocks of 16 tokens, of which 16, 9 and 2 are real, and their labels."""
    ids, labels = some_tokens(3, 16), some_tokens(3, 16)
    for row, real in enumerate((16, 9, 2)):
        ids[row, real:] = some_tokens(1, 16 - real, filling_seed)
        labels[row, real:] = -100
    return ids, labels


@when("it judges blocks of 16 tokens, of which 16, 9 and 2 are real")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids, labels = padded_blocks(filling_seed=5)
    total, count = loss_sum(state.model, ids, labels)
    alone = torch.zeros((), dtype=torch.float64)
    for row, real in enumerate((16, 9, 2)):
        for place in range(1, real):
            logits = read(state.model, ids[row : row + 1, :place])[0, -1].double()
            alone += logits.logsumexp(0) - logits[ids[row, place]]
    state.first, state.second, state.targets = total.detach().double(), alone, int(count)


@when("it judges the same padded blocks with other tokens in the padding")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    for filling_seed in (5, 6):
        state.model.zero_grad()
        total, _ = loss_sum(state.model, *padded_blocks(filling_seed))
        total.backward()
        state.pairs.append(
            (total.detach(), torch.cat([gradient.flatten() for gradient in gradients(state.model).values()]))
        )


@when("it judges blocks of 16 tokens under bfloat16 autocast")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    blocks = padded_blocks(filling_seed=5)
    state.second = loss_sum(state.model, *blocks)[0].detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        state.first = loss_sum(state.model, *blocks)[0].detach()


@contextlib.contextmanager
def counting_kept_bytes(kept: list[int]) -> Iterator[None]:
    seen: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    unchanged: Callable[[Tensor], Tensor] = lambda tensor: tensor  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(note, unchanged):
        yield
    kept.append(sum(seen.values()))


@when("it learns with and without gradient checkpointing from the same seed")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids = some_tokens(2, LENGTH)
    for checkpointed in (False, True):
        model = far_from_zero(make(state.config)).train()
        if checkpointed:
            enable_gradient_checkpointing(model)
        torch.manual_seed(5)
        with counting_kept_bytes(state.kept_bytes):
            total, _ = loss_sum(model, ids, ids)
        total.backward()
        state.models.append(model)


@when("it reads the same tokens twice in evaluation and twice in training")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    ids = some_tokens(2, 8)
    for training in (False, True):
        state.model.train(training)
        state.pairs.append((read(state.model, ids), read(state.model, ids)))


@when("it is saved, and loaded into one made with another seed")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    saved, loaded = make(state.config, 1), make(state.config, 2)
    save_weights(saved, state.file)
    load_weights(loaded, state.file)
    state.models = [saved, loaded]


@when("a file with {fault} is loaded into it")
def _(context: Context, fault: str) -> None:
    state = context.world.of(ModelState)
    state.model = make(state.config)
    others = {"one layer less": {"layers": 1}, "one layer more": {"layers": 3}}
    others["another inner width"] = {"intermediate_hidden_size": 96}
    vocabulary = 300 if fault == "another vocabulary" else VOCABULARY
    if fault != "nothing, as it is missing":
        save_weights(make(state.config.model_copy(update=others.get(fault, {})), 2, vocabulary), state.file)
    if fault == "a cut off end":
        state.file.write_bytes(state.file.read_bytes()[:-100])
    state.before = weights(state.model)
    try:
        load_weights(state.model, state.file)
    except FoundryError as error:
        state.refusal = str(error)


@then("their logits differ by less than {tolerance:g}")
@then("the logits differ from those of reading at once by less than {tolerance:g}")
@then("each row's logits differ from those of the row alone by less than {tolerance:g}")
def _(context: Context, tolerance: float) -> None:
    assert_close(context.world.of(ModelState).pairs, tolerance)


@then("their losses and all their gradients differ by less than a millionth of the largest")
def _(context: Context) -> None:
    pairs = context.world.of(ModelState).pairs
    assert len(pairs) > 10, len(pairs)
    for ours, theirs in pairs:
        assert_close([(ours, theirs)], theirs.abs().max().item() * 1e-5)


@then("the fresh decoder's weights are bit-identical")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    assert_identical(weights(state.model), weights(state.models[0]))


@then('it refuses because "{reason}"')
def _(context: Context, reason: str) -> None:
    assert reason in context.world.of(ModelState).refusal, context.world.of(ModelState).refusal


@then("no logit before the changed token differs")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    for place, logits in state.changes:
        assert torch.equal(logits[:place], state.first[:place]), f"a change at {place} is seen before it"


@then("the logits from the changed token on differ")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    for place, logits in state.changes:
        differs = (logits[place:] != state.first[place:]).any(dim=1)
        assert differs.all(), f"a change at {place} is not seen at {place + int((~differs).nonzero()[0])}"


@then("the count is that of the real model, and equals {total:d}")
def _(context: Context, total: int) -> None:
    state = context.world.of(ModelState)
    real = sum(parameter.numel() for parameter in make(state.config).parameters())
    assert state.count is not None, state.refusal
    assert state.count.total == real == total, f"counted {state.count.total}, real {real}, expected {total}"


@then("the count is 96 times a block's, plus the norm's and the embedding's")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    width = 12288
    block = 4 * width * width + 3 * width * (width * 8 // 3) + 2 * width
    assert state.count == ParameterCount(96 * block + width + VOCABULARY * width, VOCABULARY * width), state.count


@then("the first two are bit-identical, and the third has other matrices")
def _(context: Context) -> None:
    first, second, third = (weights(model) for model in context.world.of(ModelState).models)
    assert_identical(first, second)
    unchanged = [name for name in first if first[name].ndim == 2 and torch.equal(first[name], third[name])]
    assert not unchanged, f"the seed has no part in {unchanged}"


@then("matrices that write to the residual stream have standard deviation {expected:g}")
def _(context: Context, expected: float) -> None:
    assert_deviation(context, lambda name: name.endswith(("output.weight", "down.weight")), expected)


@then("all other matrices have standard deviation {expected:g}")
def _(context: Context, expected: float) -> None:
    assert_deviation(context, lambda name: not name.endswith(("output.weight", "down.weight")), expected)


def assert_deviation(context: Context, chosen: Callable[[str], bool], expected: float) -> None:
    model = context.world.of(ModelState).model
    matrices = {name: p for name, p in model.named_parameters() if p.ndim == 2 and chosen(name)}
    assert matrices
    for name, matrix in matrices.items():
        found = matrix.std().item()
        assert math.isclose(found, expected, rel_tol=0.03), f"{name} has {found}, not {expected}"


@then("the output layer and the token embedding {share} their storage")
def _(context: Context, share: str) -> None:
    model: Any = context.world.of(ModelState).model
    gpt2 = hasattr(model, "lm_head")
    head, embedding = (model.lm_head, model.get_input_embeddings()) if gpt2 else (model.head, model.embedding)
    one = head.weight.untyped_storage().data_ptr() == embedding.weight.untyped_storage().data_ptr()
    assert one == (share == "share"), f"one storage: {one}"


@then('the model is refused with "{message}"')
def _(context: Context, message: str) -> None:
    refusal = context.world.of(ModelState).refusal
    assert message in refusal, f"it says {refusal!r}"
    assert "\n" not in refusal, refusal


@then("its configuration holds")
def _(context: Context) -> None:
    config = context.world.of(ModelState).model.config
    for row in context.table:
        found, expected = getattr(config, row["key"]), yaml.safe_load(row["value"])
        assert found == expected, f"{row['key']} is {found}, not {expected}"


@then("the loss is the sum over 24 next tokens, each computed alone")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    assert state.targets == 24, state.targets
    assert torch.isclose(state.first, state.second, rtol=1e-5), f"{state.first} and {state.second}"


@then("the loss and every gradient are bit-identical")
def _(context: Context) -> None:
    (first, first_gradients), (second, second_gradients) = context.world.of(ModelState).pairs
    assert torch.equal(first, second), f"{first} and {second}"
    assert torch.equal(first_gradients, second_gradients), (first_gradients - second_gradients).abs().max()


@then("the loss is a float32 number within one percent of the float32 loss")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    assert state.first.dtype == torch.float32, state.first.dtype
    assert not torch.equal(state.first, state.second), "autocast had no effect"
    assert torch.isclose(state.first, state.second, rtol=1e-2), f"{state.first} and {state.second}"


@then("every gradient of the model is bit-identical")
def _(context: Context) -> None:
    plain, checkpointed = (gradients(model) for model in context.world.of(ModelState).models)
    assert_identical(plain, checkpointed)


@then("fewer bytes are kept for the backward pass")
def _(context: Context) -> None:
    plain, checkpointed = context.world.of(ModelState).kept_bytes
    assert checkpointed < plain / 2, f"{checkpointed} bytes with, {plain} without gradient checkpointing"


@then("the evaluated logits are bit-identical, and the trained ones differ")
def _(context: Context) -> None:
    evaluated, trained = context.world.of(ModelState).pairs
    assert torch.equal(*evaluated), "evaluation draws random numbers"
    assert not torch.equal(*trained), "dropout has no effect in training"


@then("the loaded weights are bit-identical")
def _(context: Context) -> None:
    saved, loaded = context.world.of(ModelState).models
    assert_identical(weights(saved), weights(loaded))


@then("each shared matrix stands in the file once")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    with safe_open(state.file, "pt") as stored:
        numbers = sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.keys())  # noqa: SIM118
    expected = sum(parameter.numel() for parameter in state.models[0].parameters())
    assert numbers == expected, f"{numbers} numbers in the file, {expected} in the model"


@then("the model's weights are unchanged")
def _(context: Context) -> None:
    state = context.world.of(ModelState)
    assert_identical(state.before, weights(state.model))
