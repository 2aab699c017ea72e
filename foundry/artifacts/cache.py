"""The models that were fetched from a registry, each kept once, in the user's cache folder.

    models/<digest>/                the files of a model; the digest is the SHA-256 of its manifest.json
    models/<digest>.versions.json   the versions in the registry that it was fetched as
    models/references/              which version a reference was last found to mean, and when
    models/locks/

A model appears in one rename, after every byte of it was verified, and is verified again whenever it is used. Whoever
uses one holds its lock together with others who do; whoever removes it holds that lock alone.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from foundry import files, manifests
from foundry.artifacts.references import WandbReference
from foundry.errors import UserError
from foundry.manifests import MANIFEST_NAME, WEIGHTS_NAME
from foundry.untrusted import read_regular
from foundry.user_cache import user_cache_folder

DIGEST = re.compile(r"[0-9a-f]{64}")
VERSIONS_SUFFIX = ".versions.json"
MAX_RECORD_BYTES = 1_000_000
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
PATIENCE_SECONDS = 2.0
"""How long another process is waited for without a word."""

Record = TypeVar("Record", bound=BaseModel)
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _version(text: str) -> str:
    try:
        if WandbReference.parse(text).is_version:
            return text
    except UserError as error:
        raise ValueError(str(error)) from None
    raise ValueError("names no version")


class Resolution(BaseModel):
    """What a reference was found to mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str
    version: str
    """`wandb://entity/project/artifact:v3`."""
    artifact_id: str
    """The registry's own name of the version."""
    digest: Digest
    """Of the model's manifest.json."""
    time: datetime.datetime

    _is_version = field_validator("version")(_version)


