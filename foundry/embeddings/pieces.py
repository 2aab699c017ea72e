"""Cuts source text into pieces of about one function, without knowing its language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARACTERS = 1_000
"""About as much code as a model with 256 tokens of context sees."""
MIN_CHARACTERS = 300
"""Short definitions share a piece until it is so long."""
MAX_LINE_CHARACTERS = 400
"""Of a longer line, as in minified code and data, the beginning is enough."""


@dataclass(frozen=True)
class Piece:
    """Lines of a file.

    Attributes:
        line: the number of the first one, from 1.
        text: the lines, without blank ones around them.
    """

    line: int
    text: str


def pieces_of(text: str) -> Iterator[Piece]:
    """The pieces of a text, in order: they begin where an unindented line follows a blank one, wherever that fits."""
    held: list[str] = []
    begin, size = 1, 0
    previous = ""
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole[:MAX_LINE_CHARACTERS]
        is_definition = line[:1].strip() != "" and line[0] not in "})]" and not previous.strip()
        is_full = size + len(line) > MAX_CHARACTERS
        if held and (is_full or (is_definition and size >= MIN_CHARACTERS)):
            yield from _piece(held, begin)
            held, begin, size = [], number, 0
        held.append(line)
        size += len(line) + 1
        previous = line
    yield from _piece(held, begin)


def _piece(lines: list[str], begin: int) -> Iterator[Piece]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if filled:
        yield Piece(begin + filled[0], "\n".join(lines[filled[0] : filled[-1] + 1]))
