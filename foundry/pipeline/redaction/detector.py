"""What finds one kind of credential."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from foundry.pipeline.redaction.spans import Span

Reach = tuple[int, int]
"""How many characters of a line are looked at before and from an anchor on."""

WHOLE_LINES: Reach = (1_000, 2_000)
"""Lines are looked at whole, unless they are longer: no pattern, however it backtracks, is given a minified file."""

_FOLDED_ALIKE = {"İ": "i", "ı": "i", "ſ": "s"}
"""What `re.IGNORECASE` takes for i and s, and `str.lower` does not (or makes two characters of)."""
LONGEST_REST = 4_000
ANYTHING = re.compile(r".+")
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
        shape: what of the match is the secret, where the pattern takes in more.
        reach: for patterns that backtrack more than others.
    """

    kind: str
    anchors: tuple[re.Pattern[str], ...]
    patterns: tuple[re.Pattern[str], ...]
    group: int = 0
    folded: bool = False
    accepts: Callable[[str], bool] = field(default=accept_all)
    rest: re.Pattern[str] | None = REST_OF_TOKEN
    shape: re.Pattern[str] = ANYTHING
    reach: Reach = WHOLE_LINES

    def find(self, text: str, windows: Iterable[tuple[int, int]]) -> Iterator[Span]:
        """The secrets in a text.

        Args:
            windows: what `windows` says of its anchors.
        """
        for start, end in windows:
            window = text[start:end]
            for pattern in self.patterns:
                for match in pattern.finditer(window):
                    if span := self._span(text, start, match):
                        yield span

    def _span(self, text: str, offset: int, match: re.Match[str]) -> Span | None:
        secret = self.shape.search(match[self.group] or "")
        if secret is None:
            return None
        start, end = (offset + match.start(self.group) + at for at in secret.span())
        if self.rest and (rest := self.rest.match(text, end, end + LONGEST_REST)):
            end = rest.end()
        return Span(start, end, self.kind) if start < end and self.accepts(text[start:end]) else None


def fold(text: str) -> str:
    """The text in small letters, each at its own place."""
    if not text.isascii():
        for character, alike in _FOLDED_ALIKE.items():
            text = text.replace(character, alike)
    return text.lower()


def windows(
    text: str, source: str, anchors: Iterable[re.Pattern[str]], reach: Reach = WHOLE_LINES
) -> list[tuple[int, int]]:
    """Lines of a text, or pieces of long ones, in which one of the anchors stands.

    Args:
        source: what the anchors are looked for in: the text, or what `fold` makes of it.
    """
    found: dict[tuple[int, int], None] = {}
    for anchor in anchors:
        at = 0
        while hit := anchor.search(source, at):
            start, end = _line_around(text, hit.start(), reach)
            found[start, end] = None
            at = max(hit.start() + 1, end if text.startswith("\n", end) else end - reach[1] // 2)
    return list(found)


def _line_around(text: str, at: int, reach: Reach) -> tuple[int, int]:
    earliest, latest = max(0, at - reach[0]), min(len(text), at + reach[1])
    start = text.rfind("\n", earliest, at) + 1 or earliest
    end = text.find("\n", at, latest)
    if start < at and text[start] in "+-":
        start += 1  # the sign of a diff: what stands after it begins the line
    return start, end if end >= 0 else latest
