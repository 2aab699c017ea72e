"""Commit objects as git stores them: header lines, an empty line, the message.

They are read as they are, not as `git log` shows them: dates before 1970 and far ahead, odd zones, quotes and angle
brackets in addresses, and messages in any encoding come through.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from foundry.pipeline.records import Person
from foundry.untrusted import shown

UTF_8 = "UTF-8"
MAX_MESSAGE_BYTES = 1_000_000
_PERSON = re.compile(rb"(?P<name>[^<]*)<(?P<email>.*)>\s*(?P<time>-?\d{1,18})\s+(?P<zone>[+-]\d{1,8})\s*", re.DOTALL)
_MAIL = re.compile(rb"(?P<name>[^<]*)<(?P<email>.*)>", re.DOTALL)
_TIME = re.compile(rb"^committer .*> *(-?\d{1,18}) [+-]\d{1,8} *$", re.MULTILINE)
_NOT_FOR_TEXT = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"}
"""Codecs that Python knows and that no editor writes; some take time that grows with the square of the length."""


@dataclass(frozen=True)
class CommitObject:
    """What a commit says of itself.

    Attributes:
        subject: the first paragraph on one line, as git has it.
        body: what follows it, without empty lines around it.
        notes: what could not be read as it should.
    """

    parents: tuple[str, ...]
    author: Person
    committer: Person
    subject: str
    body: str
    notes: tuple[str, ...]


def parents_and_time(content: bytes) -> tuple[tuple[str, ...], int]:
    """The ids of the parents, and the committer's time in seconds since 1970; 0 where it cannot be read."""
    header = content.partition(b"\n\n")[0]
    found = _TIME.search(header)
    return _parents(header.split(b"\n")), int(found[1]) if found else 0


def _parents(header: list[bytes]) -> tuple[str, ...]:
    return tuple([line[7:].decode() for line in header if line.startswith(b"parent ")])


def parse_commit(content: bytes) -> CommitObject:
    """The parts of a commit object."""
    head, _, message = content.partition(b"\n\n")
    header = head.split(b"\n")
    fields: dict[bytes, bytes] = {}
    for line in header:
        key, _, value = line.partition(b" ")
        fields.setdefault(key, value)
    notes: list[str] = []
    if len(message) > MAX_MESSAGE_BYTES:
        notes.append(f"its message of {len(message):,} bytes is cut after {MAX_MESSAGE_BYTES:,}")
        message = message[:MAX_MESSAGE_BYTES]
    encoding = fields[b"encoding"].decode(errors="replace") if b"encoding" in fields else UTF_8
    author = _person(fields.get(b"author", b""), "author", encoding, notes)
    committer = _person(fields.get(b"committer", b""), "committer", encoding, notes)
    subject, body = _subject_and_body(_text(message, encoding, notes))
    return CommitObject(_parents(header), author, committer, subject, body, tuple(dict.fromkeys(notes)))


def _person(line: bytes, role: str, encoding: str, notes: list[str]) -> Person:
    found = _PERSON.fullmatch(line)
    if found is None:
        notes.append(f"its {role} line is malformed: the time is not known")
    parts = found or _MAIL.match(line)
    name, email = (parts["name"], parts["email"]) if parts else (line, b"")
    return {
        "name": _text(name.strip(), encoding, notes),
        "email": _text(email.strip(), encoding, notes),
        "time": int(found["time"]) if found else 0,
        "zone": found["zone"].decode() if found else "+0000",
    }


def _text(content: bytes, encoding: str, notes: list[str]) -> str:
    """The text in the encoding that the commit names, or else as UTF-8, or else as Latin-1, which reads anything."""
    if content.isascii() and encoding == UTF_8 and b"\0" not in content:
        return content.decode("ascii")
    for attempt in (encoding, UTF_8):
        text = _decoded(content, attempt)
        if text is not None:
            break
        notes.append(f"its message or a name is not in {shown(attempt)}")
    else:
        text = content.decode("latin-1")
    return text.replace("\0", "\ufffd")


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        if codecs.lookup(encoding).name in _NOT_FOR_TEXT:
            return None
        return content.decode(encoding)
    except (LookupError, ValueError):
        return None


def _subject_and_body(message: str) -> tuple[str, str]:
    lines = [line.rstrip() for line in message.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    end = lines.index("") if "" in lines else len(lines)
    return " ".join(lines[:end]), "\n".join(lines[end:]).strip("\n")
