"""Steps on corpora that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.errors import FoundryError, UserError
from foundry.testing.corpora import different_texts, pretrained_tokenizer, save_dataset, write_texts
from foundry.testing.preparation import CACHE, Preparation
from foundry.testing.repositories import SampleRepository


def preparation_of(context: Context) -> Preparation:
    return context.world.of(Preparation)


def sample_repository(files: dict[str, str | bytes] | None) -> None:
    repository = SampleRepository(Path("sample"))
    if files is not None:
        repository.commit("Add a file", files)


def repository_with(key: str, value: str, files: dict[str, str | bytes] | None = None) -> Callable[[Preparation], None]:
    def make(preparation: Preparation) -> None:
        sample_repository(files or {"a.py": "a = 1\n" * 20})
        preparation.set("data.git.repository", "sample")
        preparation.set(key, value)

    return make


def repository(name: str) -> Callable[[Preparation], None]:
    def make(preparation: Preparation) -> None:
        Path("plain").mkdir()
        SampleRepository(Path("sample"))
        preparation.set("data.git.repository", name)

    return make


def file(name: str, content: bytes | None = None) -> Callable[[Preparation], None]:
    def make(preparation: Preparation) -> None:
        if content is not None:
            Path(name).write_bytes(content)
        preparation.set("data.source_corpus", name)

    return make


def rows_with(second: bytes) -> Callable[[Preparation], None]:
    return file("rows.jsonl", b'{"text": "first"}\n' + second + b'\n{"text": "third"}\n')


def folder(*texts: str | bytes, suffix: str = "txt", **tokenizer: str) -> Callable[[Preparation], None]:
    def make(preparation: Preparation) -> None:
        files = {f"{letter}.{suffix}": text for letter, text in zip("abc", texts, strict=False)}
        preparation.set("data.source_corpus", str(write_texts(Path("corpus"), files)))
        preparation.settings["tokenizer"] |= tokenizer
        Path("plain").mkdir()

    return make


PROGRAMS = different_texts(3)
MISTAKES: dict[str, Callable[[Preparation], None]] = {
    "a missing repository": repository("missing"),
    "a folder without git": repository("plain"),
    "a repository without commits": repository("sample"),
    "an unknown revision": repository_with("data.git.revision", "v9"),
    "an unknown language": repository_with("data.git.languages", "[pyton]"),
    "a repository of pictures": repository_with("data.git.commits", "false", {"a.png": b"\x89PNG\0"}),
    "a URL without a repository": repository("file:///nowhere/here"),
    "a missing file": file("missing.txt"),
    "a file of another kind": file("corpus.pdf", b"%PDF"),
    "an empty folder": folder(),
    "a folder of pictures": folder(b"\x89PNG\0", b"\x89PNG\0", suffix="png"),
    "an empty file": file("empty.txt", b""),
    "a broken line": rows_with(b'{"text": "" "id": 2}'),
    "a line that is not UTF-8": rows_with(b'{"text": "a\xff"}'),
    "a line that is a list": rows_with(b'["second"]'),
    "a line without the field": rows_with(b'{"body": "second", "id": 2}'),
    "a line with a number": rows_with(b'{"text": 2}'),
    "a line with half a pair": rows_with(rb'{"text": "\ud83d"}'),
    "one document": folder(PROGRAMS[0]),
    "three equal documents": folder(*[PROGRAMS[0]] * 3),
    "less than one block": folder("ab", "a"),
    "a missing tokenizer": folder(*PROGRAMS, tokenizer_type="pretrained", name_or_path="./tokenizer"),
    "a folder without tokenizer": folder(*PROGRAMS, tokenizer_type="pretrained", name_or_path="plain"),
    "too small a sentencepiece": folder(*PROGRAMS, tokenizer_type="sentencepiece"),
}


@given("{mistake} as the corpus")
def step(context: Context, mistake: str) -> None:
    MISTAKES[mistake](preparation_of(context))


SAVED_COLUMNS: dict[str, dict[str, list[Any]]] = {
    "no input_ids": {"text": ["a", "b"]},
    "a row of null": {"input_ids": [[1, 2], None]},
    "a negative number": {"input_ids": [[1, 2], [5, -1]]},
    "a number beyond the tokens": {"input_ids": [[1, 2], [70_000]]},
    "a tokenizer trained here": {"input_ids": [[1, 2], [3]]},
}


@given("a saved data set with {mistake}")
def step(context: Context, mistake: str) -> None:
    save_dataset(Path("saved"), SAVED_COLUMNS[mistake])
    preparation_of(context).set("data.source_corpus", "saved")
    preparation_of(context).set("data.max_sequence_length", 2)
    if mistake != "a tokenizer trained here":
        pretrained_tokenizer(Path("tokenizer"))
        preparation_of(context).set("tokenizer.tokenizer_type", "pretrained")
        preparation_of(context).set("tokenizer.name_or_path", "./tokenizer")


@given("a repository that lost the content of a file")
def step(context: Context) -> None:
    sample_repository({"a.py": "a = 1\n" * 20})
    repository = SampleRepository(Path("sample"))
    blob = repository.git("rev-parse", "HEAD:a.py")
    (Path("sample/.git/objects") / blob[:2] / blob[2:]).unlink()
    preparation_of(context).set("data.git.repository", "sample")


@when("a process without git on its path prepares the data")
def step(context: Context) -> None:
    preparation = preparation_of(context)
    process = preparation.start_process(context.origin, PATH=str(context.world.workspace))
    _, said = process.communicate()
    preparation.refusal = {0: None, 2: UserError(said.strip())}.get(process.returncode, FoundryError(said))


@then('it is refused as the user\'s mistake with "{message}"')
def step(context: Context, message: str) -> None:
    refusal = preparation_of(context).refusal
    assert str(refusal) == message, refusal
    assert isinstance(refusal, UserError), type(refusal)


@then('it is refused as a failure that says "{message}"')
def step(context: Context, message: str) -> None:
    refusal = preparation_of(context).refusal
    assert message in str(refusal) and "\n" not in str(refusal), refusal
    assert not isinstance(refusal, UserError), type(refusal)


@then("nothing half-made is left behind")
def step(context: Context) -> None:
    cache = context.world.workspace / CACHE
    left = [path.name for path in cache.glob("*") if path.suffix != ".lock"]
    assert left == [], left
