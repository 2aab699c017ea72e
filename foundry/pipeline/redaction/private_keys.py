"""Private keys: whole blocks, of which the library marks the first line alone.

A block may stand in a diff, in a string with `\\n` for its line ends, or in a comment, and may have lost its beginning
or its end at the border of a hunk. A text that merely names the first and last line of such a block is left alone.
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


def private_keys(text: str) -> Iterator[Span]:
    """Every private key in a text, in their order."""
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
