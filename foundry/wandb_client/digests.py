"""Compares a file on this disk with what the registry's list of an artifact says of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 20


def sha256_if_listed(entry: Any, path: Path, on_chunk: Callable[[], None] = lambda: None) -> str | None:
    """The SHA-256 of the file, if size and digest are those that the registry lists; else None.

    Args:
        entry: the file in the artifact's manifest, as the client has it; its digest is an MD5 or an XXH128.
        on_chunk: is called now and then while the file is read.
    """
    import xxhash

    if path.stat().st_size != entry.size:
        return None
    is_md5 = entry.digest_algorithm().name == "MANIFEST_MD5"
    listed: Any = hashlib.md5(usedforsecurity=False) if is_md5 else xxhash.xxh3_128()
    sha256 = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            sha256.update(piece)
            listed.update(piece)
            on_chunk()
    return sha256.hexdigest() if base64.b64encode(listed.digest()).decode() == entry.digest else None
