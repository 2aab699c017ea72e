"""Finds a model in the registry, and downloads it into a folder, as far as it is one that may be used.

The client library believes what it receives, waits for ever where nothing comes, and follows whatever an artifact
refers to. So names and sizes are looked at before anything is asked for, files are asked for one at a time, and each is
compared with what the registry lists of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from foundry import manifests
from foundry.files import FAILURES_OF_THE_DISK
from foundry.manifests import MANIFEST_NAME, MAX_MANIFEST_BYTES, WEIGHTS_NAME
from foundry.untrusted import is_plain_name, shown
from foundry.wandb_client.digests import sha256_if_listed
from foundry.wandb_client.problems import NotThere, Unusable, server

MODEL_TYPE = "model"
CONFIG_NAME = "config.yaml"
TOKENIZER_FOLDER = "tokenizer"
TOKENIZER_SUFFIXES = (".json", ".model", ".txt")
PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")
MAX_FILES = 100
MAX_CONFIG_BYTES = 10_000_000
MAX_TOKENIZER_FILE_BYTES = 200_000_000
PROGRESS_SECONDS = 0.2
ALIVE_SECONDS = 1.0

Tell = Callable[[dict[str, Any]], None]


def fetch(request: dict[str, Any], tell: Tell, _messages: Any) -> dict[str, Any]:
    """Find the version that a reference means, and download it, unless it was fetched before.

    Args:
        request: `artifact` (`entity/project/name:alias`), the empty `folder` to fill, and `fetched`: the versions that
            are not needed again, by the registry's own names of them.

    Returns:
        `version` (`entity/project/name:v3`), `artifact_id`, and `files`: the SHA-256 of each file that was received.

    Raises:
        NotThere: there is no such model, or it is none that this foundry can use.
        Unusable: what came is not what the registry lists, or there is no room for it.
    """
    reference, folder = request["artifact"], Path(request["folder"])
    artifact = _found(reference)
    collection = artifact.name.rpartition(":")[0]
    answer = {
        "version": f"{artifact.entity}/{artifact.project}/{collection}:{artifact.version}",
        "artifact_id": artifact.id,
        "files": {},
    }
    if artifact.id in request["fetched"]:
        return answer
    entries = _entries(artifact, reference)
    _require_room(entries, folder, reference)
    with _disk_explained(folder), _telling(folder, entries, tell) as received:
        received(artifact, MANIFEST_NAME)
        _require_format(folder, entries, reference)
        for name in sorted(entries.keys() - {MANIFEST_NAME}):
            received(artifact, name)
    digests = {name: _digest(folder, name, entries, tell, reference) for name in entries}
    return {**answer, "files": digests}


def _found(reference: str) -> Any:
    """The artifact behind a reference.

    Raises:
        NotThere: there is none, or it is no model, or it was not uploaded to its end.
    """
    import wandb
    from wandb.errors import CommError

    try:
        artifact = wandb.Api().artifact(reference)
    except CommError as error:
        if type(error.exc) is not ValueError:  # anything else says that there was no answer
            raise
        raise NotThere(
            f"{_named(reference)}: {server()} has no such artifact or alias, or the API key may not see it"
        ) from None
    if artifact.type != MODEL_TYPE:
        raise NotThere(f"{_named(reference)}: is an artifact of type {shown(artifact.type)}, not a {MODEL_TYPE}")
    if artifact.state != "COMMITTED":
        raise NotThere(f"{_named(reference)}: its upload was not completed (state {shown(artifact.state)})")
    if (artifact.file_count or 0) > MAX_FILES:
        raise NotThere(f"{_named(reference)}: has {artifact.file_count:,} files, and a model has at most {MAX_FILES}")
    return artifact


def _entries(artifact: Any, reference: str) -> dict[str, Any]:
    """The files that the registry lists, by name.

    Raises:
        NotThere: they are not those of a model, or cannot be read.
    """
    import requests

    try:
        entries: dict[str, Any] = dict(artifact.manifest.entries)
    except requests.RequestException:
        raise
    except (ValueError, TypeError, AttributeError, KeyError):
        raise NotThere(f"{_named(reference)}: the registry's list of its files cannot be read") from None
    for name, entry in entries.items():
        if (problem := _problem_of_name(name) or _problem_of_entry(name, entry)) is not None:
            raise NotThere(f"{_named(reference)}: {shown(name)} {problem}; nothing of it was fetched")
    missing = [name for name in (MANIFEST_NAME, WEIGHTS_NAME, CONFIG_NAME) if name not in entries]
    if missing:
        raise NotThere(f"{_named(reference)}: has no {' and no '.join(missing)}, so it is no model of foundry's")
    return entries


def _problem_of_name(name: str) -> str | None:
    """Why a file of that name is not taken; None for a file of a model."""
    path = PurePosixPath(name)
    if not all(is_plain_name(part) for part in name.split("/")):
        return "is not the name of a file inside the model's folder"
    if path.suffix.lower() in PICKLES:
        return "may hold a pickle, which can run code, and foundry takes weights as safetensors alone"
    if name in (MANIFEST_NAME, WEIGHTS_NAME, CONFIG_NAME):
        return None
    if path.parts[:-1] == (TOKENIZER_FOLDER,) and path.suffix in TOKENIZER_SUFFIXES:
        return None
    return "is no file of a model"


def _problem_of_entry(name: str, entry: Any) -> str | None:
    if entry.ref is not None:
        return "is a link to another place"
    limits = {WEIGHTS_NAME: None, MANIFEST_NAME: MAX_MANIFEST_BYTES, CONFIG_NAME: MAX_CONFIG_BYTES}
    limit = limits.get(name, MAX_TOKENIZER_FILE_BYTES)
    if entry.size is None:
        return "has no size"
    return (
        f"has {entry.size:,} bytes, more than the {limit:,} that it may have" if limit and entry.size > limit else None
    )


def _require_room(entries: dict[str, Any], folder: Path, reference: str) -> None:
    needed, free = _total(entries), shutil.disk_usage(folder).free
    if needed > free:
        raise Unusable(
            f"{_named(reference)}: needs {needed:,} bytes, and {free:,} are free at {folder.parent.parent}; make room, "
            "or let FOUNDRY_CACHE name a folder on another disk"
        )


def _require_format(folder: Path, entries: dict[str, Any], reference: str) -> None:
    """Look at the model's own manifest before anything large is fetched."""
    if sha256_if_listed(entries[MANIFEST_NAME], folder / MANIFEST_NAME) is None:
        raise _damaged(MANIFEST_NAME, reference)
    try:
        manifest = manifests.read_manifest(folder)
    except ValueError as problem:
        raise NotThere(f"{_named(reference)}: its {problem}") from None
    listed = {name: entry.size for name, entry in entries.items() if name != MANIFEST_NAME}
    described = {name: entry.bytes for name, entry in manifest.files.items()}
    wrong = sorted(name for name in listed.keys() | described.keys() if listed.get(name) != described.get(name))
    if wrong:
        raise NotThere(f"{_named(reference)}: its {MANIFEST_NAME} describes other files ({shown(', '.join(wrong))})")


