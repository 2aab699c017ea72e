"""What redaction is tried on, and with what it is compared."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from foundry.pipeline.redaction import Redactor
from foundry.pipeline.redaction.assignments import secret_names
from foundry.pipeline.redaction.detection import all_detectors
from foundry.pipeline.redaction.detector import Detector, fold, windows
from foundry.pipeline.redaction.known_tokens import STEMS
from foundry.pipeline.redaction.spans import Span
from foundry.testing.planted_secrets import SURROUNDINGS, kinds, planted_secret

HOSTILE_CHARACTERS = 300_000
_EXAMPLES = 8
_ALIKE = {"s": "ſ", "S": "ſ", "i": "ı", "I": "İ", "k": "\N{KELVIN SIGN}"}
"""Letters beyond ASCII that patterns take for these where case does not matter."""

_BEGIN = "-----BEGIN RSA PRIVATE " + "KEY-----"

_REPEATED: dict[str, str] = {
    "one letter": "a",
    "a minified file of one line": 'var a={b:function(c){return c.d("e",f)}};',
    "at signs": "@",
    "dots and an at sign": "a.",
    "beginnings of addresses": "a@a.",
    "beginnings of tokens": "eyJ",
    "beginnings of web tokens": "eyJ0eXAi.eyJhIjox",
    "beginnings of private keys": _BEGIN + "\n",
    "beginnings of URLs": "://a:",
    "backticks": "`",
    "quotes": '"a1',
    "names without values": "password ",
    "open values": "password='",
    "names and many spaces": "api_key" + " " * 300,
    "comparisons": '`"x==password',
    "hexadecimal digits": "0123456789abcdef",
    "underscores": "_aaaaaaaaaaaaaaaaaaaaa",
    "letters beyond ASCII": "ſécrèt İ ",
}


def hostile_texts() -> list[str]:
    """The names of texts that patterns may take for ever on."""
    return list(_REPEATED)


def seconds_to_redact(name: str, redactor: Redactor) -> float:
    """The seconds of the processor that redacting a hostile text of one line takes."""
    piece = _REPEATED[name]
    text = piece * (HOSTILE_CHARACTERS // len(piece))
    started = time.process_time()
    redactor.redact(text, "hostile.yaml")
    return time.process_time() - started


def sources_in(folder: Path, pattern: str = "*.py") -> Iterator[tuple[str, str]]:
    """The paths and texts of the sources below a folder."""
    for path in sorted(folder.rglob(pattern)):
        yield str(path), path.read_text(encoding="utf-8", errors="replace")


def planted_texts() -> Iterator[tuple[str, str]]:
    """The places and texts of every planted secret in each of its surroundings."""
    for kind in kinds():
        for where in SURROUNDINGS.values():
            yield where.place, "".join(where.text_with(planted_secret(kind)))


def missed_by_anchors(place: str, text: str) -> list[str]:
    """What is found if every pattern is tried on every line of a text, but not if only around its anchors."""
    folded = fold(text)
    lines = [(start, end) for start, end in _lines(text)]
    missed = []
    for detector in all_detectors():
        near = windows(text, folded if detector.folded else text, detector.anchors, detector.reach)
        found = set(detector.find(text, near))
        missed += [f"{span.kind} in {place}" for span in detector.find(text, lines) if not _covered(span, found)]
    for names in secret_names():
        near = windows(text, folded, STEMS)
        found = set(names.find(text, folded, place, near))
        missed += [
            f"{span.kind} in {place}" for span in names.find(text, folded, place, lines) if not _covered(span, found)
        ]
    return missed


def _covered(span: Span, found: set[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end, _ in found)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        start = at + 1 if len(line) > 1 and line[0] in "+-" else at
        yield start, at + len(line)
        at += len(line) + 1


def matches_without_anchor() -> list[str]:
    """Texts that a pattern matches and that none of its anchors is found in, among texts made from the pattern."""
    return [
        f"{detector.kind}: {text!r}"
        for detector in all_detectors()
        for pattern in detector.patterns
        for made in _texts_of(pattern, detector)
        for text in (made, *(made.replace(letter, alike) for letter, alike in _ALIKE.items()))
        if pattern.search(text) and not _has_anchor(text, detector)
    ]


def _has_anchor(text: str, detector: Detector) -> bool:
    source = fold(text) if detector.folded else text
    return any(anchor.search(source) for anchor in detector.anchors)


def _texts_of(pattern: re.Pattern[str], detector: Detector) -> list[str]:
    """Texts of one line in which a pattern finds a secret, made from it; the same ones every time."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    texts: list[str] = []

    @settings(
        max_examples=_EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.from_regex(pattern))
    def collect(text: str) -> None:
        match = pattern.search(text)
        if match and "\n" not in match[0] and " " * 20 not in text and detector.accepts(match[detector.group]):
            texts.append(match[0])

    collect()
    return texts


