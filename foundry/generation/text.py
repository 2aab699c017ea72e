"""From token numbers to text, piece by piece, where a character may be spread over several tokens."""

from __future__ import annotations

from collections.abc import Sequence

from foundry.data.tokenizers import Tokenizer

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What a decoder shows for bytes that are not, or not yet, a character."""
ANCHOR_TOKENS = 4
"""Prompt tokens that are decoded along with the new ones, because some tokenizers drop a leading space."""


class NewText:
    """The text of the tokens that follow a prompt."""

    def __init__(self, tokenizer: Tokenizer, prompt_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._anchor = list(prompt_ids[-ANCHOR_TOKENS:])
        self._anchor_text = tokenizer.decode(self._anchor)
        self._given = ""

    def decode(self, new_ids: Sequence[int]) -> str:
        """The whole text of the new tokens."""
        together = self._tokenizer.decode([*self._anchor, *new_ids])
        if together.startswith(self._anchor_text):
            return together[len(self._anchor_text) :]
        return self._tokenizer.decode(list(new_ids))

    def next_piece(self, new_ids: Sequence[int], finished: bool) -> str:
        """What can be shown beyond the pieces given before.

        Replacement characters at the end are held back until the next tokens complete them, or none come.

        Args:
            new_ids: all the new tokens so far.
            finished: no more will come.
        """
        text = self.decode(new_ids)
        certain = text if finished else text.rstrip(REPLACEMENT)
        if not certain.startswith(self._given):
            return ""
        piece = certain[len(self._given) :]
        self._given = certain
        return piece