@contextlib.contextmanager
def _telling(folder: Path, entries: dict[str, Any], tell: Tell) -> Iterator[Callable[[Any, str], None]]:
    """A function that receives one file of an artifact, while it is told how many bytes are there.

    More bytes than were listed end this process: whoever sends them may have no end.
    """
    total, ended = _total(entries), threading.Event()

    def watch() -> None:
        told = -1
        while not ended.wait(PROGRESS_SECONDS):
            done = _size_on_disk(folder)
            if done > total:
                tell({"event": "problem", "kind": "failure", "message": f"{server()} sends more than it lists"})
                os._exit(0)
            if done != told:
                tell({"event": "progress", "done": done, "total": total})
                told = done

    def receive(artifact: Any, name: str) -> None:
        # With several at a time, past its cache, the client may put one file's bytes in another's place.
        artifact.download(root=str(folder), path_prefix=name, skip_cache=True)
        if not (folder / name).is_file():
            raise Unusable(f"{server()} did not send {shown(name)}")

    threading.Thread(target=watch, daemon=True).start()
    tell({"event": "progress", "done": 0, "total": total})
    try:
        yield receive
        tell({"event": "progress", "done": total, "total": total})
    finally:
        ended.set()


def _digest(folder: Path, name: str, entries: dict[str, Any], tell: Tell, reference: str) -> str:
    """The SHA-256 of a file that was received, if it is the one that the registry lists."""
    spoken, total = time.monotonic(), _total(entries)

    def alive() -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= ALIVE_SECONDS:
            spoken = time.monotonic()
            tell({"event": "progress", "done": total, "total": total})

    digest = sha256_if_listed(entries[name], folder / name, alive)
    if digest is None:
        raise _damaged(name, reference)
    return digest


def _damaged(name: str, reference: str) -> Unusable:
    return Unusable(
        f"{_named(reference)}: {shown(name)} did not arrive as the registry lists it; nothing was kept, try again"
    )


@contextlib.contextmanager
def _disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FAILURES_OF_THE_DISK:
            raise
        raise Unusable(f"{folder}: cannot be written: {error.strerror}; nothing was kept") from None


def _size_on_disk(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def _total(entries: dict[str, Any]) -> int:
    return sum(entry.size for entry in entries.values())


def _named(reference: str) -> str:
    return f"wandb://{reference}"
