"""Examples become a stream of blocks, none of them cut by the end of a block.

An answer is of no use without its prompt. So an example that does not fit into the rest of a block begins the next one,
and the rest is padding. One that is longer than a block loses the beginning of what stands before its first target, and
where that does not suffice, it is left out and counted: no target is lost from an example that stays.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from foundry.data.documents import Example, Skipped
from foundry.data.example_encoding import EncodedExample, ExampleEncoder
from foundry.data.packing import PackedTokens

EXAMPLES_AT_ONCE = 256


class ExamplePacking:
    """Puts examples one after another into blocks.

    Args:
        block_size: tokens in a block.
        pad_id: fills up a block.
        skipped: counts what is longer than a block.

    Attributes:
        num_cut: examples that lost the beginning of what stands before their first target.
    """

    def __init__(self, encoder: ExampleEncoder, block_size: int, pad_id: int, skipped: Skipped) -> None:
        self.num_cut = 0
        self._encoder = encoder
        self._block_size = block_size
        self._pad_id = pad_id
        self._skipped = skipped
        self._used = 0

    def parts(self, examples: Iterable[Example]) -> Iterator[PackedTokens]:
        """The stream, some examples at a time.

        Raises:
            UserError: an example does not go with the tokenizer.
        """
        remaining = iter(examples)
        while some := list(islice(remaining, EXAMPLES_AT_ONCE)):
            encoded = zip(some, self._encoder.encode(some), strict=True)
            fitting = [self._fitted(example, tokens) for example, tokens in encoded]
            yield self._packed([tokens for tokens in fitting if tokens is not None])

    def _fitted(self, example: Example, tokens: EncodedExample) -> EncodedExample | None:
        """The example in at most a block, at least one token before its first target; None where that cannot be."""
        excess = len(tokens.ids) - self._block_size
        if excess <= 0:
            return tokens
        if excess >= tokens.targets.index(True):
            self._skipped.add("longer than a block", example.key)
            return None
        self.num_cut += 1
        return EncodedExample(tokens.ids[excess:], tokens.targets[excess:])

    def _packed(self, examples: list[EncodedExample]) -> PackedTokens:
        tokens, targets, starts = array("I"), bytearray(), []
        num_padding = 0
        for example in examples:
            rest = self._block_size - self._used
            if rest < len(example.ids):
                starts.append(len(tokens))
                tokens.extend([self._pad_id] * rest)
                targets.extend(bytes(rest))
                num_padding += rest
                self._used = 0
            starts.append(len(tokens))
            tokens.extend(example.ids)
            targets.extend(example.targets)
            self._used += len(example.ids)
        is_start = np.zeros(len(tokens), dtype=np.uint8)
        is_start[starts] = 1
        return PackedTokens(
            len(examples),
            num_padding,
            np.array(tokens, dtype=np.uint32),
            is_start,
            np.array(targets, dtype=np.uint8),
        )
