"""A small pretrained tokenizer that knows chats, and the view of a data set token by token."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import numpy as np

from foundry.data.batches import IGNORED_LABEL, batch_of
from foundry.data.blocks import BlockDataset
from foundry.data.fast_tokenizer import FastTokenizer
from foundry.data.processor import PreparedData

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHANGING_TEMPLATE = "{{ messages | length }}" + CHAT_TEMPLATE
"""Writes the beginning of a chat in another way when more follows."""
REFUSING_TEMPLATE = "{{ raise_exception('roles must alternate') }}"


def chat_tokenizer(folder: Path, template: str | None = CHAT_TEMPLATE) -> Path:
    """A folder with a byte-level tokenizer whose text ends with `<|im_end|>`; punctuation is one token a character."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=280,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|im_start|>", "<|im_end|>", "<|pad|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["user assistant system"] * 3, trainer)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"eos_token": "<|im_end|>", "pad_token": "<|pad|>"} | ({"chat_template": template} if template else {})
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def tokens_of(prepared: PreparedData, blocks: BlockDataset) -> list[tuple[str, int | None, bool]]:
    """Each token of all blocks, padding of the last one included: text, position in its document, whether it counts."""
    tokenizer = prepared.tokenizer
    assert isinstance(tokenizer, FastTokenizer)
    batch = batch_of(blocks, np.arange(len(blocks)))
    ids = batch.input_ids.flatten().tolist()
    counts = (batch.labels != IGNORED_LABEL).flatten().tolist()
    positions = [None] * len(ids) if batch.position_ids is None else batch.position_ids.flatten().tolist()
    texts = [tokenizer.backend.decode([number], skip_special_tokens=False) for number in ids]
    return list(zip(texts, positions, counts, strict=True))


def stretches(tokens: list[tuple[str, int | None, bool]]) -> list[tuple[str, bool]]:
    """Neighbouring tokens that all count, or all do not, as one text."""
    return [
        ("".join(token[0] for token in group), counts) for counts, group in groupby(tokens, key=lambda token: token[2])
    ]
