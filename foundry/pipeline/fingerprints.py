"""Whether a phase has to be done again: only where its settings, its inputs, its code or its outputs have changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.files import sha256_of
from foundry.manifests import FileDigest
from foundry.pipeline.manifest import NOT_ASKED_FOR, PhaseRecord
from foundry.pipeline.order import VERSIONS
from foundry.pipeline.phase import Phase, Pipeline
from foundry.pipeline.unlisted_files import problem_with_unlisted

MAX_NAMED = 3
"""Of changed keys or files so many are named."""
NEVER_RUN = "never run"
STILL_TO_DO = {
    "failed": "failed last time",
    "interrupted": "was interrupted",
    "running": "was interrupted",
    "skipped": "was skipped",
}


@dataclass(frozen=True)
class Decision:
    """Whether a phase is done, and why.

    Attributes:
        settings, inputs: what its result depends on now.
    """

    is_due: bool
    why: str
    settings: dict[str, Any]
    inputs: dict[str, str]


def decide(phase: Phase, pipeline: Pipeline, record: PhaseRecord | None, force: bool) -> Decision:
    """Compare what a phase depends on now with what its record says.

    Raises:
        FoundryError: something that the phase needs is not there.
    """
    settings = as_json(phase.settings(pipeline.config))
    inputs = as_json(phase.inputs(pipeline))
    why = _why_due(phase.name, pipeline.folder, record, settings, inputs)
    if why is None and force:
        why = "--force"
    return Decision(why is not None, why or "unchanged", settings, inputs)


def _why_due(
    name: str, folder: Path, record: PhaseRecord | None, settings: dict[str, Any], inputs: dict[str, str]
) -> str | None:
    if record is None or not record.is_done:
        return why_not_done(record)
    if changes := list(_changes(name, record, settings, inputs)):
        return "; ".join(changes)
    if damaged := damaged_outputs(folder, record.outputs):
        return f"outputs damaged: {_named(damaged)}"
    return problem_with_unlisted(name, folder)


def why_not_done(record: PhaseRecord | None) -> str:
    """Why there is nothing yet that a phase has left."""
    if record is None or record.reason == NOT_ASKED_FOR:
        return NEVER_RUN
    return STILL_TO_DO[record.status]


def _changes(name: str, record: PhaseRecord, settings: dict[str, Any], inputs: dict[str, str]) -> Iterator[str]:
    if record.fingerprint == fingerprint_of(name, VERSIONS[name], settings, inputs):
        return
    if record.code_version != VERSIONS[name]:
        yield "this foundry does it in another way"
    if changed := _changed_keys(dict(_flat(record.settings)), dict(_flat(settings))):
        yield f"settings changed: {_named(changed)}"
    if changed := _changed_keys(record.inputs, inputs):
        yield f"inputs changed: {_named(changed)}"


def _changed_keys(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _named(names: list[str]) -> str:
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def fingerprint_of(name: str, version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """SHA-256 over all that the result of a phase depends on."""
    parts = {"phase": name, "version": version, "settings": settings, "inputs": inputs}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they come back from JSON: tuples are lists, paths are text."""
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def described(folder: Path, outputs: Iterable[Path]) -> dict[str, FileDigest]:
    """The digests of files in `folder`, and of all files in folders there, by their path in it."""
    found = {}
    for output in outputs:
        path = folder / output
        for file in [path] if path.is_file() else sorted(below for below in path.rglob("*") if below.is_file()):
            found[file.relative_to(folder).as_posix()] = FileDigest.of(file)
    return found


def damaged_outputs(folder: Path, outputs: Mapping[str, FileDigest]) -> list[str]:
    """The outputs that are missing, no regular files, or have other bytes than when they were made."""
    return [name for name, digest in outputs.items() if not _is_whole(folder / name, digest)]


def _is_whole(path: Path, digest: FileDigest) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != digest.bytes:
            return False
        return sha256_of(path) == digest.sha256
    except OSError:
        return False
