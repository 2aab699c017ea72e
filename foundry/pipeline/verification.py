"""Checks what a pipeline has on disk against its manifest, to the last byte. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.errors import FoundryError, UserError
from foundry.pipeline.fingerprints import damaged_outputs, fingerprint_of
from foundry.pipeline.manifest import MANIFEST_FILE, PhaseRecord, PipelineManifest, read_manifest
from foundry.pipeline.manifest_keeper import status_of
from foundry.pipeline.order import NEEDS
from foundry.pipeline.unlisted_files import problem_with_unlisted
from foundry.terminal import aligned


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        problems: what is wrong, with the phase it belongs to, or the manifest's name.
        manifest: None where it cannot be read.
    """

    folder: Path
    problems: tuple[tuple[str, str], ...]
    manifest: PipelineManifest | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        problems = [{"where": where, "problem": problem} for where, problem in self.problems]
        status = None if self.manifest is None else self.manifest.status
        return {"folder": str(self.folder), "is_whole": self.is_whole, "status": status, "problems": problems}

    def in_words(self) -> str:
        """A line for each phase, and one for each problem."""
        if self.manifest is None:
            return "\n".join(problem for _, problem in self.problems)
        wrong = dict.fromkeys(where for where, _ in self.problems)
        rows = [("phase", "status", "outputs", "found")]
        for name, record in self.manifest.phases.items():
            rows.append((name, record.status, str(len(record.outputs)), "damaged" if name in wrong else "whole"))
        problems = [f"{self.folder}: {where}: {problem}" for where, problem in self.problems]
        verdict = problems or [f"{self.folder}: {self.manifest.status}; every file is what the manifest says"]
        return "\n".join([aligned(rows, right=(2,)), "", *verdict])


def verify_pipeline(folder: Path) -> Verified:
    """Check manifest and files of the pipeline in `folder`.

    Raises:
        UserError: there is no pipeline, or another version of foundry wrote it.
    """
    try:
        manifest = read_manifest(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder}: no pipeline here ({MANIFEST_FILE} is missing); `foundry pipeline` makes one"
        ) from None
    except UserError:
        raise
    except FoundryError as error:
        return Verified(folder, ((MANIFEST_FILE, str(error)),), None)
    return Verified(folder, tuple(_problems(folder, manifest)), manifest)


def _problems(folder: Path, manifest: PipelineManifest) -> Iterator[tuple[str, str]]:
    yield from ((MANIFEST_FILE, problem) for problem in _contradictions(manifest))
    for name, record in manifest.phases.items():
        yield from ((name, problem) for problem in _wrong_in_record(name, record, manifest.phases))
        for output in damaged_outputs(folder, record.outputs):
            state = "does not have the SHA-256 that the manifest lists" if (folder / output).exists() else "is missing"
            yield name, f"{output} {state}"
        if record.is_done and (problem := problem_with_unlisted(name, folder)) is not None:
            yield name, problem


def _contradictions(manifest: PipelineManifest) -> Iterator[str]:
    """Where the state of the whole is not that of its parts."""
    expected = status_of(manifest.phases)
    if manifest.status in ("complete", "partial") and manifest.status != expected:
        yield f"says {manifest.status}, and by its phases it is {expected}"


def _wrong_in_record(name: str, record: PhaseRecord, records: Mapping[str, PhaseRecord]) -> Iterator[str]:
    """Where a phase contradicts itself, or those it needs."""
    if record.fingerprint is not None:
        expected = fingerprint_of(name, record.code_version, record.settings, record.inputs)
        if record.fingerprint != expected:
            yield "its fingerprint does not follow from its settings and inputs"
    if not record.is_done:
        return
    if record.fingerprint is None:
        yield f"is {record.status} without a fingerprint"
    for needed in NEEDS[name]:
        earlier = records.get(needed)
        if earlier is None or not earlier.is_done:
            state = "missing" if earlier is None else earlier.status
            yield f"is {record.status}, and {needed}, which it needs, is {state}"
