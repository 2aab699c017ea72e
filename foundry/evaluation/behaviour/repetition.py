"""Whether a text runs in circles.

It does if one sequence of 1 to 32 words stands in it at least four times, without overlapping, and makes up more than
half of its words; or if one line that is not blank stands at least four times in a row. Words are runs of letters,
digits and underscores, and every other sign by itself; shorter texts than eight words do not run in circles. That
likely text falls into such loops is shown by Holtzman et al. 2020, "The curious case of neural text degeneration",
section 4.2; the numbers are ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LEAST_WORDS = 8
LEAST_TIMES = 4
LONGEST_SEQUENCE = 32
LARGEST_SHARE = 0.5
MAX_WORDS = 2_000
"""Only so many words from the end are looked at: whoever runs in circles does so at the end."""


def repetition(text: str) -> str:
    """What the text repeats, in words; empty where it does not run in circles."""
    if line := _repeated_line(text):
        return f"the line {_shown(line)} stands {LEAST_TIMES} times in a row or more"
    words = re.findall(r"\w+|[^\w\s]", text)[-MAX_WORDS:]
    if len(words) < LEAST_WORDS:
        return ""
    for length in range(1, min(LONGEST_SEQUENCE, len(words) // LEAST_TIMES) + 1):
        most = _most_times(words, length)
        if most < LEAST_TIMES:  # and so is every longer sequence, which stands no more often than its beginning
            break
        if most * length > LARGEST_SHARE * len(words) and (sequence := _dominating(words, length)):
            return f"{_shown(' '.join(sequence))} makes up more than half of the words"
    return ""


def _repeated_line(text: str) -> str:
    previous, times = "", 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        times = times + 1 if line == previous else 1
        previous = line
        if times >= LEAST_TIMES:
            return line
    return ""


def _most_times(words: Sequence[str], length: int) -> int:
    """How often the most frequent sequence of `length` words stands there, overlaps counted."""
    return max(Counter(zip(*(words[start:] for start in range(length)), strict=False)).values())


def _dominating(words: Sequence[str], length: int) -> tuple[str, ...]:
    """The sequence of `length` words that makes up more than half of them; empty where none does."""
    counts: dict[tuple[str, ...], int] = {}
    free_from: dict[tuple[str, ...], int] = {}
    for place in range(len(words) - length + 1):
        sequence = tuple(words[place : place + length])
        if place >= free_from.get(sequence, 0):
            counts[sequence] = counts.get(sequence, 0) + 1
            free_from[sequence] = place + length
    sequence, times = max(counts.items(), key=lambda item: item[1], default=((), 0))
    return sequence if times >= LEAST_TIMES and times * length > LARGEST_SHARE * len(words) else ()


def _shown(text: str) -> str:
    stripped = text.strip()
    return repr(stripped if len(stripped) <= 40 else f"{stripped[:39]}…")
