"""Values that are assigned to names such as `password` and `api_key`, in the forms that the library's plugin knows.

The library has no names for tokens. They are looked for in the same forms, but since `token` is also the word for what
language models read, only values that look random are taken.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from foundry.pipeline.redaction.plausibility import is_chosen_password, is_random_token
from foundry.pipeline.redaction.spans import Span

TOKEN_NAMES = r"token|credential|passphrase|(?:access|signing|encryption|session|master|webhook)_?key"

PASS_NAMES = r"(?<![a-z])pass(?:code)?(?!\w)"
"""Words that are names of secrets only where they stand alone."""

_SETTINGS_FILES = frozenset({".npmrc", ".netrc", ".pypirc", ".pgpass", "dockerfile", "credentials"})
_SETTINGS_BEGINNINGS = (".env", "dockerfile.")
"""Of names such as `.envrc`, `.env.production` and `Dockerfile.prod`."""
_SETTINGS_SUFFIXES = frozenset({".env", ".dockerfile", ".sh", ".bash", ".zsh", ".tfvars", ".service", ".npmrc"})
_QUOTES = "'\"`"
_UNQUOTED = re.compile(r"[^\s;]*")
_UNQUOTED_IN_QUERY = re.compile(r"[^\s;&]*")

Forms = Mapping[re.Pattern[str], int]
"""Patterns that begin with the name, and which of their groups is the value."""


@dataclass(frozen=True)
class Names:
    """Names whose values are secret.

    Attributes:
        pattern: the names, in small letters.
        replaced: what stands for the names in the library's patterns; None leaves the library's own.
    """

    kind: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]
    replaced: str | None = None

    def find(self, text: str, folded: str, place: str, windows: Iterable[tuple[int, int]]) -> Iterator[Span]:
        """The secret values in a text.

        Args:
            folded: what `detector.fold` makes of it.
            windows: what `detector.windows` says of `STEMS`.
        """
        forms = _forms(place, self.replaced)
        for start, end in windows:
            for hit in self.pattern.finditer(folded, start, end):
                yield from self._values_at(text[start:end], hit.start() - start, start, forms)

    def _values_at(self, window: str, at: int, offset: int, forms: Forms) -> Iterator[Span]:
        for pattern, group in forms.items():
            if match := pattern.match(window, at):
                begin, value = match.start(group), _value(window, at, match, group)
                if self.accepts(value):
                    yield Span(offset + begin, offset + begin + len(value), self.kind)


@functools.cache
def secret_names() -> tuple[Names, ...]:
    """The library's names and our own."""
    from detect_secrets.plugins import keyword

    return (
        Names("password", re.compile("|".join(keyword.DENYLIST)), is_chosen_password),
        Names("password", re.compile(PASS_NAMES), is_chosen_password, replaced=PASS_NAMES),
        Names("token", re.compile(TOKEN_NAMES), is_random_token, replaced=TOKEN_NAMES),
    )


@functools.lru_cache(maxsize=10_000)
def is_settings_file(place: str) -> bool:
    """Whether values stand without quotes in a file, as in `.env.production` and `app.dockerfile`."""
    path = PurePosixPath(place.lower())
    return (
        path.name in _SETTINGS_FILES or path.name.startswith(_SETTINGS_BEGINNINGS) or path.suffix in _SETTINGS_SUFFIXES
    )


def _value(window: str, at: int, match: re.Match[str], group: int) -> str:
    """What is assigned: all that is quoted, or up to the next space or semicolon, or the next part of a query."""
    value = match[group]
    if window[match.start(group) - 1] in _QUOTES:
        return value
    unquoted = (_UNQUOTED_IN_QUERY if window[at - 1 : at] in ("?", "&") else _UNQUOTED).match(value)
    return unquoted[0].rstrip(",") if unquoted else ""


@functools.cache
def _adapted(form: re.Pattern[str], replaced: str) -> re.Pattern[str]:
    from detect_secrets.plugins import keyword

    return re.compile(form.pattern.replace("|".join(keyword.DENYLIST), replaced), form.flags)


def _forms(place: str, replaced: str | None) -> Forms:
    forms = _forms_of_file(place)
    return forms if replaced is None else {_adapted(form, replaced): group for form, group in forms.items()}


def _forms_of_file(place: str) -> Forms:
    from detect_secrets.plugins import keyword
    from detect_secrets.util.filetype import determine_file_type

    if is_settings_file(place):
        return keyword.CONFIG_DENYLIST_REGEX_TO_GROUP
    return keyword.REGEX_BY_FILETYPE.get(determine_file_type(place), keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP)
