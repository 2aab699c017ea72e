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

_BEGIN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
    r"|PuTTY-User-Key-File-\d: "
)
_END = re.compile(
    r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|---- END SSH2 ENCRYPTED PRIVATE KEY ----"
    r"|Private-MAC: [0-9a-f]+"
)
_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{16,}")
_PADDING = re.compile(r"""[\s+\-"'`,;#*|>\\()]+""")
_MATERIAL_SHARE = 0.6
_LINE_OF_KEY = re.compile(
    r"""[\s+\-"'`,;#*|>\\()]*(?:[A-Za-z0-9+/]{40,}={0,2}|[A-Za-z-]{3,20}: [^\n]{0,80})[^\n]{0,8}\n"""
)


def private_keys(text: str) -> Iterator[Span]:
    """Every private key in a text, in their order."""
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    at = 0
    while begin := _BEGIN.search(text, at):
        at = begin.end()
        end = _end_of_block(text, begin.end())
        if end is not None:
            yield Span(begin.start(), end, KIND)
            at = end


def _end_of_block(text: str, body: int) -> int | None:
    end = _END.search(text, body, body + LONGEST_BLOCK)
    another = _BEGIN.search(text, body, end.start() if end else body + LONGEST_BLOCK)
    if end is not None and another is None:
        return end.end() if _is_key_material(text[body : end.start()]) else None
    lines_end = _end_of_key_lines(text, body)
    return lines_end if lines_end > body else None


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
