"""What the messages of commits say about them, and how scattered a change is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_ISSUE = re.compile(
    r"(?<![\w&/#])#(?P<number>\d{1,9})\b"
    r"|/(?:issues|pull|merge_requests)/(?P<linked>\d{1,9})\b"
    r"|(?<![\w./-])(?P<key>[A-Z][A-Z0-9]{1,9}-\d{1,9})(?![\w-])(?!\.\d)"
)
_NOT_PROJECTS = {
    "AES",
    "CP",
    "ECMA",
    "HTTP",
    "IEEE",
    "ISO",
    "KOI8",
    "MD",
    "PEP",
    "RFC",
    "RSA",
    "SHA",
    "TLS",
    "UCS",
    "UTF",
}
"""Standards that are written like the key of an issue."""
_REVERTS = re.compile(r"^This reverts commit [0-9a-f]{7,64}", re.MULTILINE)
_SQUASHED = "Squashed commit of the following:"


def issues_in(message: str) -> list[str]:
    """The issues that a message names, each once, in the order in which they come: `#12`, `ABC-34`.

    A link to an issue counts as its number. Issues of other repositories (`owner/name#12`) do not count.
    """
    found = []
    for match in _ISSUE.finditer(message):
        key = match["key"]
        if key is None:
            found.append(f"#{match['number'] or match['linked']}")
        elif key.partition("-")[0] not in _NOT_PROJECTS:
            found.append(key)
    return list(dict.fromkeys(found))


def message_flags(subject: str, body: str) -> set[str]:
    """Which of `fixup`, `revert` and `squash` a commit is, by the messages that git and its hosts write."""
    flags = set()
    if subject.startswith(("fixup! ", "amend! ")):
        flags.add("fixup")
    if subject.startswith("squash! ") or _SQUASHED in (subject, *body.split("\n", 1)[:1]):
        flags.add("squash")
    if subject.startswith('Revert "') or _REVERTS.search(body):
        flags.add("revert")
    return flags


def complexity_of(changed_lines: Iterable[int]) -> float:
    """Bits: the entropy of the changed lines over the changed files, to six digits.

    Hassan, "Predicting faults using the complexity of code changes" (ICSE 2009), section 3.1: H = -sum(p log2 p), where
    p is a file's share of the lines that the commit inserts or deletes.
    """
    counts = [count for count in changed_lines if count]
    if len(counts) < 2:
        return 0.0
    total = sum(counts)
    return round(math.fsum(count / total * math.log2(total / count) for count in counts), 6)
