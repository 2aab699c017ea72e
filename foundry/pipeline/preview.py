"""What a launch of a pipeline would do, and why; nothing is written, fetched or locked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from foundry.data.clones import existing_clone, is_url
from foundry.data.git import GitRepository
from foundry.errors import FoundryError
from foundry.pipeline.fingerprints import decide, why_not_done
from foundry.pipeline.launch import Launch, require_prompts
from foundry.pipeline.manifest import NOT_ASKED_FOR, SET_ASIDE_NAME, PhaseRecord, PipelineManifest, usable_manifest
from foundry.pipeline.order import NEEDS
from foundry.pipeline.phase import Phase, Pipeline
from foundry.pipeline.preconditions import obstacle, require_earlier_phases, require_same_source
from foundry.pipeline.registry import all_phases
from foundry.pipeline.source import described_source, open_source, plain_message
from foundry.terminal import aligned, printable

WOULD_RUN, MAY_RUN, UNCHANGED, LEFT_ALONE = "would run", "may run", "unchanged", "left alone"
WOULD_SKIP, WOULD_FAIL = "would be skipped", "would fail"


@dataclass(frozen=True)
class Expected:
    """What would become of one phase."""

    phase: str
    would: str
    why: str = ""


def preview(launch: Launch, as_json: bool) -> str:
    """What would be done, as a table or as JSON.

    Raises:
        FoundryError: the repository cannot be read, or prompts have a mistake.
    """
    found = list(expectations(launch))
    if as_json:
        return json.dumps({item.phase: {"would": item.would, "why": item.why or None} for item in found}, indent=2)
    rows = [("phase", "expected", "why"), *((item.phase, item.would, item.why) for item in found)]
    return f"{aligned(rows)}\n\nnothing was changed; the pipeline's folder is {launch.folder}"


def expectations(launch: Launch) -> Iterator[Expected]:
    """What would become of each phase, in order."""
    repository = _at_hand(launch.source)
    require_prompts(launch)
    manifest = _known(launch.folder)
    records = {} if manifest is None else manifest.phases
    if manifest is not None and repository is not None:
        facts = described_source(repository, launch.source, launch.config.redact)
        require_same_source(launch.folder, manifest, facts, repository)
    require_earlier_phases(launch.selection, records)
    running: set[str] = set()
    for phase in all_phases():
        if phase.name not in launch.selection.names:
            yield Expected(phase.name, LEFT_ALONE, NOT_ASKED_FOR)
        elif repository is None:
            yield Expected(phase.name, WOULD_RUN, "the URL has not been cloned yet")
        else:
            pipeline = launch.pipeline(repository, records, None)
            expected = _expected(phase, pipeline, launch.selection.force, records, running)
            running.update({phase.name} if expected.would in (WOULD_RUN, MAY_RUN) else ())
            yield expected


def _expected(
    phase: Phase, pipeline: Pipeline, force: bool, records: Mapping[str, PhaseRecord], running: set[str]
) -> Expected:
    """What would become of a phase, where those in `running` are done before it."""
    record = records.get(phase.name)
    before = [needed for needed in NEEDS[phase.name] if needed in running]
    if before and (record is None or not record.is_done):
        return Expected(phase.name, WOULD_RUN, f"{why_not_done(record)}, after {before[0]}")
    if not before and (reason := obstacle(phase.name, records)) is not None:
        return Expected(phase.name, WOULD_SKIP, reason)
    try:
        decision = decide(phase, pipeline, record, force)
    except FoundryError as error:
        return Expected(phase.name, WOULD_FAIL, str(error))
    if decision.is_due:
        return Expected(phase.name, WOULD_RUN, decision.why)
    if before:
        return Expected(phase.name, MAY_RUN, f"if {before[0]} leaves something else than last time")
    return Expected(phase.name, UNCHANGED)


def _at_hand(source: str) -> GitRepository | None:
    """The repository as it lies on this machine; None for a URL that was never cloned."""
    try:
        return existing_clone(source) if is_url(source) else open_source(source, None)
    except FoundryError as error:
        raise type(error)(plain_message(error)) from error


def _known(folder: Path) -> PipelineManifest | None:
    """The manifest; None where there is none, or a damaged one, which a launch would set aside.

    Raises:
        UserError: another version of foundry wrote it.
    """

    def warn(error: FoundryError) -> None:
        warning = f"{error}; a launch would set it aside as {SET_ASIDE_NAME}, and look at every phase anew"
        print(printable(warning), file=sys.stderr)

    return usable_manifest(folder, warn)