class Versions(BaseModel):
    """The versions in the registry that a model was fetched as, by the registry's own names of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    versions: dict[str, str]

    @field_validator("versions")
    @classmethod
    def _are_versions(cls, value: dict[str, str]) -> dict[str, str]:
        return {artifact_id: _version(text) for artifact_id, text in value.items()}


@dataclass(frozen=True)
class ModelCache:
    """The cache below `root`."""

    root: Path

    @classmethod
    def of_user(cls) -> ModelCache:
        """The one in the user's cache folder."""
        return cls(user_cache_folder() / "models")

    def folder(self, digest: str) -> Path:
        """Where the model of that digest is, or would be."""
        return self.root / digest

    def holds(self, digest: str) -> bool:
        """Whether there is a model of that digest; its bytes are not looked at."""
        return self.folder(digest).is_dir()

    def digests(self) -> list[str]:
        """Those of all models."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if DIGEST.fullmatch(path.name) and path.is_dir())

    def problem_of(self, digest: str) -> str | None:
        """What is wrong with a model, to its last byte; None where it is whole."""
        folder = self.folder(digest)
        try:
            manifests.verify(folder, (WEIGHTS_NAME,))
            if files.sha256_of(folder / MANIFEST_NAME) != digest:
                return f"{MANIFEST_NAME} is not the one that was fetched"
        except ValueError as problem:
            return str(problem)
        return None

    def admit(self, fetched: Path, version: WandbReference, artifact_id: str) -> str:
        """Take in a model that was verified, in one rename; its digest.

        Args:
            fetched: its folder, on the filesystem of the cache. Where the cache has that model, it stays as it is.
        """
        digest = files.sha256_of(fetched / MANIFEST_NAME)
        with self._alone(digest):
            known = self.versions(digest) if self.holds(digest) else {}
            record = Versions(versions={**known, artifact_id: str(version)})
            files.write_json(self._versions_file(digest), record.model_dump())
            if not self.holds(digest):
                files.flush_folder(fetched)
                fetched.rename(self.folder(digest))
                files.flush_to_disk(self.root)
        return digest

    def remove(self, digest: str) -> int | None:
        """Remove a model, unless a process is using it; the bytes that are free then, None where it stays."""
        try:
            with self._alone(digest, wait=False):
                return self._remove(digest) if self.holds(digest) else 0
        except BlockingIOError:
            return None

    def remove_damaged(self, digest: str) -> None:
        """Remove a model that is damaged, as soon as nobody looks at it; one that was replaced meanwhile stays."""
        with self._alone(digest):
            if self.holds(digest) and self.problem_of(digest) is not None:
                self._remove(digest)

    @contextlib.contextmanager
    def in_use(self, digest: str, *, remembered: bool = True) -> Iterator[Path]:
        """The folder of a model, which nobody removes while the block runs.

        A cache that cannot be written to serves, too: nobody removes anything there.

        Args:
            remembered: this counts as the last use of the model.
        """
        with contextlib.ExitStack() as held:
            try:
                descriptor = held.enter_context(self._locked(digest, fcntl.LOCK_SH))
                if remembered:
                    os.utime(descriptor)
            except OSError as error:
                if error.errno not in NOT_WRITABLE:
                    raise
            yield self.folder(digest)

    def last_used(self, digest: str) -> float:
        """When a model was used last, or fetched, in seconds since 1970."""
        lock, folder = self._lock_file(digest), self.folder(digest)
        return (lock if lock.exists() else folder).stat().st_mtime

    def versions(self, digest: str) -> dict[str, str]:
        """The versions in the registry that a model was fetched as, by the registry's own names of them."""
        record = _read(self._versions_file(digest), Versions)
        return {} if record is None else record.versions

    def fetched_versions(self) -> dict[str, str]:
        """The digests of all models by the registry's own names of their versions."""
        return {artifact_id: digest for digest in self.digests() for artifact_id in self.versions(digest)}

    def resolution(self, reference: WandbReference) -> Resolution | None:
        """What a reference was last found to mean; None where that is not known."""
        found = _read(self._resolution_file(reference), Resolution)
        return found if found is not None and found.reference == str(reference) else None

    def resolutions(self) -> list[tuple[Path, Resolution]]:
        """All that is known, with the files that say so."""
        found = [(path, _read(path, Resolution)) for path in sorted((self.root / "references").glob("*.json"))]
        return [(path, resolution) for path, resolution in found if resolution is not None]

    def remember(self, resolution: Resolution) -> None:
        """Keep what a reference means."""
        path = self._resolution_file(WandbReference.parse(resolution.reference))
        files.write_json(path, resolution.model_dump(mode="json"))

    def forget_the_removed(self) -> None:
        """Forget what was found to mean models that are no longer here."""
        for path, resolution in self.resolutions():
            if not self.holds(resolution.digest):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def asking_for(self, reference: WandbReference, say: Callable[[str], None]) -> Iterator[None]:
        """Be the only process that fetches any version of an artifact; another is waited for, and spoken of."""
        from filelock import FileLock, Timeout

        path = self._lock_file(self.name_of(reference))
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=PATIENCE_SECONDS)
        except Timeout:
            say(f"another process is fetching {reference.collection}; waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @staticmethod
    def name_of(reference: WandbReference) -> str:
        """A file name for an artifact with all its versions."""
        return _name_of(reference.collection, reference.artifact)

    def remove_remains(self) -> int:
        """Remove what killed processes have left of their downloads; the bytes that are free then."""
        remains = files.remains_of_the_dead(self.root) if self.root.is_dir() else []
        freed = sum(size_of(path) for path in remains)
        for path in remains:
            shutil.rmtree(path, ignore_errors=True)
        return freed

    def _remove(self, digest: str) -> int:
        size = size_of(self.folder(digest))
        files.remove_folder(self.folder(digest))
        self._versions_file(digest).unlink(missing_ok=True)
        return size

    @contextlib.contextmanager
    def _alone(self, digest: str, *, wait: bool = True) -> Iterator[None]:
        with self._locked(digest, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
            yield

    @contextlib.contextmanager
    def _locked(self, digest: str, operation: int) -> Iterator[int]:
        path = self._lock_file(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, operation)
            yield descriptor
        finally:
            os.close(descriptor)

    def _lock_file(self, name: str) -> Path:
        return self.root / "locks" / f"{name}.lock"

    def _versions_file(self, digest: str) -> Path:
        return self.root / f"{digest}{VERSIONS_SUFFIX}"

    def _resolution_file(self, reference: WandbReference) -> Path:
        return self.root / "references" / f"{_name_of(str(reference), reference.artifact)}.json"


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder; those that go away meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def _name_of(text: str, stem: str) -> str:
    """A file name that no other text has, in which a human finds `stem` again."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', stem)}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _read(path: Path, kind: type[Record]) -> Record | None:
    """A record of the cache; None where there is none that can be read, which is then written anew in time."""
    try:
        return kind.model_validate_json(read_regular(path, MAX_RECORD_BYTES))
    except (OSError, ValueError):
        return None
