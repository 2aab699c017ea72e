"""A manifest names the files of a folder with their SHA-256, so that damage is noticed before anything is loaded.

Checkpoints and published artifacts carry the same manifest.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from foundry import files
from foundry.untrusted import is_plain_name, read_json, shown

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
WEIGHTS_NAME = "model.safetensors"
OPTIMIZER_NAME = "optimizer.safetensors"
STATE_NAME = "state.json"
CHECKPOINT_FILES = (WEIGHTS_NAME, OPTIMIZER_NAME, STATE_NAME)
SEAL = "seal"
MAX_MANIFEST_BYTES = 1_000_000
"""Some thousand files; a larger one is not read."""
CHECKPOINT_FOLDER = re.compile(r"step-\d{8,18}")
SET_ASIDE_PREFIX = "damaged-"


class FileDigest(BaseModel):
    """One file: the SHA-256 of its bytes, and their number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]

    @classmethod
    def of(cls, path: Path) -> FileDigest:
        """The digest of the file at `path`."""
        return cls(sha256=files.sha256_of(path), bytes=path.stat().st_size)


class Manifest(BaseModel):
    """The content of `manifest.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    step: Annotated[int, Field(ge=0)]
    """Steps that are done."""
    validation_loss: float | None
    """Nats a token, after `step`; None where it was not evaluated."""
    fingerprint: Annotated[str, Field(pattern=r"^[\w.-]{0,100}$")]
    """The run's fingerprint."""
    files: dict[str, FileDigest]
    base_digest: str | None = None
    """SHA-256 of the pretrained weights that the ones listed here adapt, see `foundry.models.pretrained`."""

    @field_validator("files")
    @classmethod
    def _names_stay_inside(cls, value: dict[str, FileDigest]) -> dict[str, FileDigest]:
        for name in value:
            if not all(is_plain_name(part) for part in name.split("/")):
                raise ValueError(f"the file name {shown(name)} is not one inside the folder")
        return value

    @field_validator("validation_loss")
    @classmethod
    def _loss_is_a_number(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError(f"the validation loss {value} is not finite")
        return value

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by file name."""
        return {name: entry.sha256 for name, entry in self.files.items()}


def describe_files(folder: Path) -> dict[str, FileDigest]:
    """The digests of all files below `folder`, by their names relative to it, the manifest left out."""
    return {
        path.relative_to(folder).as_posix(): FileDigest.of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    }


def store_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `manifest` into `folder`; its path."""
    path = folder / MANIFEST_NAME
    content = manifest.model_dump()
    files.write_json(path, {**content, SEAL: seal_of(content)})
    return path


def seal_of(content: dict[str, Any]) -> str:
    """SHA-256 over the other keys of a manifest, so that a flipped bit in its numbers is noticed, too."""
    others = {key: value for key, value in content.items() if key != SEAL}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()


def best_of(candidates: Sequence[tuple[Path, Manifest]]) -> tuple[Path, Manifest]:
    """The one with the lowest validation loss, ties to the earlier step; without any such loss, the newest.

    Args:
        candidates: at least one folder with its manifest, in ascending steps.
    """
    evaluated = [item for item in candidates if item[1].validation_loss is not None]
    if not evaluated:
        return candidates[-1]
    return min(evaluated, key=lambda item: (item[1].validation_loss, item[1].step))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`; the files themselves are not looked at.

    Raises:
        ValueError: it is missing, damaged, or of another format.
    """
    try:
        content = read_json(folder / MANIFEST_NAME, MAX_MANIFEST_BYTES)
        version = content.get("format_version") if isinstance(content, dict) else None
        if isinstance(version, int) and version != FORMAT_VERSION:
            remedy = "; use a newer foundry" if version > FORMAT_VERSION else ""
            raise ValueError(f"is of format {shown(str(version))}, this foundry reads format {FORMAT_VERSION}{remedy}")
        if isinstance(content, dict) and content.pop(SEAL, seal := seal_of(content)) != seal:
            raise ValueError("does not have the SHA-256 that it names itself")
        return Manifest.model_validate(content, strict=True)
    except OSError as error:
        raise ValueError(f"{MANIFEST_NAME} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ValueError(f"{MANIFEST_NAME} is not a manifest: {error.errors(include_url=False)[0]['msg']}") from None
    except ValueError as error:
        raise ValueError(f"{MANIFEST_NAME} {error}") from None


def parts_name(file: str) -> str:
    """The folder in a checkpoint that holds, in parts, what an ordinary checkpoint keeps in `file`."""
    return f"{file.removesuffix('.safetensors')}.shards"


def is_in_parts(manifest: Manifest, file: str) -> bool:
    """Whether several processes have written `file`, each a part of it."""
    return any(name.startswith(f"{parts_name(file)}/") for name in manifest.files)


def verify(folder: Path, needed: tuple[str, ...]) -> Manifest:
    """The manifest of `folder`, after every byte of its files has been checked against it.

    Args:
        needed: names that the manifest must list, as files or in parts.

    Raises:
        ValueError: says what is missing or damaged.
    """
    manifest = verify_outline(folder, needed)
    for name, entry in manifest.files.items():
        verify_file(folder, name, entry)
    return manifest


def verify_outline(folder: Path, needed: tuple[str, ...]) -> Manifest:
    """The manifest of `folder`, after it was compared with the names and sizes of the files; no content is read.

    Raises:
        ValueError: says what is missing or has another size.
    """
    manifest = read_manifest(folder)
    for name in needed:
        if name not in manifest.files and not is_in_parts(manifest, name):
            raise ValueError(f"{name} is not listed in {MANIFEST_NAME}")
    for name, entry in manifest.files.items():
        path = folder / name
        if not _is_own_file(folder, path):
            raise ValueError(f"{name} is missing")
        if path.stat().st_size != entry.bytes:
            raise ValueError(f"{name} has {path.stat().st_size:,} bytes instead of {shown(f'{entry.bytes:,}')}")
    return manifest


def _is_own_file(folder: Path, path: Path) -> bool:
    """Whether `path` is a regular file below `folder` that no symbolic link leads to."""
    below = [parent for parent in path.parents if parent.is_relative_to(folder) and parent != folder]
    return path.is_file() and not any(part.is_symlink() for part in (path, *below))


def verify_file(folder: Path, name: str, entry: FileDigest) -> None:
    """Check every byte of one file.

    Raises:
        ValueError: it does not have its digest, or cannot be read.
    """
    try:
        found = files.sha256_of(folder / name)
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from None
    if found != entry.sha256:
        raise ValueError(f"{name} does not have the SHA-256 that {MANIFEST_NAME} lists")


def readable_checkpoints(folder: Path) -> list[tuple[Path, Manifest]]:
    """The checkpoint folders below `folder` that have a readable manifest, oldest first; bytes are not checked."""
    found = []
    for path in checkpoint_folders(folder):
        try:
            found.append((path, read_manifest(path)))
        except ValueError:
            continue
    return found


def checkpoint_folder(folder: Path, step: int) -> Path:
    """Where below `folder` the checkpoint after `step` stands."""
    return folder / f"step-{step:08d}"


def checkpoint_folders(folder: Path) -> list[Path]:
    """The folders below `folder` that are named like a checkpoint, oldest first, whole or not."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if CHECKPOINT_FOLDER.fullmatch(path.name))


def set_aside_folders(folder: Path) -> list[Path]:
    """The checkpoints below `folder` that were found damaged and set aside."""
    return sorted(folder.glob(f"{SET_ASIDE_PREFIX}step-*"))
