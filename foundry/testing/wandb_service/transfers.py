"""The addresses that the service hands out for files to be put and got, each with a token that cannot be guessed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

from foundry.testing.wandb_service.state import StoredFile

PREFIX = "/storage/"
PART = 1 << 18
"""Bytes that are moved at a time."""
PART_SUFFIX = ".part"
"""Ends the name of a file that is not whole yet."""


@dataclass(frozen=True)
class Upload:
    """Leave to put one file.

    Attributes:
        operation: what the request counts as: `upload`, `upload_manifest` or `upload_run_file`.
        path: where the bytes are kept.
        digest: the MD5 digest in base64 that they must have; None where it was not named.
        stored: called with the file when it is there.
    """

    operation: str
    name: str
    path: Path
    digest: str | None
    stored: Callable[[StoredFile], None]


@dataclass(frozen=True)
class Download:
    """Leave to get one file, counted as `download`, `download_manifest` or `download_run_file`."""

    operation: str
    name: str
    file: StoredFile


class Transfers:
    """Hands out addresses of files, and knows what each of them allows.

    The files are kept in `folder`; `url` is where the service is reached.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._leaves: dict[str, Upload | Download] = {}

    def upload_url(
        self, operation: str, name: str, stored: Callable[[StoredFile], None], digest: str | None = None
    ) -> str:
        """An address to put the file `name` at."""
        with self._lock:
            path = self._folder / f"{next(self._numbers):06d}"
        return self._address(Upload(operation, name, path, digest, stored))

    def download_url(self, operation: str, name: str, file: StoredFile) -> str:
        """An address to get `file` from."""
        return self._address(Download(operation, name, file))

    def leave(self, path: str) -> Upload | Download | None:
        """What a request of `path` may do; None where its token was never handed out."""
        return self._leaves.get(path.removeprefix(PREFIX).partition("/")[0])

    def _address(self, leave: Upload | Download) -> str:
        token = secrets.token_urlsafe(24)
        self._leaves[token] = leave
        return f"{self._url}{PREFIX}{token}/{quote(leave.name)}"
