"""SentencePiece, trained here so that any text comes back exactly: nothing is normalised, rare characters are bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import sentencepiece

from foundry.data.chat_template import ChatTemplate
from foundry.data.tokenizers import (
    COMMIT,
    END_OF_TEXT,
    FILE,
    MARKERS,
    MAX_TOKENIZER_BYTES,
    PADDING,
    SENTENCEPIECE_FILE,
    SPECIAL_TOKENS,
)
from foundry.errors import UserError
from foundry.files import write_bytes
from foundry.untrusted import read_regular, shown

_SPACE_SYMBOL = "\u2581"
"""Stands for a space inside SentencePiece, so that the character itself has to be spelled in bytes."""
_MAX_SENTENCE_CHARACTERS = 1000
_NUM_THREADS = 4
"""Fixed, because the sums of the training depend on it."""
_SPECIAL = re.compile("(" + "|".join(re.escape(token) for token in SPECIAL_TOKENS) + ")")


class SentencePieceTokenizer:
    """A unigram model (Kudo 2018) with byte fallback.

    Args:
        model: the serialised model.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.vocab_size: int = self._processor.get_piece_size()
        self.eos_id: int = self._processor.eos_id()
        self.pad_id: int = self._processor.pad_id()
        self.special_texts = frozenset(SPECIAL_TOKENS)
        self.chat_template: ChatTemplate | None = None
        self.marker_ids: dict[str, int] = {kind: self._id(token) for kind, token in MARKERS.items()}
        self._space_symbol_ids = [self._id(f"<0x{byte:02X}>") for byte in _SPACE_SYMBOL.encode()]

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> SentencePieceTokenizer:
        """A model of at most `vocab_size` tokens.

        Raises:
            UserError: the vocabulary has no room for the bytes, the special tokens and the characters of the texts.
        """
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=_sentences(texts),
                model_writer=model,
                model_type="unigram",
                vocab_size=vocab_size,
                hard_vocab_limit=False,
                byte_fallback=True,
                normalization_rule_name="identity",
                add_dummy_prefix=False,
                remove_extra_whitespaces=False,
                allow_whitespace_only_pieces=True,
                unk_id=0,
                eos_id=1,
                pad_id=2,
                bos_id=-1,
                eos_piece=END_OF_TEXT,
                pad_piece=PADDING,
                control_symbols=[FILE, COMMIT],
                num_threads=_NUM_THREADS,
                minloglevel=2,
            )
        except RuntimeError as error:
            raise UserError(_refusal(str(error), vocab_size)) from error
        return cls(model.getvalue())

    @classmethod
    def load(cls, folder: Path) -> SentencePieceTokenizer:
        """The tokenizer that `save` wrote.

        Raises:
            UserError: it cannot be read, or lacks the special tokens that `train` adds.
        """
        try:
            content = read_regular(folder / SENTENCEPIECE_FILE, MAX_TOKENIZER_BYTES, follow_link=True)
            if not content:
                raise ValueError("is empty")
            tokenizer = cls(content)
        except (RuntimeError, OSError, ValueError) as error:
            reason = shown(" ".join(str(error).split()))
            raise UserError(f"{folder / SENTENCEPIECE_FILE} cannot be read: {reason}") from error
        if min(tokenizer.eos_id, tokenizer.pad_id) < 0:
            raise UserError(f"{folder / SENTENCEPIECE_FILE} lacks a token that ends texts, or one that fills up blocks")
        return tokenizer

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Tokenizer.encode_batch`."""
        encoded: list[list[int]] = self._processor.encode(list(texts))
        return [
            self._encode_with_space_symbols(text) if _SPACE_SYMBOL in text else ids
            for text, ids in zip(texts, encoded, strict=True)
        ]

    def encode_prompt(self, text: str) -> list[int]:
        """See `Tokenizer.encode_prompt`."""
        ids: list[int] = []
        for part in _SPECIAL.split(text):
            ids += [self._id(part)] if part in SPECIAL_TOKENS else self.encode_batch([part])[0]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer.decode`."""
        return str(self._processor.decode(list(ids)))

    def save(self, folder: Path) -> None:
        """See `Tokenizer.save`."""
        write_bytes(folder / SENTENCEPIECE_FILE, self._model)

    def _id(self, piece: str) -> int:
        return int(self._processor.piece_to_id(piece))

    def _encode_with_space_symbols(self, text: str) -> list[int]:
        first, *others = self._processor.encode(text.split(_SPACE_SYMBOL))
        ids: list[int] = list(first)
        for other in others:
            ids += self._space_symbol_ids + other
        return ids


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    """Lines, cut to what SentencePiece accepts as a sentence."""
    for text in texts:
        for line in text.splitlines(keepends=True):
            for start in range(0, len(line), _MAX_SENTENCE_CHARACTERS):
                yield line[start : start + _MAX_SENTENCE_CHARACTERS]


def _refusal(reason: str, vocab_size: int) -> str:
    needed = re.search(r"required_chars\. \d+ vs (\d+)", reason)
    if needed is None:
        return f"sentencepiece cannot be trained on this corpus: {reason.strip().splitlines()[-1]}"
    return (
        f"tokenizer.vocab_size ({vocab_size}) must be at least {needed[1]} for sentencepiece on this corpus: "
        "256 bytes, 5 special tokens and the characters that it uses"
    )
