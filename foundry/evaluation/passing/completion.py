"""Where the function ends that a model was asked to complete: it goes on writing, and what follows is not judged."""

from __future__ import annotations

_CLOSING = (")", "]", "}")
_QUOTES = ('"""', "'''")


def cut_at_function_end(completion: str) -> str:
    """What belongs to the function whose signature and docstring came before `completion`, with a line end.

    The function ends before the first line with something in its first column, with two exceptions: a line that begins
    with a closing bracket, and a line within a text of three quotes. So a comment, a decorator, another function and a
    call in the first column all end it.
    """
    kept: list[str] = []
    within: str | None = None
    for line in completion.split("\n"):
        if within is None and line and not line[0].isspace() and not line.startswith(_CLOSING):
            break
        within = _quotes_left_open(line, within)
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def _quotes_left_open(line: str, within: str | None) -> str | None:
    """The three quotes that are open at the end of a line, given those that are open at its beginning."""
    while True:
        if within is not None:
            place = line.find(within)
            if place < 0:
                return within
            within, line = None, line[place + 3 :]
            continue
        found = [(place, quotes) for quotes in _QUOTES if (place := line.find(quotes)) >= 0]
        if not found:
            return None
        place, within = min(found)
        line = line[place + 3 :]
