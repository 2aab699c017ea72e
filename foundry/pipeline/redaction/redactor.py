"""Redaction as the phases use it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from foundry.pipeline.config import RedactConfig
from foundry.pipeline.redaction.counts import Counts, Tally
from foundry.pipeline.redaction.detection import require_library, secrets_in
from foundry.pipeline.redaction.mail import address_digest, addresses_in
from foundry.pipeline.redaction.private_keys import KIND as KEY_KIND
from foundry.pipeline.redaction.private_keys import is_line_of_key
from foundry.pipeline.redaction.spans import marker, replaced

EMAIL_KIND = "email"
MOST_ROUNDS = 8
"""A marker may bring to light what stood beside it; in practice the second round finds nothing more."""


class Redactor:
    """Replaces what must not be stored, and counts it.

    Equal texts become equal texts, and what has been redacted is not changed by doing it again. Several processes may
    each have one of their own: `merge` adds up what they have counted.

    Args:
        config: what is replaced.

    Raises:
        UserError: the library that knows what credentials look like is not installed.
    """

    def __init__(self, config: RedactConfig) -> None:
        self._config = config
        self._counts = Counts()
        if config.secrets:
            require_library()

    def redact(self, text: str, place: str) -> str:
        """The text with a marker such as `<REDACTED:aws-access-key>` for each secret, and digests for addresses.

        Args:
            text: a file, the hunks of a diff, a message; whole, since a private key goes over many lines.
            place: the path that it belongs to, or another name, such as `commit message`; what is found is counted
                there. The ending of a path tells what assignments look like in it.
        """
        kinds: Counter[str] = Counter()
        if self._config.secrets:
            text = _without_secrets(text, place, kinds)
        if self._config.emails == "hash":
            text = _without_addresses(text, kinds)
        for kind, number in kinds.items():
            self._counts.add(place, kind, number)
        return text

    def email(self, address: str) -> str:
        """What is kept of an author's address: a digest, equal for addresses that are equal ignoring case."""
        return address if self._config.emails == "keep" else address_digest(address)

    def name(self, name: str) -> str:
        """What is kept of a name: of a person, a path, a branch or a tag. Equal names stay equal; none is counted."""
        return _redacted_name(name, self._config.secrets, self._config.emails == "hash")

    def heading(self, heading: str) -> str:
        """What is kept of the heading of a hunk before `redact` sees it: git may take a line of a key for one."""
        return marker(KEY_KIND) if self._config.secrets and is_line_of_key(heading) else heading

    def counts(self) -> dict[str, Any]:
        """What was replaced, for the manifest: exact totals by kind, and by file for those with most."""
        return self._counts.as_results()

    def tally(self) -> Tally:
        """What was replaced, by place and kind, complete: plain values for another redactor's `merge`."""
        return self._counts.tally()

    def merge(self, tally: Mapping[str, Mapping[str, int]]) -> None:
        """Count also what another redactor, or an earlier run, has counted."""
        self._counts.merge(tally)


@functools.lru_cache(maxsize=20_000)
def _redacted_name(name: str, secrets: bool, addresses: bool) -> str:
    """Remembered: a history has few people and paths, and names them often."""
    kinds: Counter[str] = Counter()
    if secrets:
        name = _without_secrets(name, "", kinds)
    return _without_addresses(name, kinds) if addresses else name


def _without_secrets(text: str, place: str, kinds: Counter[str]) -> str:
    for _ in range(MOST_ROUNDS):
        spans = secrets_in(text, place)
        if not spans:
            break
        kinds.update(span.kind for span in spans)
        text = replaced(text, spans)
    return text


def _without_addresses(text: str, kinds: Counter[str]) -> str:
    pieces, at = [], 0
    for start, end in addresses_in(text):
        pieces += [text[at:start], address_digest(text[start:end])]
        at = end
        kinds[EMAIL_KIND] += 1
    return "".join([*pieces, text[at:]]) if pieces else text
