"""Histories with the oddities of real life, and some that nobody has met yet: each a few commits, made in milliseconds.

`ODDITIES` names them; the last commit of each is the odd one. `odd_repository` has all of them, each on a branch of its
own, and equal calls make equal commit ids.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foundry.testing.raw_objects import ADA, LINK, PROGRAM, Entry, ObjectWriter, submodule_at
from foundry.testing.repositories import SampleRepository

FIRST_DATE = 1_700_000_000
LONG_DIFF_LINES = 100_000
ODD_NAMES = (
    b"tab\there",
    b"line\nend",
    b'"quoted"',
    b"back\\slash",
    b" leading and trailing ",
    b"caf\xc3\xa9",
    b"latin-\xe9",
    b"a b/ b/a b",
    b"-rf",
    b"diff --git a/x b/x\n@@ -1 +1 @@\n+x",
    b"escape-\x1b[2J",
    b"folder\twith tab/in\nit",
)
"""Paths that confuse who reads what git prints."""
DECEPTIVE_LINES = (
    b"diff --git a/x b/x",
    b"@@ -1,3 +1,3 @@ heading",
    b":100644 100644 0000000 0000000 M\tx",
    b"Binary files a/x and b/x differ",
    b"--- a/x",
    b"+++ b/x",
    b"\\ No newline at end of file",
    b"commit 0000000000000000000000000000000000000000",
    b"\x1b[31mred",
    b"carriage return \r in the middle",
    b"form feed \x0c and line separator \xe2\x80\xa8 and next line \xc2\x85",
)
"""Lines of a file that look like what git prints around it, or like line ends to some readers."""


def when(number: int, person: bytes = ADA) -> bytes:
    """The line of somebody who did something `number` hours after the first."""
    return b"%s %d +0100" % (person, FIRST_DATE + 3600 * number)


def _pair(writer: ObjectWriter, before: dict[bytes, bytes | Entry], after: dict[bytes, bytes | Entry]) -> str:
    first = writer.commit(before, author=when(0), message=b"Before\n")
    return writer.commit(after, [first], author=when(1), message=b"After\n")


def _said(message: bytes, headers: bytes = b"") -> Callable[[ObjectWriter], str]:
    return lambda writer: writer.commit({b"a.txt": b"a\n"}, author=when(0), message=message, headers=headers)


def _by(author: bytes) -> Callable[[ObjectWriter], str]:
    return lambda writer: writer.commit({b"a.txt": b"a\n"}, author=author)


def _side_commits(writer: ObjectWriter, count: int) -> tuple[str, list[str]]:
    base = writer.commit({b"a.txt": b"a\n"}, author=when(0), message=b"Base\n")
    sides = [
        writer.commit({b"a.txt": b"a\n", b"side-%d.txt" % side: b"side\n"}, [base], b"Side\n", when(1 + side))
        for side in range(count)
    ]
    return base, sides


def _merge(count: int) -> Callable[[ObjectWriter], str]:
    def make(writer: ObjectWriter) -> str:
        _, sides = _side_commits(writer, count)
        files = {b"a.txt": b"a\n", **{b"side-%d.txt" % side: b"side\n" for side in range(count)}}
        return writer.commit(files, sides, b"Merge everything\n", when(9))

    return make


def _evil_merge(writer: ObjectWriter) -> str:
    _, sides = _side_commits(writer, 2)
    files = {b"a.txt": b"neither side wrote this\n", b"side-0.txt": b"side\n", b"side-1.txt": b"side\n"}
    return writer.commit(files, sides, b"Merge, and change something\n", when(9))


def _older_child(writer: ObjectWriter) -> str:
    first = writer.commit({b"a.txt": b"a\n"}, author=when(100))
    return writer.commit({b"a.txt": b"b\n"}, [first], author=when(1))


def _same_parent_twice(writer: ObjectWriter) -> str:
    first = writer.commit({b"a.txt": b"a\n"}, author=when(0))
    return writer.commit({b"a.txt": b"b\n"}, [first, first], author=when(1))


_TEXT = b"".join(b"line %d\n" % number for number in range(30))
_LONG = b"".join(b"number %d\n" % number for number in range(LONG_DIFF_LINES))
_SIGNATURE = (
    b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n author Mallory <m@example.org> 1 +0000\n parent 00\n"
    b" -----END PGP SIGNATURE-----\n"
)

ODDITIES: dict[str, Callable[[ObjectWriter], str]] = {
    # what happens to files
    "a first commit": lambda writer: writer.commit({b"a.txt": b"a\n"}, author=when(0)),
    "an empty commit": lambda writer: _pair(writer, {b"a.txt": b"a\n"}, {b"a.txt": b"a\n"}),
    "a commit without any file": lambda writer: writer.commit({}, author=when(0)),
    "a deleted file": lambda writer: _pair(writer, {b"a.txt": b"a\n", b"b.txt": b"b\n"}, {b"b.txt": b"b\n"}),
    "a renamed file": lambda writer: _pair(writer, {b"old name.txt": _TEXT}, {b"new\tname.txt": _TEXT}),
    "a renamed and changed file": lambda writer: _pair(writer, {b"a.txt": _TEXT}, {b"d/b.txt": _TEXT + b"more\n"}),
    "a change of mode": lambda writer: _pair(writer, {b"a.sh": b"a\n"}, {b"a.sh": Entry(PROGRAM, b"a\n")}),
    "a change of mode and content": lambda writer: _pair(writer, {b"a.sh": b"a\n"}, {b"a.sh": Entry(PROGRAM, b"b\n")}),
    "a new empty file": lambda writer: _pair(writer, {}, {b"empty": b""}),
    "a new link": lambda writer: _pair(writer, {}, {b"link": Entry(LINK, b"/etc/passwd")}),
    "a link that becomes a file": lambda writer: _pair(writer, {b"l": Entry(LINK, b"a")}, {b"l": b"text\n"}),
    "a file that becomes a folder": lambda writer: _pair(writer, {b"f": _TEXT}, {b"f/inside": b"other\n"}),
    "a new submodule": lambda writer: _pair(writer, {}, {b"module": submodule_at("5" * 40)}),
    "a moved submodule": lambda writer: _pair(
        writer, {b"module": submodule_at("5" * 40)}, {b"module": submodule_at("6" * 40)}
    ),
    "a changed picture": lambda writer: _pair(writer, {b"p.png": b"\x89PNG\0\1"}, {b"p.png": b"\x89PNG\0\2"}),
    "a diff of 100,000 lines": lambda writer: _pair(writer, {b"a.txt": b"a\n"}, {b"a.txt": b"a\n", b"long.txt": _LONG}),
    "lines without an end": lambda writer: _pair(writer, {b"a.txt": b"one\ntwo"}, {b"a.txt": b"one\nthree"}),
    "lines with two ends": lambda writer: _pair(writer, {b"a.txt": b"one\r\ntwo\r\n"}, {b"a.txt": b"one\r\n2\r\n"}),
    "lines in Latin-1": lambda writer: _pair(writer, {b"a.txt": b"caf\xe9\n"}, {b"a.txt": b"th\xe9\n"}),
    "lines that look like a patch": lambda writer: _pair(
        writer, {b"a.txt": b"\n".join(DECEPTIVE_LINES[::-1])}, {b"a.txt": b"\n".join(DECEPTIVE_LINES)}
    ),
    "names that confuse": lambda writer: _pair(
        writer, dict.fromkeys(ODD_NAMES, b"before\n"), dict.fromkeys(ODD_NAMES, b"after\n")
    ),
    # parents
    "a merge": _merge(2),
    "an octopus merge": _merge(4),
    "a merge that changes something": _evil_merge,
    "a child that is older than its parent": _older_child,
    "a parent that is named twice": _same_parent_twice,
    # people and dates
    "a date before 1970": _by(ADA + b" -86400 -0800"),
    "a date beyond 2038": _by(ADA + b" 4294967297 +0000"),
    "a date beyond 2500": _by(ADA + b" 20000000000 +0000"),
    "a zone of 14 hours": _by(ADA + b" 1700000000 +1400"),
    "a zone of 51 minutes and more": _by(ADA + b" 1700000000 -005151"),
    "an address with quotes": _by(b'Ada <"ada b"@example.org> 1700000000 +0000'),
    "an address with brackets": _by(b"Ada <ada<at>example.org> 1700000000 +0000"),
    "an address with a tab": _by(b"Ada <ada\tb@example.org> 1700000000 +0000"),
    "no address": _by(b"Ada <> 1700000000 +0000"),
    "no name": _by(b"<ada@example.org> 1700000000 +0000"),
    "a name with quotes": _by(b'Ada "the first" O\'Neil, Ph.D. <ada@example.org> 1700000000 +0000'),
    "no date": _by(b"Ada <ada@example.org>"),
    "a date without end": _by(ADA + b" " + b"9" * 5000 + b" +0000"),
    # messages
    "a message in Latin-1 that says so": _said(b"Caf\xe9\n", b"encoding ISO-8859-1\n"),
    "a message in Shift JIS that says so": _said("日本語\n".encode("shift_jis"), b"encoding Shift_JIS\n"),
    "a message in Latin-1 that does not say so": _said(b"Caf\xe9\n"),
    "a message in an unknown encoding": _said("Café\n".encode(), b"encoding klingon\n"),
    "a message in no encoding for text": _said(b"41\n", b"encoding hex\n"),
    "an empty message": _said(b""),
    "a message of 3,000,000 bytes": _said(b"Long\n\n" + b"words " * 499_999),
    "an author's line of 3,000,000 bytes without a bracket": _by(b"Ada " * 750_000),
    "a message of blank lines": _said(b"\n \n\n"),
    "a subject of two lines": _said(b"\n\nFirst line\nsecond line\n\nBody,\nof two lines.\n\n"),
    "a message with a zero byte": _said(b"Before\0after\n"),
    "a message with two line ends": _said(b"Subject\r\n\r\nBody\r\n"),
    "a message that looks like a header": _said(b"author Mallory <m@example.org> 1 +0000\n\nparent 00\n"),
    "a signed commit": _said(b"Signed\n", _SIGNATURE),
}


def odd_history(folder: Path, name: str) -> tuple[SampleRepository, str]:
    """A repository with one of `ODDITIES` on its branch `main`, and the id of the odd commit."""
    repository = SampleRepository(folder)
    writer = ObjectWriter(folder / ".git")
    commit_id = ODDITIES[name](writer)
    writer.branch("main", commit_id)
    return repository, commit_id


def odd_repository(folder: Path) -> SampleRepository:
    """A repository with all of `ODDITIES`, on the branches `odd-1`, `odd-2` and so on; `main` is an ordinary one."""
    repository = SampleRepository(folder)
    writer = ObjectWriter(folder / ".git")
    for number, make in enumerate(ODDITIES.values(), start=1):
        writer.branch(f"odd-{number}", make(writer))
    writer.branch("main", writer.commit({b"a.py": b"a = 1\n", b"LICENSE": b"All rights reserved.\n"}, author=when(50)))
    return repository
