"""Tokenizers of the `tokenizers` library: byte-level BPE trained here, and pretrained ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Encoding, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from foundry.data.chat_template import ChatTemplate
from foundry.data.tokenizers import (
    END_OF_TEXT,
    KNOWN_MARKERS,
    MARKERS,
    MAX_TOKENIZER_BYTES,
    PADDING,
    SPECIAL_TOKENS,
)
from foundry.errors import UserError
from foundry.files import write_json, write_text
from foundry.untrusted import read_json, read_regular, require_regular_files, shown

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
CLOSED = "closed_vocabulary"
"""Our key in that file: nothing may be added, because a pretrained model goes with the tokenizer."""

MIN_PAIR_FREQUENCY = 2
TOKEN_BEYOND_MEMORY = re.compile(rb'"\s*:\s*\d{8}')
"""The library takes memory for every number up to the highest, and ends the process where there is none."""
MAX_GAPS = 4
"""How many times more numbers than tokens a vocabulary may have; published ones leave a few out."""


class FastTokenizer:
    """A tokenizer of the `tokenizers` library, with our special tokens added where it lacks them.

    Args:
        backend: is changed: it takes every text for ordinary text from now on. Kept as the attribute of that name.
        eos_token: ends a document; added where it is not in the vocabulary.
        pad_token: fills up blocks; another one is taken where it equals `eos_token`.
        is_closed: add nothing, because a pretrained model knows no other tokens; then padding may equal `eos_token`,
            and markers are those that the vocabulary has.
        chat_template: how a chat is laid out as text; None where the tokenizer has no such template.
    """

    def __init__(
        self,
        backend: Backend,
        eos_token: str = END_OF_TEXT,
        pad_token: str = PADDING,
        is_closed: bool = False,
        chat_template: ChatTemplate | None = None,
    ) -> None:
        self.chat_template = chat_template
        self._is_closed = is_closed
        markers = _known_markers(backend) if is_closed else MARKERS
        self._eos_token = eos_token
        self._pad_token = PADDING if pad_token == eos_token else pad_token
        if is_closed and backend.token_to_id(self._pad_token) is None:
            self._pad_token = eos_token
        self._special_tokens = (self._eos_token, self._pad_token, *markers.values())
        if is_closed and backend.token_to_id(eos_token) is None:
            raise UserError(f"the tokenizer of the pretrained model has no end-of-text token {shown(eos_token)}")
        backend.no_padding()
        backend.no_truncation()
        backend.add_special_tokens([AddedToken(token, normalized=False) for token in self._special_tokens])
        self._prompts = Backend.from_str(backend.to_str())
        self.backend = backend
        self.backend.encode_special_tokens = True
        numbers = backend.get_vocab().values()
        if len(set(numbers)) != len(numbers):
            raise UserError("the tokenizer's vocabulary has gaps, so that no special tokens can be added to it")
        self.vocab_size = max(numbers) + 1
        if self.vocab_size > MAX_GAPS * len(numbers):
            raise UserError(
                f"the tokenizer has {len(numbers):,} tokens with numbers up to {max(numbers):,}; "
                "a model would need memory for all numbers between"
            )
        self.eos_id = self._id(self._eos_token)
        self.pad_id = self._id(self._pad_token)
        self.marker_ids = {kind: self._id(token) for kind, token in markers.items()}
        self._broken_up = self._tokens_made_from_text()

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> FastTokenizer:
        """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) of at most `vocab_size` tokens.

        The same texts give the same tokenizer, whatever the number of threads.
        """
        backend = Backend(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=MIN_PAIR_FREQUENCY,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        backend.train_from_iterator(texts, trainer)
        return cls(backend)

    @classmethod
    def load(cls, folder: Path, is_closed: bool = False) -> FastTokenizer:
        """The tokenizer in a folder that `save` or a Hugging Face library wrote.

        Raises:
            UserError: there is none, or it cannot be read.
        """
        if not (any(folder.glob("*.json")) or any(folder.glob("*.model"))):
            raise UserError(f"{folder} holds no tokenizer")
        if not os.path.lexists(folder / TOKENIZER_FILE):
            return cls.pretrained(str(folder))
        try:
            content = read_regular(folder / TOKENIZER_FILE, MAX_TOKENIZER_BYTES, follow_link=True)
            if TOKEN_BEYOND_MEMORY.search(content):
                raise ValueError("holds a token with a number of more than seven digits")
            backend = Backend.from_buffer(content)
            has_settings = os.path.lexists(folder / CONFIG_FILE)
            settings = read_json(folder / CONFIG_FILE, MAX_TOKENIZER_BYTES, follow_link=True) if has_settings else {}
            eos_token, pad_token = (
                _content(settings.get(name), default)
                for name, default in (("eos_token", END_OF_TEXT), ("pad_token", PADDING))
            )
            chat_template = ChatTemplate.read(folder, settings)
        except Exception as error:  # the library raises nothing narrower
            raise UserError(f"{folder} holds no tokenizer that can be read: {shown(str(error))}") from error
        return cls(backend, eos_token, pad_token, is_closed or settings.get(CLOSED) is True, chat_template)

    @classmethod
    def of_pretrained_model(cls, path: Path) -> FastTokenizer:
        """The tokenizer of the model in a folder or a GGUF file, with nothing added to its vocabulary.

        Raises:
            UserError: there is none, or it cannot be read.
        """
        if (path / TOKENIZER_FILE).is_file():
            return cls.load(path, is_closed=True)
        found = cls._found(path.parent, path.name) if path.is_file() else cls._found(path)
        return cls._of_transformers(found, is_closed=True)

    @classmethod
    def pretrained(cls, name: str) -> FastTokenizer:
        """The tokenizer that `transformers` finds by a folder, or by a name on the model hub.

        Raises:
            UserError: it cannot be found, or has no fast implementation.
        """
        return cls._of_transformers(cls._found(name))

    @classmethod
    def _found(cls, name: str | Path, gguf_file: str | None = None) -> Any:
        from transformers import AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            if Path(name).is_dir():
                require_regular_files(Path(name))
            found = AutoTokenizer.from_pretrained(name, trust_remote_code=False, gguf_file=gguf_file)
        except Exception as error:  # whatever a folder's content makes of the library's many readers
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"tokenizer.name_or_path: {name} cannot be loaded: {reason}") from error
        if not getattr(found, "is_fast", False):
            raise UserError(
                f"tokenizer.name_or_path: {name} has no {TOKENIZER_FILE}; save it with a fast tokenizer first"
            )
        return found

    @classmethod
    def _of_transformers(cls, found: Any, is_closed: bool = False) -> FastTokenizer:
        chat_template = ChatTemplate.found(found.chat_template, found.special_tokens_map)
        eos_token, pad_token = found.eos_token or END_OF_TEXT, found.pad_token or PADDING
        return cls(found.backend_tokenizer, eos_token, pad_token, is_closed, chat_template)

    @property
    def special_texts(self) -> frozenset[str]:
        """See `Tokenizer.special_texts`."""
        added = self._prompts.get_added_tokens_decoder().values()
        return frozenset(token.content for token in added if token.special)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Tokenizer.encode_batch`."""
        if any(token in text for token in self._broken_up for text in texts):
            return [self._encode_broken_up(text) for text in texts]
        return [encoding.ids for encoding in self._encodings(texts)]

    def encode_prompt(self, text: str) -> list[int]:
        """See `Tokenizer.encode_prompt`."""
        return self._prompts.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer.decode`."""
        return self._prompts.decode(list(ids), skip_special_tokens=True)

    def save(self, folder: Path) -> None:
        """Write a folder that `transformers` can read, too."""
        write_text(folder / TOKENIZER_FILE, self._prompts.to_str(pretty=True))
        settings = (
            (self.chat_template.settings if self.chat_template else {})
            | {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "eos_token": self._eos_token,
                "pad_token": self._pad_token,
                "clean_up_tokenization_spaces": False,
            }
            | ({CLOSED: True} if self._is_closed else {})
        )
        write_json(folder / CONFIG_FILE, settings)

    def _encodings(self, texts: Sequence[str]) -> list[Encoding]:
        return self.backend.encode_batch_fast(texts, add_special_tokens=False)

    def _id(self, token: str) -> int:
        number = self.backend.token_to_id(token)
        assert number is not None, token
        return number

    def _tokens_made_from_text(self) -> list[str]:
        """The special tokens that ordinary text still turns into, as in a vocabulary of whole words."""
        return [
            token
            for token, encoding in zip(self._special_tokens, self._encodings(self._special_tokens), strict=True)
            if self._id(token) in encoding.ids
        ]

    def _encode_broken_up(self, text: str) -> list[int]:
        parts = [text]
        for token in self._broken_up:
            parts = [part for whole in parts for part in _broken_up(whole, token)]
        return [number for encoding in self._encodings(parts) for number in encoding.ids]


def _known_markers(backend: Backend) -> dict[str, str]:
    """The markers that a vocabulary has, by the kind of document."""
    found = {kind: [token for token in tokens if backend.token_to_id(token)] for kind, tokens in KNOWN_MARKERS.items()}
    return {kind: tokens[0] for kind, tokens in found.items() if tokens}


def _content(token: Any, default: str) -> str:
    """A token in `tokenizer_config.json` is a string, or an object that holds it, or null."""
    content = token.get("content") if isinstance(token, dict) else token
    return str(content) if content else default


def _broken_up(text: str, token: str) -> list[str]:
    """The text in parts that do not hold `token`, which begins at the end of one part and goes on in the next."""
    first, *others = text.split(token)
    parts = [first]
    for other in others:
        parts[-1] += token[0]
        parts.append(token[1:] + other)
    return parts
