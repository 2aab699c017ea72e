"""Puts an artifact into a service as no client would have to: whole in a moment, or listed as nobody should list it."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

from foundry.testing.wandb_service.service import WandbService
from foundry.testing.wandb_service.state import StoredArtifact, StoredFile, StoredVersion

Listing = dict[str, Any]


def files_below(folder: Path) -> dict[str, Path]:
    """The files of a folder, by their names in an artifact."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def put_artifact(
    service: WandbService,
    project: str,
    name: str,
    files: Mapping[str, Path],
    *,
    type_: str = "model",
    aliases: Sequence[str] = ("best",),
    change: Callable[[Listing], None] = lambda _: None,
) -> str:
    """Make a new version of an artifact; its name, such as `v0`.

    Args:
        files: where each file is now, by its name in the artifact.
        aliases: point to this version from now on.
        change: changes the list of the files (`contents` of the client's manifest) before it is stored.
    """
    application = service._application
    with application.lock:
        stored = {file: _kept(application.folder, path) for file, path in files.items()}
        listing = {file: {"digest": kept.digest, "size": kept.size} for file, kept in stored.items()}
        digest = md5(json.dumps(listing).encode(), usedforsecurity=False).hexdigest()
        change(listing)
        shelf = application.state.project_made(project)
        shelf.contents.update({kept.digest: kept for kept in stored.values()})
        if name not in shelf.artifacts:
            shelf.artifacts[name] = StoredArtifact(application.state.new_id(), name, type_, shelf.entity, project)
        artifact = shelf.artifacts[name]
        version = StoredVersion(application.state.new_id(), name, type_, shelf.entity, project, digest)
        version.wanted_aliases = [*aliases]
        version.manifest = _kept(application.folder, _list_of(application.folder, listing))
        artifact.versions.append(version)
        artifact.commit(version, {file: stored[file] for file in listing if file in stored})
    return f"v{version.index}"


def point_to(service: WandbService, project: str, name: str, alias: str, version: str) -> None:
    """Let an alias point to another version."""
    with service._application.lock:
        artifact = service._application.state.projects[project].artifacts[name]
        found = artifact.version(version)
        assert found is not None, f"{name} has no version {version}"
        artifact.point([alias], found)


def stored_file(service: WandbService, project: str, name: str, alias: str, file: str) -> Path:
    """Where a service keeps the bytes of a file; `wandb_manifest.json` is the list of the files."""
    version = service._application.state.projects[project].artifacts[name].version(alias)
    assert version is not None, f"{name} has no version {alias}"
    kept = version.manifest if file == "wandb_manifest.json" else version.files[file]
    assert kept is not None
    return kept.path


def resize(service: WandbService, project: str, name: str, alias: str, file: str, by: int) -> None:
    """Serve a file with so many zero bytes behind its end, or without its last bytes, as if that were all of it."""
    version = service._application.state.projects[project].artifacts[name].version(alias)
    assert version is not None, f"{name} has no version {alias}"
    kept = version.files[file]
    copy = _address(service._application.folder)
    copy.write_bytes((kept.path.read_bytes() + bytes(max(0, by)))[: kept.size + by])
    version.files[file] = kept._replace(size=kept.size + by, path=copy)


def _list_of(folder: Path, listing: Listing) -> Path:
    policy = {"storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {"storageLayout": "V2"}}
    path = _address(folder)
    path.write_text(json.dumps({"version": 1, **policy, "contents": listing}), encoding="utf-8")
    return path


def _kept(folder: Path, path: Path) -> StoredFile:
    content = path.read_bytes()
    copy = _address(folder)
    copy.write_bytes(content)
    return StoredFile(len(content), b64encode(md5(content, usedforsecurity=False).digest()).decode(), copy)


def _address(folder: Path) -> Path:
    return folder / f"shelf-{secrets.token_hex(8)}"
