"""Values that are assigned to names such as `password`, found by the library's keyword plugin."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from foundry.pipeline.redaction.detector import windows
from foundry.pipeline.redaction.plausibility import is_chosen_password
from foundry.pipeline.redaction.spans import Span

KIND = "password"

_SETTINGS_FILES = frozenset({".env", ".envrc", ".npmrc", ".netrc", ".pypirc", ".pgpass", "dockerfile", "credentials"})
_SETTINGS_SUFFIXES = frozenset({".env", ".sh", ".bash", ".zsh", ".tfvars", ".service", ".editorconfig"})
_ENDS_OF_VALUE = re.compile(r"[\s;,&]")


def assigned_secrets(text: str, folded: str, place: str) -> Iterator[Span]:
    """The values that look like passwords, of names that sound like one."""
    keywords, patterns = _keywords(), _patterns_for(place)
    for start, end in windows(text, folded, keywords):
        window = text[start:end]
        for hit in keywords.finditer(folded, start, end):
            yield from _assigned_at(window, hit.start() - start, start, patterns)


def _assigned_at(window: str, at: int, offset: int, patterns: Mapping[re.Pattern[str], int]) -> Iterator[Span]:
    for pattern, group in patterns.items():
        if match := pattern.match(window, at):
            value = _ENDS_OF_VALUE.split(match[group], maxsplit=1)[0]
            if is_chosen_password(value):
                begin = offset + match.start(group)
                yield Span(begin, begin + len(value), KIND)


@functools.cache
def _keywords() -> re.Pattern[str]:
    from detect_secrets.plugins import keyword

    return re.compile("|".join(keyword.DENYLIST))


def _patterns_for(place: str) -> Mapping[re.Pattern[str], int]:
    from detect_secrets.plugins import keyword
    from detect_secrets.util.filetype import determine_file_type

    path = PurePosixPath(place)
    if path.name.lower() in _SETTINGS_FILES or path.suffix.lower() in _SETTINGS_SUFFIXES:
        patterns: Any = keyword.CONFIG_DENYLIST_REGEX_TO_GROUP
    else:
        patterns = keyword.REGEX_BY_FILETYPE.get(
            determine_file_type(place), keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP
        )
    return patterns  # type: ignore[no-any-return]
