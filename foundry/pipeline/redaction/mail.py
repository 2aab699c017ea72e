"""Mail addresses, and the digests that stand instead of them.

The digest is not keyed, so that the same repository gives the same corpus on every machine: who guesses an address can
confirm the guess. It keeps readers from seeing addresses and models from learning them, and is no anonymity
against somebody who searches for a person that they know.
"""

from __future__ import annotations

import functools
import hashlib
import re

DIGEST_BYTES = 8
DOMAIN = "email.invalid"
"""RFC 2606 promises that it never exists."""

_LOCAL = re.compile(r"[\w.!#%&*+/=?^{|}~-]+")
_DOMAIN = re.compile(r"@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{1,62})(?![\w(\[@-])")
_LONGEST_LOCAL = 320
_DIGEST = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}@{re.escape(DOMAIN)}")
_NOT_DOMAINS = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".js", ".json", ".css", ".html", ".txt")
_IN_URL = re.compile(r"://[^\s/@]*$")
"""What stands between `//` and `@` of a URL signs in at a machine."""
_SERVICES = frozenset({"git", "hg"})
"""What stands before the @ of a repository's address, as in `git@host.example:team/project`."""


@functools.lru_cache(maxsize=10_000)
def address_digest(address: str) -> str:
    """An address of the same shape, equal for addresses that are equal ignoring case; nothing becomes nothing."""
    folded = address.strip().casefold()
    if not folded or _DIGEST.fullmatch(folded):
        return folded
    digest = hashlib.blake2b(folded.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES, person=b"foundry mail")
    return f"{digest.hexdigest()}@{DOMAIN}"


def addresses_in(text: str) -> list[tuple[int, int]]:
    """Where addresses begin and end in a text, in their order."""
    found: list[tuple[int, int]] = []
    at = text.find("@")
    while at >= 0:
        end = at + 1
        if place := _address_at(text, at, found[-1][1] if found else 0):
            found.append(place)
            end = place[1]
        at = text.find("@", end)
    return found


def _address_at(text: str, at: int, earliest: int) -> tuple[int, int] | None:
    domain = _DOMAIN.match(text, at)
    if domain is None or domain[1].lower().endswith(_NOT_DOMAINS):
        return None
    start = _start_of_local(text, at, earliest)
    if start == at or text[start:at] in _SERVICES or _DIGEST.fullmatch(text, start, domain.end()):
        return None
    if _IN_URL.search(text[max(0, start - _LONGEST_LOCAL) : start]):
        return None
    return start, domain.end()


def _start_of_local(text: str, at: int, earliest: int) -> int:
    before = text[max(earliest, at - _LONGEST_LOCAL) : at][::-1]
    local = _LOCAL.match(before)
    return at - (len(local[0].rstrip("./!#%&*=?^{|}~+-")) if local else 0)
