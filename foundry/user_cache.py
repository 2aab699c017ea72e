"""The folder of this user in which `foundry` keeps what can be fetched again: clones of repositories, and models."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache_folder() -> Path:
    """FOUNDRY_CACHE, or the platform's folder for caches."""
    if named := os.environ.get("FOUNDRY_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "foundry"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "foundry"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foundry"
