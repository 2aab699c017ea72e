"""Sample corpora outside version control, and small pretrained tokenizers."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_WORDS = ("load", "save", "find", "split", "merge", "count", "sort", "open", "close", "read", "write", "parse", "block")


def different_texts(count: int) -> list[str]:
    """Small programs, no two of them equal; the same ones each time."""
    return [_program(number) for number in range(count)]


def _program(number: int) -> str:
    words = random.Random(number)
    name, first, second = words.sample(_WORDS, 3)
    rare = "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=9))
    return (
        f"def {name}_{number}({first}, {second}):\n"
        f'    """Returns the {rare} of {first} and {second}."""\n'
        f"    {rare} = {first}({words.randrange(1000)}) + {second}\n"
        f"    return {rare}\n"
    )


def write_texts(folder: Path, texts: Mapping[str, str | bytes]) -> Path:
    """A folder of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    """A `.jsonl` file with one row in each line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pretrained_tokenizer(folder: Path, kind: str = "pretrained without special tokens") -> Path:
    """A folder with a small tokenizer of another maker.

    Args:
        kind: `pretrained without special tokens`, `pretrained with padding equal to end of text` (as many published
            ones have it), or `pretrained whole-word` (its words include the text of our own special tokens).
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if kind == "pretrained whole-word":
        tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
        tokenizer.train_from_iterator(["a b <|file|> <|endoftext|>"], trainer)
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        pairs = trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(different_texts(20), pairs)
    folder.mkdir(parents=True)
    if kind == "pretrained with padding equal to end of text":
        tokenizer.add_special_tokens(["<|im_end|>"])
        names = {"eos_token": {"content": "<|im_end|>"}, "pad_token": "<|im_end|>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(names))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def save_dataset(folder: Path, columns: Mapping[str, list[Any]]) -> Path:
    """A folder that the `datasets` library saved."""
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(dict(columns)).save_to_disk(str(folder))
    return folder
