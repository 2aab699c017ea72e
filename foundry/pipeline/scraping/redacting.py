"""Redacts what is stored of a commit that is suspected of holding something to replace.

The texts of a commit are looked at together first, those of files with one ending in one piece. Only where that finds
anything are they redacted one by one, and what was found is counted where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from foundry.pipeline.config import RedactConfig
from foundry.pipeline.records import FileChange, Person, Redaction
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.scraping.patches import Patch
from foundry.pipeline.scraping.suspects import MESSAGE, OVER_LINES, ending_of


class CommitRedactor:
    """Redacts one commit."""

    def __init__(self, config: RedactConfig) -> None:
        self._redactor = Redactor(config)
        self._scout = Redactor(config)
        self._has_work = config.secrets or config.emails == "hash"

    def message(self, subject: str, body: str) -> tuple[str, str]:
        """The subject and the body without secrets."""
        if self._is_clean(f"{subject}\n{body}", MESSAGE):
            return subject, body
        return self._redactor.redact(subject, MESSAGE), self._redactor.redact(body, MESSAGE)

    def files(self, changes: Iterable[FileChange]) -> None:
        """Take the secrets out of all hunks."""
        groups: dict[str, list[FileChange]] = {}
        for change in changes:
            if change["hunks"]:
                groups.setdefault(ending_of(change["path"]), []).append(change)
        for group in groups.values():
            hunks = [hunk for change in group for hunk in change["hunks"]]
            together = "\n".join(f"{hunk['heading']}\n{hunk['text']}" for hunk in hunks)
            if not self._is_clean(together, group[0]["path"]):
                for change in group:
                    self._file(change)

    def person(self, person: Person) -> Person:
        """Somebody, with what is kept of the name and of the address."""
        name, email = self._redactor.name(person["name"]), self._redactor.email(person["email"])
        return {**person, "name": name, "email": email}

    def redactions(self) -> list[Redaction]:
        """What was replaced."""
        return redactions_of(self._redactor)

    def _is_clean(self, text: str, place: str) -> bool:
        if not self._has_work:
            return True
        return not any(sign in text for sign in OVER_LINES) and self._scout.redact(text, place) == text

    def _file(self, change: FileChange) -> None:
        path = change["path"]
        for hunk in change["hunks"]:
            hunk["text"] = self._redactor.redact(hunk["text"], path)
            if hunk["heading"]:
                hunk["heading"] = self._redactor.redact(hunk["heading"], path)


def redact_names(patch: Patch, redactor: Redactor) -> None:
    """Take secrets and addresses out of the paths of a patch, and lines of private keys out of its headings."""
    for change in patch.files:
        for hunk in change["hunks"]:
            hunk["heading"] = redactor.heading(hunk["heading"])
        change["path"] = redactor.name(change["path"])
        if change["old_path"]:
            change["old_path"] = redactor.name(change["old_path"])
    patch.not_utf8 = [redactor.name(path) for path in patch.not_utf8]


def redactions_of(redactor: Redactor) -> list[Redaction]:
    """What was replaced, sorted by place and kind."""
    return sorted([place, kind, count] for place, kinds in redactor.tally().items() for kind, count in kinds.items())
