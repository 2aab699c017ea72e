"""Where a text that was cut off in the middle can be judged, and what closes what is open there.

A model that is stopped by the number of tokens leaves a line, a call and several blocks unfinished. That is no mistake
of its own, so the text is judged as follows. These ends of it are tried in turn, and the first that parses counts:

1. the text as it stands,
2. without its last line,
3. without the lines from the one that opens a round or square bracket (in Python a curly one, too) that stays open,
4. without one line more.

At each end what is open is closed: a string or comment that spans lines, a statement, brackets, and in Python a block
without a body, a decorator without a function and a `try` without `except`. Something of what the model wrote must be
left. Where no end parses, the errors are those of the second.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from foundry.evaluation.behaviour.grammars import GRAMMARS, Grammar, parser_of
from foundry.evaluation.behaviour.trees import leaves

CLOSES = {b"(": b")", b"[": b"]", b"{": b"}"}


def ends(text: bytes, prompt_bytes: int, language: str) -> list[int]:
    """The places, in bytes, at which an unfinished text may be judged, the longest first.

    Args:
        prompt_bytes: the length of the part of `text` that the model did not write.
    """
    places = [len(text), _line_start(text, len(text))]
    opened = _first_open_in_statement(text[: places[-1]], language)
    if opened is not None:
        places.append(_line_start(text, opened))
    places.append(_line_start(text, places[-1] - 1))
    kept = [place for place in dict.fromkeys(places) if text[prompt_bytes:place].strip()]
    return kept or [len(text)]


def _line_start(text: bytes, place: int) -> int:
    """Where the line that holds `place` begins."""
    return text.rfind(b"\n", 0, max(0, place)) + 1


def _first_open_in_statement(text: bytes, language: str) -> int | None:
    """Where the outermost bracket stands that was opened inside of an unfinished statement."""
    is_indented = GRAMMARS[language].is_indented
    stack = _open_brackets(text, language)
    blocks = [number for number, (_, bracket) in enumerate(stack) if bracket == b"{" and not is_indented]
    inside = stack[blocks[-1] + 1 :] if blocks else stack
    return inside[0][0] if inside else None


def _open_brackets(text: bytes, language: str) -> list[tuple[int, bytes]]:
    """The brackets that are open at the end of `text`, the outermost first, with their places."""
    stack: list[tuple[int, bytes]] = []
    for place, token in leaves(parser_of(language).parse(text), text):
        if token in CLOSES:
            stack.append((place, token))
        elif stack and token == CLOSES[stack[-1][1]]:
            stack.pop()
    return stack


def closings(text: bytes, language: str) -> Iterator[bytes]:
    """What may close all that is open at the end of `text`; the first that parses is the right one."""
    grammar = GRAMMARS[language]
    for spanning in ("", *grammar.spanning):
        closed = text + spanning.encode()
        brackets = b"".join(CLOSES[bracket] for _, bracket in reversed(_open_brackets(closed, language)))
        for before, after in itertools.product(dict.fromkeys(("", grammar.terminator)), repeat=2):
            ending = spanning.encode() + before.encode() + brackets + after.encode()
            yield ending + _block_ending(text + ending, grammar)


def _block_ending(text: bytes, grammar: Grammar) -> bytes:
    """What completes an indented language: a body, what a decorator decorates, and the rest of each open `try`."""
    if not grammar.is_indented:
        return b""
    lines = [line for line in text.decode("utf-8", "replace").split("\n") if line.strip()]
    if not lines:
        return b""
    last = lines[-1]
    missing = [f"{_indentation(last)}    pass"] if _opens_block(last) else []
    if last.lstrip().startswith("@"):
        missing = [f"{_indentation(last)}def _(): pass"]
    reached = len(_indentation(last)) + bool(missing)
    for line in reversed(lines):
        if len(_indentation(line)) < reached:
            reached = len(_indentation(line))
            if line.strip() == "try:":
                missing += [f"{_indentation(line)}finally:", f"{_indentation(line)}    pass"]
    return "".join(f"\n{line}" for line in missing).encode()


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _opens_block(line: str) -> bool:
    return re.sub(r"\s+#.*$", "", line).rstrip().endswith(":")
