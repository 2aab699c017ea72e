"""Steps on blocks, batches, the split and tokenizers."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from behave import given, then, when
from behave.runner import Context
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from foundry.data.batches import IGNORED_LABEL, Batch, BatchOrder, BatchSource
from foundry.data.blocks import BlockDataset
from foundry.data.documents import Document
from foundry.data.fast_tokenizer import FastTokenizer
from foundry.data.packing import read_tokens, write_tokens
from foundry.data.progress import Progress
from foundry.data.sentencepiece_tokenizer import SentencePieceTokenizer
from foundry.data.tokenizers import Tokenizer, load_tokenizer
from foundry.testing.corpora import different_texts, pretrained_tokenizer, write_texts
from foundry.testing.preparation import Preparation, all_texts, documents_of, stream_of, texts_of

PROPERTY = settings(max_examples=60, deadline=None, database=None, derandomize=True)
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
ANY_TEXT = TEXT | st.sampled_from(
    ["<|file|>", "\u2581", " \u2581 x", "\r\n\t ", "\x00", " \u2047 ", "<0x41>", "\ufeff"]
)
DOCUMENTS = st.lists(st.builds(Document, st.sampled_from(["file", "commit", "text"]), TEXT, ANY_TEXT), min_size=1)


@dataclass
class BlockState:
    """Blocks and batches of a scenario."""

    blocks: BlockDataset | None = None
    global_batch_size: int = 0
    tokenizer: Tokenizer | None = None
    loaded: Tokenizer | None = None
    text: str = ""
    ids: list[int] = field(default_factory=list)
    batches: dict[int, str] = field(default_factory=dict)

    @property
    def order(self) -> BatchOrder:
        assert self.blocks is not None
        return BatchOrder(len(self.blocks), self.global_batch_size, seed=7)

    def source(self, num_workers: int) -> BatchSource:
        assert self.blocks is not None
        return BatchSource(self.blocks, self.order, num_workers)


def state_of(context: Context) -> BlockState:
    return context.world.of(BlockState)


def preparation_of(context: Context) -> Preparation:
    return context.world.of(Preparation)


# --- blocks ---


@given("a stream of {count:d} tokens")
def step(context: Context, count: int) -> None:
    state_of(context).text = str(count)


@when("it is cut into blocks of {block_size:d}")
def step(context: Context, block_size: int) -> None:
    state = state_of(context)
    state.blocks = BlockDataset(np.arange(1, int(state.text) + 1, dtype=np.uint16), block_size, pad_id=0)


@then("there are {count:d} blocks with 4, 4 and 2 tokens")
def step(context: Context, count: int) -> None:
    blocks = state_of(context).blocks
    ids, lengths = blocks.rows(np.arange(len(blocks)))
    assert (len(blocks), lengths.tolist()) == (count, [4, 4, 2]), (len(blocks), lengths)
    assert ids.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 0, 0]], ids


@then("the rest of the last block is padding without labels")
def step(context: Context) -> None:
    state = state_of(context)
    batch = BatchSource(state.blocks, BatchOrder(3, 3, seed=1)).batch(1)
    last = batch.input_ids[:, 0] == 9
    assert batch.input_ids[last].tolist() == [[9, 10, 0, 0]], batch.input_ids
    assert batch.labels[last].tolist() == [[9, 10, IGNORED_LABEL, IGNORED_LABEL]], batch.labels
    assert torch.equal(batch.labels[~last], batch.input_ids[~last]), batch.labels


@given("a byte-level tokenizer trained on a few lines")
def step(context: Context) -> None:
    state_of(context).tokenizer = FastTokenizer.train(different_texts(20), 300)


@given("a byte-level tokenizer with tokens of several line ends")
def step(context: Context) -> None:
    line_ends = ["\n\n", "\r\n", "\n    ", " \n\n", "\n\n    "] * 500
    tokenizer = FastTokenizer.train([*different_texts(20), *line_ends], 400)
    lengths = [len(tokenizer.encode_prompt(end)) for end in set(line_ends)]
    assert lengths == [1] * 5, lengths
    state_of(context).tokenizer = tokenizer


def naive_stream(tokenizer: Tokenizer, documents: list[Document]) -> list[int]:
    stream: list[int] = []
    for document in documents:
        text = f"{document.key}\n{document.text}" if document.kind == "file" else document.text
        marker = [] if document.kind == "text" else [tokenizer.marker_ids[document.kind]]
        stream += [*marker, *tokenizer.encode_batch([text])[0], tokenizer.eos_id]
    return stream


@then("packing any documents into blocks of any length conserves their tokens")
def step(context: Context) -> None:
    tokenizer = state_of(context).tokenizer

    @PROPERTY
    @any_of(documents=DOCUMENTS, block_size=st.integers(1, 50))
    def verify_conserved(documents: list[Document], block_size: int) -> None:
        with tempfile.TemporaryDirectory(dir=context.world.workspace) as folder:
            path = Path(folder) / "tokens.bin"
            written = write_tokens(path, tokenizer, documents, Progress(None))
            blocks = BlockDataset(read_tokens(path, tokenizer.vocab_size), block_size, tokenizer.pad_id)
            ids, lengths = blocks.rows(np.arange(len(blocks)))
            expected = naive_stream(tokenizer, documents)
            assert stream_of(blocks).tolist() == expected
            assert ids.shape == (len(blocks), block_size) and (lengths[:-1] == block_size).all()
            assert (written.num_tokens, written.num_documents) == (len(expected), len(documents))

    verify_conserved()


LAYOUTS = {
    "lines": "\n",
    "paragraphs": "\n\n",
    "lines as Windows ends them": "\r\n",
    "one line": " ",
    "indented lines": "\n\n    ",
}


@when("a document of {size:d} characters, made of {layout}, is tokenized")
def step(context: Context, size: int, layout: str) -> None:
    state = state_of(context)
    texts = " ".join(different_texts(40)).split()
    beginning = "xy"  # so that a cut at the limit falls inside a word of the tokenizer
    state.text = (beginning + LAYOUTS[layout].join(texts) * (size // len("".join(texts)) + 1))[:size]
    path = context.world.workspace / "tokens.bin"
    write_tokens(path, state.tokenizer, [Document("text", "long", state.text)], Progress(None))
    state.ids = read_tokens(path, state.tokenizer.vocab_size).tolist()


@then("its tokens are those of the whole text")
def step(context: Context) -> None:
    state = state_of(context)
    assert len(state.text) == 300_000, len(state.text)
    assert state.ids == [*state.tokenizer.encode_batch([state.text])[0], state.tokenizer.eos_id]


@then("the statistics count the tokens, blocks and padding that are on disk")
def step(context: Context) -> None:
    prepared = preparation_of(context).prepared
    for name, blocks in (("training", prepared.training), ("validation", prepared.validation)):
        num_tokens = (prepared.folder / {"training": "train.bin"}.get(name, "validation.bin")).stat().st_size // 2
        counted = {
            key: value[name] for key, value in prepared.statistics.items() if isinstance(value, dict) and name in value
        }
        assert counted == {
            "documents": len(documents_of(prepared, blocks)),
            "bytes": sum(len(text.encode()) for text in texts_of(prepared, blocks)),
            "tokens_before_packing": num_tokens,
            "tokens_after_packing": len(stream_of(blocks)),
            "blocks": -(-num_tokens // 16),
            "padding": -num_tokens % 16,
            "targets": num_tokens - -(-num_tokens // 16),
        }, counted


# --- batches ---


@given("{num_blocks:d} blocks in batches of {global_batch_size:d}")
def step(context: Context, num_blocks: int, global_batch_size: int) -> None:
    state = state_of(context)
    tokens = np.arange(num_blocks * 4 - 1, dtype=np.uint16)
    state.blocks, state.global_batch_size = BlockDataset(tokens, 4, pad_id=60_000), global_batch_size


@then("any number of blocks is dealt out once an epoch in batches of any size")
def step(_: Context) -> None:
    @PROPERTY
    @any_of(
        num_blocks=st.integers(1, 300), size=st.integers(1, 40), seed=st.integers(0, 2**64), epochs=st.integers(1, 3)
    )
    def verify_dealt_out(num_blocks: int, size: int, seed: int, epochs: int) -> None:
        order = BatchOrder(num_blocks, size, seed)
        dealt = np.concatenate([order.indices(step) for step in range(1, order.total_steps(epochs) + 1)])
        for epoch in range(epochs):
            seen = dealt[epoch * num_blocks : (epoch + 1) * num_blocks]
            assert sorted(seen.tolist()) == list(range(num_blocks)), (epoch, seen)
        assert len(dealt) - epochs * num_blocks < size

    verify_dealt_out()


def epoch_of(order: BatchOrder, epoch: int) -> tuple[int, ...]:
    steps = order.num_blocks // order.global_batch_size
    return tuple(np.concatenate([order.indices(epoch * steps + step) for step in range(1, steps + 1)]).tolist())


@then("no two of {count:d} epochs have the same order")
def step(context: Context, count: int) -> None:
    epochs = [epoch_of(state_of(context).order, epoch) for epoch in range(count)]
    assert len(set(epochs)) == count, epochs


@then("another seed gives another order")
def step(context: Context) -> None:
    order = state_of(context).order
    other = BatchOrder(order.num_blocks, order.global_batch_size, order.seed + 1)
    assert epoch_of(order, 0) != epoch_of(other, 0), epoch_of(order, 0)


@then("{epochs:d} epochs are {steps:d} steps")
def step(context: Context, epochs: int, steps: int) -> None:
    assert state_of(context).order.total_steps(epochs) == steps, state_of(context).order.total_steps(epochs)


def digest_of(batch: Batch) -> str:
    content = batch.input_ids.numpy().tobytes() + batch.labels.numpy().tobytes()
    return f"{len(batch.input_ids)} {hashlib.sha256(content).hexdigest()}"


def digests(source: BatchSource, steps: range) -> dict[int, str]:
    found = {step: digest_of(source.batch(step)) for step in steps}
    source.close()
    return found


@when("the batches of steps 1 to {last:d} are taken in order")
def step(context: Context, last: int) -> None:
    state = state_of(context)
    state.batches = digests(state.source(0), range(1, last + 1))
    assert len(set(state.batches.values())) == last, "some steps have the same batch"


@then("each of these steps asked for alone has the same batch")
def step(context: Context) -> None:
    state = state_of(context)
    alone = {step: digests(state.source(0), range(step, step + 1))[step] for step in reversed(state.batches)}
    assert alone == state.batches, (alone, state.batches)


@then("{workers:d} workers give the same batches")
def step(context: Context, workers: int) -> None:
    state = state_of(context)
    assert digests(state.source(workers), range(1, 41)) == state.batches


@then("{workers:d} workers give the same batches from step {first:d} on")
def step(context: Context, workers: int, first: int) -> None:
    state = state_of(context)
    steps = range(first, 41)
    assert digests(state.source(workers), steps) == {step: state.batches[step] for step in steps}


# --- split ---


@given("a folder of {count:d} different texts")
def step(context: Context, count: int) -> None:
    folder = write_texts(Path("corpus"), {f"{number}.txt": text for number, text in enumerate(different_texts(count))})
    preparation_of(context).set("data.source_corpus", str(folder))


@given("a folder of {count:d} different texts, each in two files")
def step(context: Context, count: int) -> None:
    texts = different_texts(count)
    files = {f"{copy}/{number}.txt": text for copy in "ab" for number, text in enumerate(texts)}
    preparation_of(context).set("data.source_corpus", str(write_texts(Path("corpus"), files)))


@given("a training corpus of {training:d} texts and a test corpus of {test:d}, one of them in both")
def step(context: Context, training: int, test: int) -> None:
    texts = different_texts(training + test - 1)
    write_texts(Path("train"), {f"{number}.txt": text for number, text in enumerate(texts[:training])})
    write_texts(Path("test"), {f"{number}.txt": text for number, text in enumerate(texts[training - 1 :])})
    preparation_of(context).set("data.training_corpus", "train")
    preparation_of(context).set("data.test_corpus", "test")


@when("the data is prepared")
def step(context: Context) -> None:
    preparation_of(context).try_to_prepare()


@when("the data is prepared with {first_key} {first} and {second_key} {second}")
def step(context: Context, first_key: str, first: str, second_key: str, second: str) -> None:
    preparation_of(context).set(first_key, first)
    preparation_of(context).set(second_key, second)
    preparation_of(context).try_to_prepare()


@when("the data is prepared with a trained {kind} tokenizer")
def step(context: Context, kind: str) -> None:
    preparation_of(context).set("tokenizer.tokenizer_type", kind)
    preparation_of(context).set("tokenizer.vocab_size", 400)
    preparation_of(context).prepare()


@when("the data is prepared with {key:S} {value:S}")
def step(context: Context, key: str, value: str) -> None:
    preparation_of(context).set(key, value)
    preparation_of(context).try_to_prepare()


def sides_of(context: Context) -> tuple[list[str], list[str]]:
    prepared = preparation_of(context).prepared
    return texts_of(prepared, prepared.training), texts_of(prepared, prepared.validation)


@then("no text is on both sides")
def step(context: Context) -> None:
    training, validation = sides_of(context)
    assert validation and not set(training) & set(validation), set(training) & set(validation)


@then("every text is on one side twice")
def step(context: Context) -> None:
    training, validation = sides_of(context)
    assert Counter(training + validation) == Counter(different_texts(30) * 2), (training, validation)


@then("the validation side has between {low:d} % and {high:d} % of the bytes")
def step(context: Context, low: int, high: int) -> None:
    training, validation = (sum(len(text.encode()) for text in side) for side in sides_of(context))
    share = 100 * validation / (training + validation)
    assert low <= share <= high, share


@then("the sides have {training:d} and {validation:d} documents")
def step(context: Context, training: int, validation: int) -> None:
    assert [len(side) for side in sides_of(context)] == [training, validation], sides_of(context)


@then("the same texts under other names are divided in the same way")
def step(context: Context) -> None:
    texts = enumerate(reversed(different_texts(30)))
    write_texts(Path("renamed"), {f"again/{number:03}.txt": text for number, text in texts})
    other = preparation_of(context).but("data.source_corpus", "renamed").prepare()
    training, validation = sides_of(context)
    assert sorted(texts_of(other, other.training)) == sorted(training)
    assert sorted(texts_of(other, other.validation)) == sorted(validation)


@then("another seed divides them in another way")
def step(context: Context) -> None:
    other = preparation_of(context).but("random_seed", 43).prepare()
    assert sorted(texts_of(other, other.validation)) != sorted(sides_of(context)[1])


@then('the user is told "{line}"')
def step(context: Context, line: str) -> None:
    assert line in preparation_of(context).reports, preparation_of(context).reports


@then("all {count:d} documents train and none validates")
def step(context: Context, count: int) -> None:
    prepared = preparation_of(context).prepared
    assert prepared.validation is None, prepared.validation
    assert sorted(texts_of(prepared, prepared.training)) == sorted(different_texts(count))


@then("training a {kind} tokenizer on the training side alone gives the same tokenizer")
def step(context: Context, kind: str) -> None:
    prepared = preparation_of(context).prepared
    trainer = {"bpe": FastTokenizer, "sentencepiece": SentencePieceTokenizer}[kind]
    saved = {}
    for name, texts in (("alone", sides_of(context)[0]), ("all", all_texts(prepared))):
        trainer.train(texts, 400).save(Path(name))
        saved[name] = contents_of(Path(name))
    assert contents_of(prepared.folder / "tokenizer") == saved["alone"]
    assert saved["all"] != saved["alone"], "the corpus cannot show the difference"


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- tokenizers ---


@given("a {kind} tokenizer")
def step(context: Context, kind: str) -> None:
    texts = different_texts(40)
    made: dict[str, Any] = {
        "bpe": lambda: FastTokenizer.train(texts, 300),
        "sentencepiece": lambda: SentencePieceTokenizer.train(texts, 400),
    }
    state_of(context).tokenizer = (
        made[kind]() if kind in made else load_tokenizer(pretrained_tokenizer(Path(kind), kind))
    )


def special_ids(tokenizer: Tokenizer) -> list[int]:
    return [tokenizer.eos_id, tokenizer.pad_id, tokenizer.marker_ids["file"], tokenizer.marker_ids["commit"]]


@then("end of text, padding, file and commit are four different numbers below its vocabulary size")
def step(context: Context) -> None:
    tokenizer = state_of(context).tokenizer
    numbers = special_ids(tokenizer)
    assert len(set(numbers)) == 4 and max(numbers) < tokenizer.vocab_size, (numbers, tokenizer.vocab_size)


@then("a prompt with all four of them has these numbers, and no text when decoded")
def step(context: Context) -> None:
    tokenizer = state_of(context).tokenizer
    end = "<|im_end|>" if "padding equal" in context.scenario.name else "<|endoftext|>"
    ids = tokenizer.encode_prompt(f"{end}<|pad|><|file|><|commit|>")
    assert ids == special_ids(tokenizer), (ids, special_ids(tokenizer))
    assert tokenizer.decode(ids) == "", tokenizer.decode(ids)


@when('the text "{text}" is encoded')
def step(context: Context, text: str) -> None:
    state = state_of(context)
    state.text = text
    state.ids = state.tokenizer.encode_batch(["other text", text])[1]


@then("none of its tokens is special")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.ids and not set(state.ids) & set(special_ids(state.tokenizer)), state.ids


@then("it decodes to the same text")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.tokenizer.decode(state.ids) == state.text, state.tokenizer.decode(state.ids)


@then("any text decodes to itself after it was encoded")
def step(context: Context) -> None:
    tokenizer = state_of(context).tokenizer

    @PROPERTY
    @any_of(texts=st.lists(ANY_TEXT, min_size=1, max_size=5))
    def verify_round_trip(texts: list[str]) -> None:
        encoded = tokenizer.encode_batch(texts)
        assert [tokenizer.decode(ids) for ids in encoded] == texts
        assert not {number for ids in encoded for number in ids} & set(special_ids(tokenizer))

    verify_round_trip()


@when("it is saved and loaded")
def step(context: Context) -> None:
    state = state_of(context)
    state.tokenizer.save(Path("saved"))
    state.loaded = load_tokenizer(Path("saved"))


@then("both give the same tokens and numbers")
def step(context: Context) -> None:
    state = state_of(context)
    texts = [*different_texts(5), "<|file|> as text", "\u2581 é \r\n"]
    assert state.loaded.encode_batch(texts) == state.tokenizer.encode_batch(texts)
    assert state.loaded.encode_prompt("<|file|>a") == state.tokenizer.encode_prompt("<|file|>a")
    assert special_ids(state.loaded) == special_ids(state.tokenizer), special_ids(state.loaded)
    assert state.loaded.vocab_size == state.tokenizer.vocab_size, state.loaded.vocab_size
