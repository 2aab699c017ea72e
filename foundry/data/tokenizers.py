"""Text to token numbers and back, the same way for every kind of tokenizer.

Four special tokens are in every vocabulary. They enter a document as numbers only: text that looks like one of them is
ordinary text, because a corpus may well talk about tokenizers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from foundry.errors import UserError

if TYPE_CHECKING:
    from foundry.data.chat_template import ChatTemplate

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
FILE = "<|file|>"
COMMIT = "<|commit|>"
SPECIAL_TOKENS = (END_OF_TEXT, PADDING, FILE, COMMIT)
MARKERS = {"file": FILE, "commit": COMMIT}
KNOWN_MARKERS = {"file": (FILE, "<file_sep>", "<|file_sep|>"), "commit": (COMMIT,)}
"""What begins a document in a vocabulary that nothing may be added to, the first of them that it has."""

SENTENCEPIECE_FILE = "sentencepiece.model"
MAX_TOKENIZER_BYTES = 200_000_000
"""Of each file of a tokenizer; the largest published ones have a sixth of it."""


class Tokenizer(Protocol):
    """What training and generation need of a tokenizer."""

    @property
    def vocab_size(self) -> int:
        """Token numbers are below this."""

    @property
    def eos_id(self) -> int:
        """The token that ends every document."""

    @property
    def pad_id(self) -> int:
        """The token that fills up a block; `eos_id` only in a closed vocabulary without padding."""

    @property
    def marker_ids(self) -> dict[str, int]:
        """The tokens that begin a document, by its kind: `file` and `commit`; a closed vocabulary may lack some."""

    @property
    def special_texts(self) -> frozenset[str]:
        """The texts that `encode_prompt` takes for special tokens."""

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How a chat is laid out as text; None where the tokenizer has no such template."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text; none of them is special, whatever the text looks like."""

    def encode_prompt(self, text: str) -> list[int]:
        """The tokens of a text in which special tokens are recognised, such as `<|file|>src/main.py`."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens; special tokens have none."""

    def save(self, folder: Path) -> None:
        """Write what `load_tokenizer` reads."""


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that `Tokenizer.save` wrote, or that of a Hugging Face folder.

    Special tokens that a foreign tokenizer lacks are added to its vocabulary.

    Raises:
        UserError: there is no tokenizer in the folder.
    """
    if os.path.lexists(folder / SENTENCEPIECE_FILE):
        from foundry.data.sentencepiece_tokenizer import SentencePieceTokenizer

        return SentencePieceTokenizer.load(folder)
    if not folder.is_dir():
        raise UserError(f"no tokenizer folder at {folder}")
    from foundry.data.fast_tokenizer import FastTokenizer

    return FastTokenizer.load(folder)
