"""Licences, recognised by passages that each has and the others have not."""

from __future__ import annotations

import re

LONGEST_TEXT = 200_000
LATEST_BEGINNING = 3_000
"""Characters before the text of a licence; what stands further down is the licence of something that comes along."""

_DECORATION = re.compile(r"""^[ \t/*#;%<>!.{}|-]+|[ \t*/#|]+$|[*_`"'“”‘’]+""", re.MULTILINE)
_SPACE = re.compile(r"\s+")

_BSD = "redistribution and use in source and binary forms"
_BSD_ENDORSEMENT = re.compile(r"neither the names? of .{1,200}? (?:may|nor the names).{0,200}?endorse or promote")
_LATER = "any later version"
_GNU_NAMES = (
    ("AGPL", "gnu affero general public license"),
    ("LGPL", "gnu lesser general public license"),
    ("LGPL", "gnu library general public license"),
    ("GPL", "gnu general public license"),
)
_GNU_NOTICE = re.compile(
    r"under the terms of (?:version (\d(?:\.\d)?) of )?the (gnu (?:affero |lesser |library )?general public license)"
    r"(?: as published by the free software foundation)?[,;]? ?"
    r"(?:(?:either )?version (\d(?:\.\d)?)(?: of the license)?)?"
    r"(.{0,80})"
)
_GNU_TITLE = re.compile(r"^.{0,200}?(gnu (?:affero |lesser |library )?general public license) version (\d(?:\.\d)?)")

_PASSAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Apache-2.0", ("apache license", "version 2.0", "terms and conditions for use, reproduction, and distribution")),
    ("MPL-2.0", ("mozilla public license", "version 2.0", "covered software")),
    ("EPL-2.0", ("eclipse public license - v 2.0",)),
    ("BSL-1.0", ("boost software license - version 1.0",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("PSF-2.0", ("python software foundation license version 2",)),
    ("MIT-CMU", ("by obtaining, using, and copying this software and its associated documentation",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    (
        "Zlib",
        ("without any express or implied warranty", "origin of this software must not be misrepresented"),
    ),
    (
        "MIT",
        (
            "permission is hereby granted, free of charge, to any person obtaining a copy",
            "the above copyright notice and this permission notice shall be included in all copies",
        ),
    ),
    (
        "ISC",
        (
            "permission to use, copy, modify, and distribute this software for any purpose with or without fee",
            "provided that the above copyright notice and this permission notice appear in all copies",
        ),
    ),
    (
        "0BSD",
        (
            "permission to use, copy, modify, and distribute this software for any purpose with or without fee is "
            "hereby granted. the software is provided",
        ),
    ),
)
_NOTICES: tuple[tuple[str, str], ...] = (
    ("Apache-2.0", "licensed under the apache license, version 2.0"),
    ("MPL-2.0", "subject to the terms of the mozilla public license, v. 2.0"),
    ("BSL-1.0", "distributed under the boost software license, version 1.0"),
    ("EPL-2.0", "made available under the terms of the eclipse public license 2.0"),
)


def licence_of_text(text: str) -> str | None:
    """The SPDX identifier of the licence whose full text this is, or the first of several.

    The text of a GNU licence does not say whether later versions may be chosen, so the answer is `-only` unless a
    notice before it says so.
    """
    words = _words(text[:LONGEST_TEXT])
    return _gnu_title(words) or _full_text(words) or _notice(words[:LATEST_BEGINNING])


def licence_of_header(text: str) -> str | None:
    """The licence whose text or notice stands at the top of a source file."""
    words = _words(text)
    return _full_text(words) or _notice(words)


def _full_text(words: str) -> str | None:
    found = [(words.find(passages[0]), name) for name, passages in _PASSAGES if all(map(words.__contains__, passages))]
    if _BSD in words:
        found.append((words.find(_BSD), "BSD-3-Clause" if _BSD_ENDORSEMENT.search(words) else "BSD-2-Clause"))
    at, first = min(found, default=(LATEST_BEGINNING, None))
    return first if at < LATEST_BEGINNING else None


def _notice(words: str) -> str | None:
    for identifier, passage in _NOTICES:
        if passage in words:
            return identifier
    if notice := _GNU_NOTICE.search(words):
        return _gnu(notice[2], notice[1] or notice[3] or "", _LATER in notice[4])
    return None


def _gnu_title(words: str) -> str | None:
    title = _GNU_TITLE.search(words[:2_000])
    return _gnu(title[1], title[2], later=False) if title else None


def _gnu(name: str, version: str, later: bool) -> str | None:
    family = next(family for family, full_name in _GNU_NAMES if full_name == name)
    if not version:
        return None
    number = version if "." in version else f"{version}.0"
    return f"{family}-{number}-{'or-later' if later else 'only'}"


def _words(text: str) -> str:
    """The text in small letters, without decoration, line ends and quotation marks; `and/or` is `and`."""
    return _SPACE.sub(" ", _DECORATION.sub("", text)).strip().lower().replace("and/or", "and")
