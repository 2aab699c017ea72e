"""The beginnings of licence texts, as they are told apart by, laid out in lines as licence files are."""

from __future__ import annotations

import importlib.metadata
import textwrap
from pathlib import PurePosixPath

from foundry.pipeline.licences import is_licence_file

_PERMISSION = (
    "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby "
    "granted"
)
_SOURCE_AND_BINARY = (
    "Redistribution and use in source and binary forms, with or without modification, are permitted provided that"
)

_SPECIMENS: dict[str, str] = {
    "0BSD": f"{_PERMISSION}. THE SOFTWARE IS PROVIDED",
    "AGPL-3.0-only": "GNU AFFERO GENERAL PUBLIC LICENSE Version 3, 19 November 2007",
    "Apache-2.0": "Apache License Version 2.0, January 2004 TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND "
    "DISTRIBUTION",
    "BSD-2-Clause": _SOURCE_AND_BINARY,
    "BSD-3-Clause": f"{_SOURCE_AND_BINARY} ... Neither the name of Ada nor the names of its contributors may be used "
    "to endorse or promote products",
    "BSL-1.0": "Boost Software License - Version 1.0 - August 17th, 2003",
    "CC0-1.0": "CC0 1.0 Universal",
    "EPL-2.0": "Eclipse Public License - v 2.0",
    "GPL-2.0-only": "GNU GENERAL PUBLIC LICENSE Version 2, June 1991",
    "GPL-3.0-only": "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007",
    "ISC": f"{_PERMISSION}, provided that the above copyright notice and this permission notice appear in all copies.",
    "LGPL-2.1-only": "GNU LESSER GENERAL PUBLIC LICENSE Version 2.1, February 1999",
    "LGPL-3.0-only": "GNU LESSER GENERAL PUBLIC LICENSE Version 3, 29 June 2007",
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy ... The above copyright "
    "notice and this permission notice shall be included in all copies",
    "MPL-2.0": "Mozilla Public License Version 2.0 1. Definitions ... Covered Software",
    "Unlicense": "This is free and unencumbered software released into the public domain.",
    "Zlib": "This software is provided 'as-is', without any express or implied warranty. ... The origin of this "
    "software must not be misrepresented",
}


def licence_specimen(identifier: str) -> str:
    """What a licence file of this licence says, in short lines after a copyright."""
    text = textwrap.fill(_SPECIMENS[identifier], 60)
    return f"Copyright (c) 2026, Ada\n\n{textwrap.indent(text, '   ')}\n"


def licence_file_content(description: str) -> str:
    """A licence specimen by its identifier, or the description, each section of TOML on its own line."""
    return licence_specimen(description) if description in _SPECIMENS else description.replace("] ", "]\n")


def licence_text_of_package(name: str) -> str:
    """The text of the first licence file that comes with an installed package."""
    paths = importlib.metadata.files(name) or []
    found = [path for path in sorted(paths) if is_licence_file(PurePosixPath(path).name) and ".dist-info" in str(path)]
    return found[0].read_text(encoding="utf-8")
