"""The licence that a package's manifest names."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from foundry.pipeline.licence_expressions import normalized

MANIFESTS = ("pyproject.toml", "package.json", "Cargo.toml")
LARGEST_MANIFEST = 1_000_000

_SLASH = re.compile(r"\s*/\s*")


def licence_of_manifest(name: str, text: str) -> str | None:
    """The SPDX expression in a manifest of this file name, or None where it has none that can be read."""
    content = _parsed(name, text) if len(text) <= LARGEST_MANIFEST else {}
    for value in _candidates(name, content):
        if isinstance(value, str) and (licence := normalized(_SLASH.sub(" OR ", value.strip()))):
            return licence
    return None


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _candidates(name: str, content: Any) -> list[Any]:
    """Where a licence may stand, the authoritative place first."""
    if name == "package.json":
        licence = _at(content, "license")
        return [licence, _at(licence, "type")]
    if name == "Cargo.toml":
        return [_at(content, "package", "license"), _at(content, "workspace", "package", "license")]
    licence = _at(content, "project", "license")
    return [licence, _at(licence, "text"), _at(content, "tool", "poetry", "license")]


def _at(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
