"""Texts that a model writes for prompts, and the judgement of each.

A text succeeds if it is not empty, does not run in circles (see `repetition`) and parses (see `closing` and `syntax`).
What a prompt expects to be found in it is counted beside that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from foundry.data.progress import Progress, Report
from foundry.evaluation.behaviour.judge import Judge
from foundry.evaluation.prompts import Prompt, PromptFile

if TYPE_CHECKING:
    from foundry.generation import Generation, Generator, SamplingRule

ROWS_AT_ONCE = 16
"""Texts that are written side by side."""


@dataclass(frozen=True)
class Plan:
    """How texts are written.

    Attributes:
        num_samples: texts for each prompt.
        max_new_tokens: the most tokens of a text, where its prompt does not say.
        seed: the same seed gives the same texts.
    """

    num_samples: int
    max_new_tokens: int
    rule: SamplingRule
    seed: int = 0


@dataclass(frozen=True)
class Asked:
    """A prompt, and the language that it asks for."""

    language: str
    prompt: Prompt


@dataclass(frozen=True)
class Sample:
    """One text and what was found out about it.

    Attributes:
        text: what the model added to the prompt.
        tokens, characters: its length.
        ended: the model ended it; otherwise it was cut by its length.
        failure: `empty`, `repetition` or `syntax`; None where it succeeds.
        repetition: what it repeats, in words.
        syntax: see `foundry.evaluation.behaviour.syntax.Syntax`.
        patterns: what is typical of the language, with counts.
        expected: for each pattern that the prompt names, whether it was found.
    """

    text: str
    tokens: int
    characters: int
    ended: bool
    failure: str | None
    repetition: str
    syntax: dict[str, Any]
    patterns: dict[str, int]
    expected: list[bool]

    @property
    def succeeds(self) -> bool:
        """See the description of this module."""
        return self.failure is None

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but space."""
        return not self.text.strip()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """The samples for one prompt.

    Attributes:
        seconds: how long writing them took; shared evenly by those that were written side by side.
    """

    asked: Asked
    samples: tuple[Sample, ...]
    seconds: float


def asked_in(files: Sequence[PromptFile]) -> list[Asked]:
    """The prompts of several files, in their order."""
    return [Asked(file.language, prompt) for file in files for prompt in file.prompts]


def answers_of(
    generator: Generator, asked: Sequence[Asked], plan: Plan, judge: Judge, report: Report | None, who: str
) -> list[Answer]:
    """Let a model continue each prompt, and judge what it writes.

    Args:
        who: names the model in lines of progress.

    Raises:
        UserError: a prompt holds a special token that the model lacks.
        FoundryError: the model's logits are not finite.
    """
    progress = Progress(report)
    answers: dict[int, Answer] = {}
    for numbers, max_new_tokens in _batches(asked, plan):
        prompts = [asked[number].prompt.text for number in numbers]
        written = generator.generate(prompts, max_new_tokens, plan.rule, seed=plan.seed, num_samples=plan.num_samples)
        for place, number in enumerate(numbers):
            texts = written[place * plan.num_samples : (place + 1) * plan.num_samples]
            judged = tuple(judged_sample(asked[number], text, judge) for text in texts)
            answers[number] = Answer(asked[number], judged, texts[0].seconds / len(numbers))
        progress.update(f"{who}: {len(answers)} of {len(asked)} prompts")
    return [answers[number] for number in range(len(asked))]


def _batches(asked: Sequence[Asked], plan: Plan) -> Iterator[tuple[list[int], int]]:
    """The numbers of prompts that are continued together, and by how many tokens."""
    lengths = [item.prompt.max_new_tokens or plan.max_new_tokens for item in asked]
    prompts_at_once = max(1, ROWS_AT_ONCE // plan.num_samples)
    for length in dict.fromkeys(lengths):
        numbers = [number for number, of_prompt in enumerate(lengths) if of_prompt == length]
        for first in range(0, len(numbers), prompts_at_once):
            yield numbers[first : first + prompts_at_once], length


def judged_sample(asked: Asked, written: Generation, judge: Judge) -> Sample:
    """A text that was written for a prompt, with its judgement."""
    is_cut = written.finish_reason == "length"
    found = judge.judged(asked.prompt.text, written.text, asked.language, is_cut, asked.prompt.expect)
    return Sample(
        text=written.text,
        tokens=len(written.tokens),
        characters=len(written.text),
        ended=not is_cut,
        failure=_failure(written.text, found),
        **found,
    )


def _failure(text: str, found: dict[str, Any]) -> str | None:
    if not text.strip():
        return "empty"
    if found["repetition"]:
        return "repetition"
    return None if found["syntax"]["parses"] else "syntax"
