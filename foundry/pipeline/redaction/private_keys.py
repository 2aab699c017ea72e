"""Private keys: whole blocks, of which the library marks the first line alone.

A block may stand in a diff, in a string with `\\n` for its line ends, or in a comment, and may have lost its beginning
or its end at the border of a hunk. A text that merely names the first and last line of such a block is left alone.

Of a key whose middle was changed, a diff shows neither. So three and more lines of a diff, one of them changed, that
are as long as those of a key and look random are taken for one. Other data in base64 looks the same, and goes, too,
unless the lines beside it say that it is a certificate or a public key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foundry.pipeline.redaction.spans import Span

KIND = "private-key"
LONGEST_BLOCK = 40_000

_BEGIN = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
    r"|PuTTY-User-Key-File-\d: "
)
_END = (
    r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|---- END SSH2 ENCRYPTED PRIVATE KEY ----"
    r"|Private-MAC: [0-9a-f]+"
)
_BORDER = re.compile(rf"(?P<begin>{_BEGIN})|{_END}")
_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{16,}")
_PADDING = re.compile(r"""[\s+\-"'`,;#*|>\\()]+""")
_MATERIAL_SHARE = 0.6
_AFTER_SIGN = re.compile(r"[+-]?[ \t]*")
_LINE_OF_KEY = re.compile(
    r"""[\s+\-"'`,;#*|>\\()]*(?:[A-Za-z0-9+/]{40,}={0,2}|[A-Za-z-]{3,20}: [^\n]{0,80})[^\n]{0,8}\n"""
)
_DIFF_LINE = r"[ +-][ \t]*[A-Za-z0-9+/]{60,76}={0,2}\r?"
_DIFF_LINES = re.compile(rf"{_DIFF_LINE}(?:\n{_DIFF_LINE}){{2,}}(?=\n|\Z)")
_SECOND_DIFF_LINE = re.compile(r"\n[ +-][ \t]*[A-Za-z0-9+/]{60}")
_WHOLE_LINE = re.compile(r"[A-Za-z0-9+/]{60,76}={0,2}\r?")
_HEADING = re.compile(r"@@ ([A-Za-z0-9+/]{60,76}={0,2}\r?)(?=\n|\Z)")
_FEWEST_IN_A_LINE = 26
"""As below, in one line, in which random ones have about 40."""
_FEWEST_CHARACTERS = 40
"""Different ones in three lines of base64, in which random ones have about 60; digests have no more than 16."""


def private_keys(text: str) -> Iterator[Span]:
    """Every private key in a text: those with a first or a last line, and those of which a diff shows the middle."""
    yield from _blocks(text)
    yield from _middles(text)
    for heading in _HEADING.finditer(text):
        if is_line_of_key(heading[1]):
            yield Span(*heading.span(1), KIND)


def is_line_of_key(text: str) -> bool:
    """Whether a line may be one of a private key: git takes it for the heading of hunks that come after it."""
    return bool(_WHOLE_LINE.fullmatch(text)) and len(set(text)) >= _FEWEST_IN_A_LINE


def lines_like_middles(text: str) -> Iterator[tuple[int, int]]:
    """Where a line that follows another one may be one of the middle of a key; most are not."""
    return (found.span() for found in _SECOND_DIFF_LINE.finditer(text))


def _middles(text: str) -> Iterator[Span]:
    at = 0
    while second := _SECOND_DIFF_LINE.search(text, at):
        start = text.rfind("\n", 0, second.start()) + 1
        found = _DIFF_LINES.match(text, start) or _DIFF_LINES.match(text, second.start() + 1)
        if found and _is_middle_of_key(text, found):
            yield Span(_AFTER_SIGN.match(text, found.start()).end(), found.end(), KIND)  # type: ignore[union-attr]
        at = found.end() if found else second.start() + 1


def _is_middle_of_key(text: str, found: re.Match[str]) -> bool:
    lines = found[0].split("\n")
    before = text[text.rfind("\n", 0, max(0, found.start() - 1)) + 1 : found.start()]
    after = text[found.end() + 1 : text.find("\n", found.end() + 1)]
    return (
        any(line[0] in "+-" for line in lines)
        and len(set("".join(line[1:] for line in lines))) >= _FEWEST_CHARACTERS
        and not ("-----BEGIN" in before or "-----END" in after)
    )


def _blocks(text: str) -> Iterator[Span]:
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    border = _BORDER.search(text)
    done = 0
    while border:
        following = _BORDER.search(text, border.end())
        block = _block(text, border, following, done)
        if block is not None:
            yield Span(*block, KIND)
            done = block[1]
        border = following


def _block(text: str, border: re.Match[str], following: re.Match[str] | None, done: int) -> tuple[int, int] | None:
    """The key that begins at a border, or that ends there and has lost its beginning."""
    if border["begin"]:
        end = _end_of_block(text, border.end(), following)
        return None if end is None else (border.start(), end)
    start = _start_of_key_lines(text, border.start(), done)
    return (start, border.end()) if done <= start < border.start() else None


def _end_of_block(text: str, body: int, following: re.Match[str] | None) -> int | None:
    if following is not None and not following["begin"] and following.start() - body <= LONGEST_BLOCK:
        return following.end() if _is_key_material(text[body : following.start()]) else None
    end = _end_of_key_lines(text, body)
    return end if end > body else None


def _is_key_material(body: str) -> bool:
    material = sum(len(run) for run in _MATERIAL.findall(body))
    return material >= 16 and material >= _MATERIAL_SHARE * len(_PADDING.sub("", body))


def _end_of_key_lines(text: str, at: int) -> int:
    """Where lines of key material end that go on after the first line of a block that has no last line."""
    line = text.find("\n", at) + 1
    end = at
    while line and (found := _LINE_OF_KEY.match(text, line)):
        end = found.end() - 1
        line = found.end()
    return end


def _start_of_key_lines(text: str, at: int, earliest: int) -> int:
    """Where lines of key material begin that go on up to the last line of a block that has no first line."""
    line = text.rfind("\n", earliest, at) + 1
    start = at
    while line > earliest:
        before = text.rfind("\n", earliest, line - 1) + 1
        if before < earliest or not _LINE_OF_KEY.fullmatch(text, before, line):
            break
        line = before
        start = _AFTER_SIGN.match(text, before, at).end()  # type: ignore[union-attr]  # it matches nothing, too
    return start
