"""The tokens of an example, and which of them a model is to learn to write.

A prompt is encoded by itself and so is each answer, because that is how a prompt reaches the model when it generates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from foundry.data.chat_template import ChatTemplate
from foundry.data.documents import Example, Message
from foundry.data.tokenizers import Tokenizer
from foundry.errors import UserError

_NONCHARACTERS = [chr(number) for number in range(0xFDD0, 0xFDF0)]
"""Unicode promises that these stand for nothing in any text."""


@dataclass
class EncodedExample:
    """Tokens of an example, of which those with true in `targets` are to be predicted; both have the same length."""

    ids: list[int]
    targets: list[bool]

    def add(self, ids: Sequence[int], *, are_targets: bool) -> None:
        """Append tokens that all are targets, or none of them."""
        self.ids.extend(ids)
        self.targets.extend([are_targets] * len(ids))


class ExampleEncoder(Protocol):
    """Makes tokens of examples."""

    def encode(self, examples: Sequence[Example]) -> list[EncodedExample]:
        """The tokens of each example; the first one of an example is never a target, as nothing comes before it.

        Raises:
            UserError: an example does not go with the tokenizer.
        """


def encoder_of(data_format: str, tokenizer: Tokenizer) -> ExampleEncoder:
    """The encoder of a `data.format` of examples.

    Raises:
        UserError: the tokenizer has no template for chats.
    """
    if data_format == "prompt_completion":
        return PromptEncoder(tokenizer)
    if tokenizer.chat_template is None:
        raise UserError(
            "data.format chat: the tokenizer has no chat template; name the tokenizer of a model that was trained on "
            "chats in tokenizer.name_or_path, or use data.format prompt_completion"
        )
    return ChatEncoder(tokenizer, tokenizer.chat_template)


class PromptEncoder:
    """Prompt, completion and the end-of-text token one after another; completion and end of text are the targets.

    None of the texts' tokens is special, whatever they look like.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def encode(self, examples: Sequence[Example]) -> list[EncodedExample]:
        """See `ExampleEncoder.encode`."""
        ids = iter(self._tokenizer.encode_batch([text for example in examples for text in example.texts]))
        return [self._joined(example, [next(ids) for _ in example.messages]) for example in examples]

    def _joined(self, example: Example, ids: list[list[int]]) -> EncodedExample:
        encoded = EncodedExample([], [])
        for message, of_message in zip(example.messages, ids, strict=True):
            encoded.add(of_message, are_targets=message.is_target)
        encoded.add([self._tokenizer.eos_id], are_targets=True)
        encoded.targets[0] = False
        return encoded


class ChatEncoder:
    """A chat as its tokenizer's template lays it out; the targets are the turns of the assistant.

    A turn is what the template writes after its generation prompt, up to the end-of-text token where the template ends
    turns with it. The last turn gets an end-of-text token where the template has none. What follows the last turn of
    the assistant is left out, because no target sees it.

    The template's special tokens are recognised. Where a message holds the text of one, this text is broken up behind
    its first character, and stays text.
    """

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._special_texts = sorted(tokenizer.special_texts, key=len, reverse=True)

    def encode(self, examples: Sequence[Example]) -> list[EncodedExample]:
        """See `ExampleEncoder.encode`."""
        return [self._encode(example) for example in examples]

    def _encode(self, example: Example) -> EncodedExample:
        marked, mark = self._broken_up(example)
        encoded = EncodedExample([], [])
        for text, is_turn in self._pieces(example, marked):
            ids = [number for part in text.split(mark) for number in self._tokenizer.encode_prompt(part)]
            if is_turn and self._tokenizer.eos_id in ids:
                end = ids.index(self._tokenizer.eos_id) + 1
                encoded.add(ids[:end], are_targets=True)
                encoded.add(ids[end:], are_targets=False)
            else:
                encoded.add(ids, are_targets=is_turn)
        return self._ended(encoded)

    def _ended(self, encoded: EncodedExample) -> EncodedExample:
        length = len(encoded.targets) - encoded.targets[::-1].index(True)
        ended = EncodedExample(encoded.ids[:length], encoded.targets[:length])
        if ended.ids[-1] != self._tokenizer.eos_id:
            ended.add([self._tokenizer.eos_id], are_targets=True)
        ended.targets[0] = False
        return ended

    def _pieces(self, example: Example, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is a turn of the assistant."""
        turns = [number for number, message in enumerate(messages) if message.is_target]
        texts = [""]
        for turn in turns:
            texts.append(self._render(example, messages[:turn], add_generation_prompt=True))
            texts.append(self._render(example, messages[: turn + 1]))
        for shorter, longer in pairwise(texts):
            if not longer.startswith(shorter) or len(longer) == len(shorter) > 0:
                raise UserError(
                    f"{example.key}: the tokenizer's chat template writes the beginning of this chat in another way "
                    "when more follows, so the turns of the assistant cannot be told apart; use data.format "
                    "prompt_completion"
                )
        return [(longer[len(shorter) :], number % 2 == 1) for number, (shorter, longer) in enumerate(pairwise(texts))]

    def _render(self, example: Example, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        try:
            return self._template.render(messages, add_generation_prompt=add_generation_prompt)
        except Exception as error:  # a template is a program of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{example.key}: the tokenizer's chat template refuses this chat: {reason}") from error

    def _broken_up(self, example: Example) -> tuple[Sequence[Message], str]:
        """The messages with a mark inside of each text that looks like a special token, and that mark."""
        whole = "".join(example.texts)
        mark = next((character for character in _NONCHARACTERS if character not in whole), None)
        if mark is None:
            raise UserError(f"{example.key}: holds all 32 noncharacters of Unicode; remove the line")
        messages = example.messages
        for special in self._special_texts:
            if special in whole:
                broken = special[0] + mark + special[1:]
                messages = tuple(
                    Message(message.role, message.content.replace(special, broken)) for message in messages
                )
        return messages, mark
