"""Steps on prepared data that is kept and found again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.testing.corpora import pretrained_tokenizer
from foundry.testing.preparation import CACHE, Preparation


def preparation_of(context: Context) -> Preparation:
    return context.world.of(Preparation)


def files_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with what changes when it is written again."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@given("a pretrained tokenizer in a folder of its own")
def step(context: Context) -> None:
    folder = pretrained_tokenizer(Path("pretrained"))
    preparation_of(context).settings["tokenizer"] = {"tokenizer_type": "pretrained", "name_or_path": f"./{folder}"}


@when("the data is prepared twice")
def step(context: Context) -> None:
    prepare_and_then(context, lambda: None)


def prepare_and_then(context: Context, act: Callable[[], None]) -> None:
    preparation = preparation_of(context)
    preparation.prepare()
    context.world.of(Kept).files = files_in(CACHE)
    act()
    preparation.prepare()


@dataclass
class Kept:
    """The files of the cache after the first preparation, and what other processes came to."""

    files: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)
    outcomes: list[tuple[str, str, int]] = field(default_factory=list)


CHANGED_KEYS = {
    "the vocabulary": ("tokenizer.vocab_size", 310),
    "the tokenizer": ("tokenizer.tokenizer_type", "sentencepiece"),
    "the block length": ("data.max_sequence_length", 12),
    "the seed": ("random_seed", 43),
    "the batch size": ("data.batch_size", 3),
    "the learning rate": ("training.learning_rate", 0.5),
    "the use of commits": ("data.git.commits", False),
    "the longest patch": ("data.git.max_patch_bytes", 300),
    "the validation fraction": ("data.validation_fraction", 0.5),
    "the text field": ("data.text_field", "title"),
}


@when("the data is prepared, {what} is changed, and the data is prepared again")
def step(context: Context, what: str) -> None:
    preparation = preparation_of(context)
    if "tokenizer_type" not in preparation.settings["tokenizer"]:
        preparation.set("tokenizer.vocab_size", 400)
    if what == "the text field":
        preparation.set("data.text_field", "body")
    prepare_and_then(context, lambda: change(preparation, what))


def change(preparation: Preparation, what: str) -> None:
    if what == "a text":
        with Path("corpus/3.txt").open("a") as stream:
            stream.write("another line\n")
    elif what == "a file's name":
        Path("corpus/3.txt").rename("corpus/three.txt")
    elif what == "the tokenizer's file":
        shutil.rmtree("pretrained")
        pretrained_tokenizer(Path("pretrained"), "pretrained with padding equal to end of text")
    else:
        preparation.set(*CHANGED_KEYS[what])


@when("a module of foundry changes between two preparations")
def step(context: Context) -> None:
    preparation = preparation_of(context)
    preparation.prepare()
    context.world.of(Kept).files = files_in(CACHE)
    package = context.world.workspace / "changed"
    ignored = shutil.ignore_patterns("__pycache__", "training", "models", "testing", "generation")
    shutil.copytree(context.origin / "foundry", package / "foundry", ignore=ignored)
    with (package / "foundry" / "data" / "packing.py").open("a") as stream:
        stream.write("# changed\n")
    process = preparation.start_process(package)
    _, refused = process.communicate()
    assert process.returncode == 0, refused


@then("the second time nothing is written")
def step(context: Context) -> None:
    assert files_in(CACHE) == context.world.of(Kept).files


@then("the second time other data is made and the first stays")
def step(context: Context) -> None:
    now, before = files_in(CACHE), context.world.of(Kept).files
    assert before.items() <= now.items(), before.keys() - now.keys()
    made = {Path(path).parts[1] for path in now.keys() - before.keys()}
    assert len(made) == 1, made


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a flipped bit in train.bin": lambda folder: flip_bit(folder / "train.bin"),
    "a flipped bit in validation.bin": lambda folder: flip_bit(folder / "validation.bin"),
    "a cut end of train.bin": lambda folder: (folder / "train.bin").write_bytes(
        (folder / "train.bin").read_bytes()[:-2]
    ),
    "a lost tokenizer": lambda folder: shutil.rmtree(folder / "tokenizer"),
    "a broken statistics.json": lambda folder: (folder / "statistics.json").write_text("{"),
}


@when("the data is prepared, {damage} happens to it, and the data is prepared again")
def step(context: Context, damage: str) -> None:
    prepare_and_then(context, lambda: DAMAGES[damage](preparation_of(context).prepared.folder))


@then("the second time the same tokens are on disk as before")
def step(context: Context) -> None:
    now = {path: content for path, (_, _, content) in files_in(CACHE).items()}
    assert now == {path: content for path, (_, _, content) in context.world.of(Kept).files.items()}


@then("the user is told that the data was damaged")
def step(context: Context) -> None:
    folder = preparation_of(context).prepared.folder
    told = [
        line for line in preparation_of(context).reports if line.startswith(f"prepared data in {folder} is damaged")
    ]
    assert len(told) == 1 and told[0].endswith("preparing the data again"), preparation_of(context).reports


@when("two processes prepare the data at the same time")
def step(context: Context) -> None:
    preparation = preparation_of(context)
    processes = [preparation.start_process(context.origin) for _ in range(2)]
    context.world.of(Kept).outcomes = [(*process.communicate(), process.returncode) for process in processes]


@then("both found the same tokens")
def step(context: Context) -> None:
    (first, _, first_code), (second, _, second_code) = context.world.of(Kept).outcomes
    assert first_code == second_code == 0, context.world.of(Kept).outcomes
    alone = preparation_of(context).but("data.cache_dir", "alone").prepare()
    assert first == second and first.split()[0] == alone.digest, (first, second, alone.digest)
