"""Places in a text that are to be replaced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MARKER_START = "<REDACTED:"


class Span(NamedTuple):
    """A secret: where it begins, where the text after it begins, and its kind."""

    start: int
    end: int
    kind: str


def marker(kind: str) -> str:
    """What stands in the text instead of a secret."""
    return f"{MARKER_START}{kind}>"


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Spans in their order; those that overlap become one, of the kind of the one that was found first."""
    ranked = sorted(enumerate(spans), key=lambda item: (item[1].start, item[1].end))
    merged: list[tuple[int, Span]] = []
    for rank, span in ranked:
        if merged and span.start < merged[-1][1].end:
            best, other = merged[-1]
            end = max(span.end, other.end)
            merged[-1] = min(best, rank), Span(other.start, end, other.kind if best < rank else span.kind)
        else:
            merged.append((rank, span))
    return [span for _, span in merged]


def replaced(text: str, spans: list[Span]) -> str:
    """The text with a marker instead of each span; the spans are in their order and do not overlap."""
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], marker(span.kind)]
        at = span.end
    return "".join([*pieces, text[at:]])
