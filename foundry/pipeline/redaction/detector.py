"""What finds one kind of credential."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from foundry.pipeline.redaction.spans import Span

BEFORE_ANCHOR = 1_000
AFTER_ANCHOR = 2_000
OVERLAP = 1_000
"""A line is looked at whole unless it is longer than these; then in pieces around the anchors, so that no pattern,
however it backtracks, is ever given a minified file of one line."""

_FOLDED_ALIKE = {"İ": "i", "ı": "i", "ſ": "s"}
"""What `re.IGNORECASE` takes for i and s, and `str.lower` does not (or makes two characters of)."""
REST_OF_TOKEN = re.compile(r"[A-Za-z0-9_-]*")


def accept_all(value: str) -> bool:  # noqa: ARG001
    """Every match is a secret."""
    return True


@dataclass(frozen=True)
class Detector:
    """Patterns of one kind.

    Attributes:
        anchors: in every line in which one of the patterns is found, one of these is found, too. Cheap: each begins
            with letters that are looked for fast.
        folded: the anchors are in small letters, and stand in the text in letters of any case.
        patterns: tried on the line, or piece of a line, around the anchor.
        group: which group of a match is the secret.
        accepts: whether the value of a match is a secret after all.
        rest: what belongs to the token if it goes on after the match; None where the match is exact.
        trimmed: characters around the secret that the pattern takes in.
        lead: what stands before the secret within the match.
    """

    kind: str
    anchors: tuple[re.Pattern[str], ...]
    patterns: tuple[re.Pattern[str], ...]
    group: int = 0
    folded: bool = False
    accepts: Callable[[str], bool] = field(default=accept_all)
    rest: re.Pattern[str] | None = REST_OF_TOKEN
    trimmed: str = "\n"
    lead: str = ""

    def find(self, text: str, windows: Iterable[tuple[int, int]]) -> Iterator[Span]:
        """The secrets in a text.

        Args:
            windows: what `windows` says of its anchors.
        """
        for start, end in windows:
            window = text[start:end]
            for pattern in self.patterns:
                for match in pattern.finditer(window):
                    span = self._span(text, start, match)
                    if span.start < span.end and self.accepts(text[span.start : span.end]):
                        yield span

    def _span(self, text: str, offset: int, match: re.Match[str]) -> Span:
        value = match[self.group].lstrip(self.trimmed).removeprefix(self.lead)
        start = offset + match.end(self.group) - len(value)
        end = start + len(value.rstrip(self.trimmed))
        rest = self.rest.match(text, end) if self.rest else None
        return Span(start, rest.end() if rest else end, self.kind)


def fold(text: str) -> str:
    """The text in small letters, each at its own place."""
    if not text.isascii():
        for character, alike in _FOLDED_ALIKE.items():
            text = text.replace(character, alike)
    return text.lower()


def windows(text: str, source: str, anchors: Iterable[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Lines of a text, or pieces of long ones, in which one of the anchors stands.

    Args:
        source: what the anchors are looked for in: the text, or what `fold` makes of it.
    """
    found: dict[tuple[int, int], None] = {}
    for anchor in anchors:
        at = 0
        while hit := anchor.search(source, at):
            start, end = _line_around(text, hit.start())
            found[start, end] = None
            at = max(hit.start() + 1, end if text.startswith("\n", end) else end - OVERLAP)
    return list(found)


def _line_around(text: str, at: int) -> tuple[int, int]:
    earliest = max(0, at - BEFORE_ANCHOR)
    start = text.rfind("\n", earliest, at) + 1 or earliest
    end = text.find("\n", at, at + AFTER_ANCHOR)
    if end < 0:
        end = min(len(text), at + AFTER_ANCHOR)
    if end - start > 1 and at > start and text[start] in "+-":
        start += 1  # the sign of a diff: what stands after it begins the line
    return start, end
