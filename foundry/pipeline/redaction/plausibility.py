"""Whether a value that stands where a secret may stand is one."""

from __future__ import annotations

import base64
import functools
import re
from typing import Any

from foundry.pipeline.redaction.spans import MARKER_START

SHORTEST_PASSWORD = 6
LONGEST_PASSWORD = 300
BASE64_ENTROPY_LIMIT = 4.5
"""Bits a character; the library's own default."""

SHORTEST_TOKEN = 16
TOKEN_ENTROPY_LIMIT = 3.0
FEWEST_CHARACTERS = 6

_DIGESTS = ("sha1-", "sha256-", "sha384-", "sha512-")
"""What the digests in lock files begin with."""
_WORD_BETWEEN = re.compile(r"(?:^|[/_-])(?:[A-Za-z][a-z]{3,}|[A-Z]{4,})(?=$|[/_=-])")
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|placeholder|changeme|change[_-]me|redacted|your|insert|replace|todo|xxxx|\*\*\*|\.\.\."
    r"|^(?:test|my|the|some|user|a)?[_-]?(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|api[_-]?key)[_-]?\d?$"
    r"|^(?:none|null|true|false|undefined|string|optional|required|default|hidden)$",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"[{}<>]|&[a-z]{2,4};|\$[A-Za-z_({]|%[(sA-Z]|^[$%&@]\w+$")
_CODE = re.compile(r"[\w\].]+[(\[].*|^(?:\w+\.)+\w+$|^\w+(?:\.|::|->)\w+.*[;,)]?$|^[./~]|^\w+://")
_WORDS = re.compile(r"_*[a-z]+(?:[ _./:-][a-z]+)*|[A-Z]+(?:[ _./:-][A-Z]+)*|(?:[A-Za-z][a-z]+)+|[\d.:,-]+")


def is_chosen_password(value: str) -> bool:
    """Whether a value in the place of a password looks like one, and not like a placeholder, code or a plain word."""
    from detect_secrets.filters.heuristic import is_sequential_string

    return (
        SHORTEST_PASSWORD <= len(value) <= LONGEST_PASSWORD
        and MARKER_START not in value
        and not any(character.isspace() for character in value)
        and not _PLACEHOLDER.search(value)
        and not _TEMPLATE.search(value)
        and not _CODE.match(value)
        and not _WORDS.fullmatch(value)
        and not is_sequential_string(value)
    )


def is_no_placeholder(token: str) -> bool:
    """Whether a token of a known shape is more than that shape filled with the same few characters."""
    return len(set(token[-16:])) >= FEWEST_CHARACTERS and MARKER_START not in token


def is_random_token(value: str) -> bool:
    """Whether a value in the place of a token has letters, digits and the entropy of a random one."""
    return (
        SHORTEST_TOKEN <= len(value) <= LONGEST_PASSWORD
        and is_chosen_password(value)
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and _entropy(value) > TOKEN_ENTROPY_LIMIT
    )


def is_credentials_pair(value: str) -> bool:
    """Whether a value is the base64 form of a name, a colon and a password, as HTTP's basic authentication has it."""
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return False
    return bool(name and colon and password) and (name + password).isprintable()


def is_random_base64(value: str) -> bool:
    """Whether a string of the base64 alphabet is random by its entropy, and neither an alphabet nor made of words."""
    from detect_secrets.filters.heuristic import is_potential_uuid, is_sequential_string

    return (
        not value.startswith(_DIGESTS)
        and "\\" not in value
        and len(set(value)) < len(value)
        and not _WORD_BETWEEN.search(value)
        and not is_sequential_string(value)
        and not is_potential_uuid(value)
        and _entropy(value) > BASE64_ENTROPY_LIMIT
    )


def _entropy(value: str) -> float:
    """Bits a character, of the characters of the base64 alphabet."""
    return float(_entropy_plugin().calculate_shannon_entropy(value))


@functools.cache
def _entropy_plugin() -> Any:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    return Base64HighEntropyString()