def names_without_stem() -> list[str]:
    """Names that the library takes for those of secrets, and that have none of the stems in them."""
    from detect_secrets.plugins import keyword

    names = [name.replace("_?", "_") for name in keyword.DENYLIST]
    return [name for name in names if not any(stem.search(name) for stem in STEMS)]


def key_written(how: str) -> tuple[str, str, str]:
    """What stands before a private key, the key as it is written down in some way, and what stands after it."""
    lines = planted_secret("RSA private key").secret.split("\n")
    body = lines[1:-1]
    ways: dict[str, tuple[str, str, str]] = {
        "with the line ends of Windows": ("a: 1\r\n", "\r\n".join(lines), "\r\nb: 2\r\n"),
        "indented in YAML": ("key: |\n    ", "\n    ".join(lines), "\nb: 2\n"),
        "in a comment": ("a = 1\n# ", "\n# ".join(lines), "\nb = 2\n"),
        "as a list of strings": ('k = (\n    "', '\\n"\n    "'.join(lines), '\\n"\n)\n'),
        "without its last line": ("+a\n+", "\n+".join(lines[:-3]), "\n rest of the file\n"),
        "without its first line": (" a = 1\n+", "\n+".join(lines[4:]), "\n+b = 2\n"),
        "that a diff replaces by another": (
            " a = 1\n ",
            "\n".join(
                [lines[0], *(f"-{line}" for line in body), *(f"+{line[::-1]}" for line in body), f" {lines[-1]}"]
            ),
            "\n b = 2\n",
        ),
        "of which a diff shows the middle": (
            "@@ -4,7 +4,7 @@\n ",
            "\n".join([body[0], *(f" {line}" for line in body[1:3]), f"-{body[3]}", f"+{body[4]}", f" {body[5]}"]),
            "\n",
        ),
        "of which an indented middle is shown": (
            "@@ -4,2 +4,2 @@\n     ",
            "\n".join([body[0], f"-    {body[3]}", f"+    {body[4]}"]),
            "\n",
        ),
        "after a line that names another one": (f"# it begins with {_BEGIN}\n", "\n".join(lines), "\nb = 2\n"),
    }
    return ways[how]


def diffs_like_keys() -> dict[str, str]:
    """Diffs of lines that are as long as those of a private key, and belong to none."""
    body = planted_secret("RSA private key").secret.split("\n")[1:5]
    digests = [hashlib.sha256(line.encode()).hexdigest() for line in body]
    head, tail = ("-----" + f"{word} CERTIFICATE-----" for word in ("BEGIN", "END"))
    lines = {
        "digests": digests,
        "a genome": [line.translate(str.maketrans("0123456789abcdef", "ACGTACGTACGTACGT")) for line in digests],
        "a certificate": [head, *body],
        "the end of a certificate": [*body, tail],
        "two lines of data": body[:2],
        "words": ["/".join([f"aVeryLongNameOfFolder{number}"] * 3)[:70] for number in range(4)],
    }
    return {name: "".join(f"+{line}\n" for line in added) for name, added in lines.items()}


def texts_naming_key_lines() -> dict[str, str]:
    """Texts that name the first and the last line of private keys, and have no key between them."""
    end = _BEGIN.replace("BEGIN", "END")
    return {
        "a parser": f'if head == "{_BEGIN}":\n    return loaded(head)\nelif tail == "{end}":\n    pass\n',
        "a template": f"{_BEGIN}\n...\n{end}\n",
        "a sentence": f"The file begins with {_BEGIN} and holds the key.\n",
        "two constants": f'BEGIN = "{_BEGIN}"\nEND = "{end}"\n',
    }
