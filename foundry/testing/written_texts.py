"""Texts as a model might have written them, for those who check what is made of such texts."""

from __future__ import annotations

import re

from foundry.evaluation.behaviour.samples import Asked
from foundry.evaluation.prompts import Prompt
from foundry.generation import Generation


def unescaped(cell: str) -> str:
    r"""The text of a table's cell: `\n`, `\t`, `\x20` and `\x00` stand for what they stand for in Python, and
    `100 times (` for a hundred brackets."""
    text = re.sub(r"\\(n|t|x20|x00)", lambda found: {"n": "\n", "t": "\t", "x20": " ", "x00": "\0"}[found[1]], cell)
    before, times, after = text.partition(" times ")
    number = re.search(r"(\d+)$", before)
    if not times or number is None:
        return text
    piece, end, rest = after.partition("\n") if "\n" in after else (after, "", "")
    return before[: number.start()] + (piece + end) * int(number[1]) + rest


def asked_for(text: str, language: str, expect: tuple[str, ...] = ()) -> Asked:
    """A prompt as it stands in a file of prompts."""
    return Asked(language, Prompt(name="a prompt", text=text, expect=expect))


def written(prompt: str, text: str, *, ended: bool) -> Generation:
    """What a generator returns that has written `text`."""
    return Generation(
        prompt=prompt,
        text=text,
        full_text=prompt + text,
        tokens=[0] * len(text),
        finish_reason="eos" if ended else "length",
        prompt_tokens=len(prompt),
        sample=0,
        seed=0,
        seconds=0.0,
    )
