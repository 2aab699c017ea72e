"""Lines that hold a long run of letters and digits: nearly every token is one, and few lines of code have any.

Where such runs stand is found much faster than the anchors of all tokens, which then are looked for in those lines.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from itertools import accumulate

from foundry.pipeline.redaction.spans import Span

SHORTEST_RUN = 20
ENDS_WITH_RUN = re.compile(r"[^|]*(?:\([^()]*\)[^|]*)?\[(?:0-9|a-z|A-Z|a-f|\\w|_|-)+\]\{[2-9]\d\}(?:\\\.)?")
"""A pattern without alternatives, but for those in one group, that ends with at least so many characters of a run."""

_RUN = b"w" * SHORTEST_RUN
_OTHER, _LINE_END = b" ", b"\n"


def _kind_of(code: int) -> bytes:
    """Of a character in Latin-1, where `?` stands for all that is not in it, some of which are letters."""
    if code == ord(_LINE_END):
        return _LINE_END
    return b"w" if code >= 128 or chr(code).isalnum() or chr(code) in "_-?" else _OTHER


_KINDS = b"".join(map(_kind_of, range(256)))


@dataclass(frozen=True)
class LinesWithRuns:
    """Lines of a text, one after another.

    Attributes:
        folded: the same in small letters.
        starts: where each line begins in here.
        origins: where it begins in the whole text.
    """

    text: str
    folded: str
    starts: list[int]
    origins: list[int]

    def in_whole_text(self, span: Span) -> Span:
        """A secret in one of these lines, by its place in the whole text."""
        line = bisect.bisect_right(self.starts, span.start) - 1
        moved = self.origins[line] - self.starts[line]
        return Span(span.start + moved, span.end + moved, span.kind)


def lines_with_runs(text: str, folded: str) -> LinesWithRuns:
    """The lines of a text in which `SHORTEST_RUN` letters, digits, `_` and `-` stand beside each other.

    Args:
        folded: what `detector.fold` makes of the text.
    """
    kinds = folded.encode("latin-1", "replace").translate(_KINDS)
    places: list[tuple[int, int]] = []
    at = kinds.find(_RUN)
    while at >= 0:
        end = kinds.find(_LINE_END, at) + 1 or len(kinds)
        places.append((kinds.rfind(_LINE_END, 0, at) + 1, end))
        at = kinds.find(_RUN, end)
    return LinesWithRuns(
        "".join([text[start:end] for start, end in places]),
        "".join([folded[start:end] for start, end in places]),
        list(accumulate((end - start for start, end in places), initial=0))[:-1],
        [start for start, _ in places],
    )
