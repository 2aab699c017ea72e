"""Text for the terminal: plain tables that a pipe, a log file and a narrow window leave whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

COLUMN_GAP = "  "


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """The rows as lines with aligned columns; nothing is cut.

    Args:
        rows: each with the same number of cells; the first may be a heading.
        right: the numbers of the columns that end flush right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(COLUMN_GAP.join(cells).rstrip())
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """A length of time as a clock shows it: `1:05`, `2:00:09`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def age(seconds: float) -> str:
    """How long ago something was, in its largest unit: `40 s`, `5 min`, `3 h`, `12 d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def printable(text: str) -> str:
    """The text with its control characters shown instead of obeyed; lines and tabs stay."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else _shown(character) for character in text
    )


def _shown(character: str) -> str:
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"


def discard_output() -> None:
    """Let standard output go nowhere, when its reader, such as `head`, has gone away."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
