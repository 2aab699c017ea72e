"""Finds out which of many commits may hold something that has to be replaced; most hold nothing.

Looking at one long text costs far less than looking at many short ones. So the texts of many commits are looked at
together, those of files with one ending in one piece, because the ending decides what assignments look like. A commit
is suspected wherever anything is found that touches one of its texts. The texts stand on lines of their own, and
nothing but a private key goes over lines: whatever may be a part of one is suspected, too.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from foundry.pipeline.config import RedactConfig
from foundry.pipeline.records import FileChange
from foundry.pipeline.redaction.assignments import is_settings_file
from foundry.pipeline.redaction.detection import secrets_in
from foundry.pipeline.redaction.detector import WHOLE_LINES
from foundry.pipeline.redaction.mail import addresses_in
from foundry.pipeline.redaction.private_keys import lines_like_middles

MESSAGE = "message"
"""The place that secrets in messages are counted under."""
OVER_LINES = ("PRIVATE KEY", "PuTTY-User-Key-File")
"""What may begin in one text and end in another, where texts that are put together say less than each alone."""


@dataclass
class _Texts:
    """Texts that are looked at together, and the commit that each comes from."""

    place: str
    texts: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    def suspected(self, config: RedactConfig) -> Iterator[int]:
        together = "\n".join(self.texts)
        found = list(_found_in(together, self.place, config))
        if found:
            ends = list(itertools.accumulate(len(text) + 1 for text in self.texts))
            for start, end in found:
                first, last = bisect.bisect_right(ends, start), bisect.bisect_right(ends, end - 1)
                yield from self.owners[first : last + 1]


class Suspects:
    """The texts of commits, numbered from 0, until they are looked at."""

    def __init__(self, config: RedactConfig) -> None:
        self._config = config
        self._has_work = config.secrets or config.emails == "hash"
        self._of_ending: dict[str, _Texts] = {}
        self._number = 0
        self._suspected: set[int] = set()

    def add(self, subject: str, body: str, changes: Sequence[FileChange]) -> None:
        """Take in the texts of the next commit."""
        if self._has_work:
            if len(body) - body.rfind("\n") > WHOLE_LINES[0]:  # a last line as long is cut otherwise if another follows
                self._suspected.add(self._number)
            self._texts_of(MESSAGE).texts.extend((subject, body))
            self._texts_of(MESSAGE).owners.extend((self._number, self._number))
            for change in changes:
                if change["hunks"]:
                    self._add_file(change)
        self._number += 1

    def _add_file(self, change: FileChange) -> None:
        of_ending = self._texts_of(change["path"])
        texts = [text for hunk in change["hunks"] for text in (hunk["heading"], hunk["text"])]
        of_ending.texts += texts
        of_ending.owners += [self._number] * len(texts)

    def _texts_of(self, place: str) -> _Texts:
        ending = ending_of(place)
        if ending not in self._of_ending:
            self._of_ending[ending] = _Texts(place)
        return self._of_ending[ending]

    def numbers(self) -> set[int]:
        """The numbers of the commits that may hold something."""
        return self._suspected.union(*(texts.suspected(self._config) for texts in self._of_ending.values()))


def _found_in(text: str, place: str, config: RedactConfig) -> Iterator[tuple[int, int]]:
    for sign in OVER_LINES:
        at = text.find(sign)
        while at >= 0:
            yield at, at + len(sign)
            at = text.find(sign, at + 1)
    if config.secrets:
        yield from lines_like_middles(text)  # what stands beside them here is no part of their own text
        yield from ((span.start, span.end) for span in secrets_in(text, place))
    if config.emails == "hash":
        yield from addresses_in(text)


@functools.lru_cache(maxsize=10_000)
def ending_of(path: str) -> str:
    """The ending of a name, or the whole name where it has none or is nothing else; one for all files of settings."""
    if is_settings_file(path):
        return "settings"
    name = PurePosixPath(path).name
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else name
