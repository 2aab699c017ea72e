"""What the user's cache folder holds, whether it is whole, and what of it can go."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from foundry import files, manifests
from foundry.artifacts.cache import ModelCache, size_of
from foundry.user_cache import user_cache_folder

SECONDS_A_DAY = 86_400
CLONE_REST_SECONDS = 3600
"""A clone that was used a shorter time ago is kept: a launch may still be reading it."""


@dataclass(frozen=True)
class CachedModel:
    """A model in the cache.

    Attributes:
        digest: its folder's name, the SHA-256 of its manifest.json.
        versions: the versions in the registry that it was fetched as.
        references: what users named, and was last found to mean it.
        step: the step of its weights; None where its manifest cannot be read.
        bytes: of all its files.
        last_used: seconds since 1970.
    """

    digest: str
    versions: list[str]
    references: list[str]
    step: int | None
    bytes: int
    last_used: float

    @property
    def name(self) -> str:
        """What to call it."""
        return ", ".join(self.versions) or self.digest


@dataclass(frozen=True)
class CachedClone:
    """A clone of a repository.

    Attributes:
        bytes: of all its files.
        last_used: seconds since 1970.
    """

    name: str
    bytes: int
    last_used: float


@dataclass(frozen=True)
class Contents:
    """What the cache holds, what was used last first."""

    folder: Path
    models: list[CachedModel]
    repositories: list[CachedClone]

    @property
    def bytes(self) -> int:
        """Of all that it holds."""
        return sum(model.bytes for model in self.models) + sum(clone.bytes for clone in self.repositories)


@dataclass(frozen=True)
class Pruned:
    """What was removed.

    Attributes:
        removed: what is gone, by name.
        kept: what would have gone, by name, with the reason why it has not.
        freed: bytes.
    """

    removed: list[str]
    kept: dict[str, str]
    freed: int


Item = TypeVar("Item", CachedModel, CachedClone)


def contents() -> Contents:
    """What the user's cache folder holds; no content is checked."""
    cache = ModelCache.of_user()
    return Contents(user_cache_folder(), _by_use(_models(cache)), _by_use(_clones()))


def verify_models(*, remove: bool, report: Callable[[CachedModel, str | None], None]) -> bool:
    """Check every model to its last byte; whether all were whole.

    Args:
        remove: remove the damaged ones.
        report: is told of each model, and what is wrong with it, as soon as that is known.
    """
    cache, all_whole = ModelCache.of_user(), True
    for model in _by_use(_models(cache)):
        with cache.in_use(model.digest, remembered=False):
            problem = cache.problem_of(model.digest)
        report(model, problem)
        if problem is not None:
            all_whole = False
            if remove:
                cache.remove_damaged(model.digest)
    return all_whole


def prune(older_than_days: float | None, everything: bool) -> Pruned:
    """Remove models that no reference means any more, and what killed downloads have left.

    What another process is using or fetching stays.

    Args:
        older_than_days: remove models and clones that were not used for so long, too.
        everything: remove all models and clones.
    """
    cache = ModelCache.of_user()
    removed: list[str] = []
    kept: dict[str, str] = {}
    freed = cache.remove_remains()
    before = -math.inf if older_than_days is None else time.time() - older_than_days * SECONDS_A_DAY
    before = math.inf if everything else before
    for model in _models(cache):
        if not model.references or model.last_used < before:
            size = cache.remove(model.digest)
            if size is None:
                kept[model.name] = "is being used"
            else:
                removed.append(model.name)
                freed += size
    cache.forget_the_removed()
    for clone in _clones():
        if clone.last_used < before:
            reason = _remove_clone(clone)
            if reason is None:
                removed.append(clone.name)
                freed += clone.bytes
            else:
                kept[clone.name] = reason
    return Pruned(removed, kept, freed)


def _models(cache: ModelCache) -> list[CachedModel]:
    meaning = [resolution for _, resolution in cache.resolutions()]
    found = []
    for digest in cache.digests():
        try:
            step = manifests.read_manifest(cache.folder(digest)).step
        except ValueError:
            step = None
        found.append(
            CachedModel(
                digest,
                sorted(set(cache.versions(digest).values())),
                sorted(resolution.reference for resolution in meaning if resolution.digest == digest),
                step,
                size_of(cache.folder(digest)),
                cache.last_used(digest),
            )
        )
    return found


def _clones() -> list[CachedClone]:
    folder = user_cache_folder() / "repositories"
    return [CachedClone(path.name, size_of(path), path.stat().st_mtime) for path in sorted(folder.glob("[!.]*.git"))]


def _remove_clone(clone: CachedClone) -> str | None:
    """Remove a clone; the reason where it stays."""
    if time.time() - clone.last_used < CLONE_REST_SECONDS:
        return "was used within the last hour, and a launch may still be reading it"
    folder = user_cache_folder() / "repositories" / clone.name
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            files.remove_folder(folder)
    except Timeout:
        return "is being fetched"
    return None


def _by_use(found: list[Item]) -> list[Item]:
    return sorted(found, key=lambda item: -item.last_used)
