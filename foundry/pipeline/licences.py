"""The licence that holds for a file of a repository.

What stands in the file itself comes first: an `SPDX-License-Identifier:` line, else a notice, near its top. Otherwise
the nearest statement on the way up to the top of the tree holds: in one folder, licence files (`LICENSE`, `COPYING`,
...) before the `license` of `pyproject.toml`, `package.json` or `Cargo.toml`. A licence file whose text is not
recognised ends the search without an answer: whatever holds further up does not hold below it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from foundry.pipeline.licence_expressions import normalized
from foundry.pipeline.licence_manifests import MANIFESTS, licence_of_manifest
from foundry.pipeline.licence_texts import licence_of_header, licence_of_text

HEADER_CHARACTERS = 4_000

_SPDX_LINE = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+:() \t-]{1,300})")
_MENTIONED = re.compile(r"[Ll]icen[cs]e|LICEN[CS]E|[Pp]ermission|Redistribution")
_NAME = re.compile(r"(?:(?:un)?licen[cs]e|copying|notice)s?(?:[-_.][\w.-]*)?", re.IGNORECASE)
_LESSER = ".lesser"
_TEXT_SUFFIXES = frozenset({"", ".txt", ".md", ".rst", ".markdown", ".html", _LESSER})
_ALTERNATIVE = re.compile(r"licen[cs]e[-_.](?:mit|apache|bsd|gpl|lgpl|mpl|isc|zlib|boost|unlicense)", re.IGNORECASE)


def is_licence_file(path: str) -> bool:
    """Whether a file is one of those that `LicenceFinder` asks for the licence of others."""
    name = PurePosixPath(path).name
    if name in MANIFESTS:
        return True
    suffix = PurePosixPath(name).suffix.lower()
    return bool(_NAME.fullmatch(name)) and (suffix in _TEXT_SUFFIXES or bool(_ALTERNATIVE.match(name)))


class LicenceFinder:
    """Finds the licence of the files of one tree.

    Args:
        texts: the texts of the files of the tree that `is_licence_file` chooses, by path.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._names: dict[str, list[str]] = {}
        for path in sorted(texts):
            self._names.setdefault(str(PurePosixPath(path).parent), []).append(path)
        self._of_folder: dict[str, str | None] = {}

    def licence_of(self, path: str, text: str) -> str | None:
        """The SPDX expression that holds for a file, or None where none was found."""
        return licence_in_header(text) or self._above(str(PurePosixPath(path).parent))

    def _above(self, folder: str) -> str | None:
        if folder not in self._of_folder:
            stated, licence = self._stated_in(folder)
            parent = str(PurePosixPath(folder).parent)
            self._of_folder[folder] = licence if stated or folder == parent else self._above(parent)
        return self._of_folder[folder]

    def _stated_in(self, folder: str) -> tuple[bool, str | None]:
        """Whether a folder says anything on licences, and what."""
        paths = self._names.get(folder, [])
        manifests = [path for path in paths if PurePosixPath(path).name in MANIFESTS]
        files = [path for path in paths if path not in manifests]
        in_files = {path: licence_of_text(self._texts[path]) for path in files}
        in_manifests = [
            licence
            for path in manifests
            if (licence := licence_of_manifest(PurePosixPath(path).name, self._texts[path]))
        ]
        recognised = sorted({licence for licence in _holding(in_files).values() if licence})
        if len(recognised) == 1:
            return True, recognised[0]
        if in_manifests:
            return True, in_manifests[0]
        if recognised:
            return True, _joined(recognised, [path for path, licence in in_files.items() if licence])
        return any(not _is_notice(path) for path in files), None


def licence_in_header(text: str) -> str | None:
    """The licence that the first lines of a file name."""
    header = text[:HEADER_CHARACTERS]
    if line := _SPDX_LINE.search(header):
        return normalized(line[1].strip().rstrip("-").strip())
    return licence_of_header(header) if _MENTIONED.search(header) else None


def _holding(in_files: dict[str, str | None]) -> dict[str, str | None]:
    """Beside a `COPYING.LESSER`, the text of the GPL only stands because the LGPL builds on it."""
    lesser = {path: licence for path, licence in in_files.items() if path.lower().endswith(_LESSER)}
    return lesser or in_files


def _joined(licences: list[str], paths: list[str]) -> str:
    """Files such as `LICENSE-MIT` beside each other offer a choice; other files hold together."""
    offered = all(_ALTERNATIVE.match(PurePosixPath(path).name) for path in paths if not _is_notice(path))
    return (" OR " if offered else " AND ").join(licences)


def _is_notice(path: str) -> bool:
    return PurePosixPath(path).name.lower().startswith("notice")
