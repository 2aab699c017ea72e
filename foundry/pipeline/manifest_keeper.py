"""The manifest of a pipeline at work: each change is on disk before the next act begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from foundry import files
from foundry.environments import software_snapshot
from foundry.errors import FoundryError
from foundry.pipeline.fingerprints import Decision, described, fingerprint_of
from foundry.pipeline.manifest import (
    MANIFEST_FILE,
    NOT_ASKED_FOR,
    SET_ASIDE_NAME,
    ManifestStatus,
    PhaseRecord,
    PhaseStatus,
    PipelineManifest,
    RepositoryFacts,
    TrainingParameters,
    usable_manifest,
    utc_now,
    write_manifest,
)
from foundry.pipeline.order import PHASE_NAMES, VERSIONS
from foundry.pipeline.phase import PhaseOutcome

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "pydantic",
    "sentence-transformers",
    "qdrant-client",
    "detect-secrets",
    "datasketch",
    "tree-sitter",
)
ENDED_IN_THE_MIDDLE = "the process was ended while it ran"


class ManifestKeeper:
    """Holds the manifest of one folder, and writes it.

    Args:
        folder: the pipeline's, which this process has to itself.
        name: of the pipeline, for a manifest that is new.
        warn: is told where a damaged manifest is set aside.

    Raises:
        UserError: another version of foundry wrote the manifest that stands there.
    """

    def __init__(self, folder: Path, name: str, warn: Callable[[str], None]) -> None:
        self.folder = folder
        found = _found(folder, warn)
        now = utc_now()
        self.manifest = found or PipelineManifest(status="running", created=now, updated=now, pipeline_name=name)
        self._began = time.monotonic()

    def record_of(self, name: str) -> PhaseRecord | None:
        """What became of a phase; None where it was never run."""
        return self.manifest.phases.get(name)

    def begin(self, configuration: Mapping[str, Any], repository: RepositoryFacts) -> None:
        """Note what this launch works with; a phase that a dead process has left running was interrupted."""
        for name, record in self.manifest.phases.items():
            if record.status == "running":
                self._put(name, record.model_copy(update={"status": "interrupted", "reason": ENDED_IN_THE_MIDDLE}))
        self._change(configuration=configuration, repository=repository, problem=None)

    def begin_phase(self, name: str, decision: Decision) -> None:
        """Note that a phase is being done; what it had found before is no longer vouched for."""
        self._began = time.monotonic()
        record = PhaseRecord(
            status="running",
            started=utc_now(),
            code_version=VERSIONS[name],
            fingerprint=fingerprint_of(name, VERSIONS[name], decision.settings, decision.inputs),
            settings=decision.settings,
            inputs=decision.inputs,
        )
        self._put(name, record)
        self.write("running")

    def complete_phase(self, name: str, outcome: PhaseOutcome) -> None:
        """Note what a phase has found, with the digests of what it has left."""
        self._finish(
            name,
            status="complete" if outcome.partial is None else "partial",
            reason=outcome.partial,
            outputs=described(self.folder, outcome.outputs),
            results=dict(outcome.results),
            timings={key: round(value, 3) for key, value in outcome.timings.items()},
        )

    def end_phase(self, name: str, status: PhaseStatus, reason: str) -> None:
        """Note why a phase that was begun has come to no result."""
        self._finish(name, status=status, reason=reason)

    def is_no_news(self, before: PipelineManifest, name: str, reason: str) -> bool:
        """Whether a phase that is to be skipped for a reason had been skipped for it already, as all was `before`."""
        then, now = before.phases.get(name), self.manifest.phases[name]
        return then is not None and (then.status, then.reason, then.fingerprint) == ("skipped", reason, now.fingerprint)

    def take_back(self, before: PipelineManifest) -> None:
        """Put the manifest on disk as it was `before` a phase was begun that had nothing to do."""
        self.manifest = before
        write_manifest(self.folder, before)

    def skip_phase(self, name: str, reason: str) -> None:
        """Note why a phase was not begun."""
        self._put(name, PhaseRecord(status="skipped", reason=reason, code_version=VERSIONS[name]))

    def fail(self, problem: str) -> None:
        """Note why nothing could be begun; what the phases have done stays."""
        self._change(problem=problem)
        self.write("failed")

    def write(self, status: ManifestStatus | None = None) -> None:
        """Put the manifest on disk.

        Args:
            status: of the whole; None means the one that follows from its phases.
        """
        seconds = round(sum(record.seconds or 0.0 for record in self.manifest.phases.values()), 3)
        self._change(
            status=status or status_of(self.manifest.phases),
            updated=utc_now(),
            seconds=seconds,
            environment=software_snapshot(PACKAGES),
            **self._from_results(),
        )
        write_manifest(self.folder, self.manifest)

    def _from_results(self) -> dict[str, Any]:
        results = {name: record.results for name, record in self.manifest.phases.items() if record.is_done}
        analysis = dict(results.get("analyze", {}))
        estimated = analysis.pop("parameters", None)
        real = results.get("tokenize", {}).get("parameters")
        return {
            "statistics": analysis,
            "training_parameters": TrainingParameters(estimated=estimated, real=real),
        }

    def _finish(self, name: str, **changes: Any) -> None:
        seconds = round(time.monotonic() - self._began, 3)
        record = self.manifest.phases[name].model_copy(update={"finished": utc_now(), "seconds": seconds, **changes})
        self._put(name, record)
        self.write("running")

    def _put(self, name: str, record: PhaseRecord) -> None:
        phases = {**self.manifest.phases, name: record}
        self._change(phases={known: phases[known] for known in PHASE_NAMES if known in phases})

    def _change(self, **changes: Any) -> None:
        self.manifest = self.manifest.model_copy(update=changes)


def status_of(phases: Mapping[str, PhaseRecord]) -> ManifestStatus:
    """The state of a pipeline whose phases are in these states; none runs."""
    states = [record.status for record in phases.values()]
    if "failed" in states:
        return "failed"
    if "interrupted" in states:
        return "interrupted"
    missing = len(states) < len(PHASE_NAMES) or any(record.reason == NOT_ASKED_FOR for record in phases.values())
    return "partial" if missing or "partial" in states else "complete"


def _found(folder: Path, warn: Callable[[str], None]) -> PipelineManifest | None:
    """The manifest that stands in a folder; a damaged one is set aside, and all is done again."""
    files.remove_remains(folder)

    def set_aside(error: FoundryError) -> None:
        (folder / MANIFEST_FILE).replace(folder / SET_ASIDE_NAME)
        warn(f"{error}; it is set aside as {SET_ASIDE_NAME}, and every phase is looked at anew")

    return usable_manifest(folder, set_aside)
