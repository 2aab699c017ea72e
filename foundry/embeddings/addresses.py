"""What the address of a Qdrant server looks like; imports nothing heavy, so that configurations are checked by it."""

from __future__ import annotations

from urllib.parse import urlsplit

from foundry.untrusted import shown

API_KEY = "QDRANT_API_KEY"
"""The environment variable with the key of a server that asks for one."""


def problem_with_address(url: str) -> str | None:
    """What is wrong with an address, and how one is written; None where nothing is."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        is_right = False
    if not is_right:
        return f"{shown(url)} is no address of a server; write it like http://localhost:6333"
    if parts.username is not None or parts.password is not None:
        return f"leave out name and password; the variable {API_KEY} holds the key of a server"
    return None
