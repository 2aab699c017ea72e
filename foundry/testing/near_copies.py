"""Texts of which it is known how similar they are."""

from __future__ import annotations

import re

WORDS_IN_A_SHINGLE = 5


def numbered_lines(name: str, count: int) -> str:
    """Lines of code that occur in no text of another name."""
    word = re.sub(r"\W", "_", name)
    return "".join(f"{word}_{number} = {word}({number}) + other_{number}\n" for number in range(count))


def copy_with_changes(text: str, share: float) -> str:
    """The text with that share of its lines, evenly spread, replaced by others."""
    lines = text.splitlines(keepends=True)
    changed = round(share * len(lines))
    for place in [number * len(lines) // changed for number in range(changed)]:
        lines[place] = f"changed_{place} = entirely - different * {place}\n"
    return "".join(lines)


def similarity(first: str, second: str) -> float:
    """The share of five words in a row that two texts have in common (Jaccard), counted one by one."""
    one, other = _shingles(first), _shingles(second)
    return len(one & other) / len(one | other)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+|[^\w\s]", text)
    return {tuple(words[place : place + WORDS_IN_A_SHINGLE]) for place in range(len(words) - WORDS_IN_A_SHINGLE + 1)}
