"""What must hold before a pipeline, or one of its phases, is begun."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from foundry.data.git import GitRepository
from foundry.errors import UserError
from foundry.pipeline.manifest import NOT_ASKED_FOR, PhaseRecord, PipelineManifest, RepositoryFacts
from foundry.pipeline.order import NEEDS, needed_by
from foundry.pipeline.selection import Selection
from foundry.terminal import printable

Records = Mapping[str, PhaseRecord]


def obstacle(name: str, records: Records) -> str | None:
    """The phase that this one needs and that has come to nothing, in words; None where none has."""
    for needed in NEEDS[name]:
        record = records.get(needed)
        if record is not None and record.reason != NOT_ASKED_FOR and not record.is_done:
            return f"{needed} {'was skipped' if record.status == 'skipped' else record.status}"
    return None


def require_same_source(
    folder: Path, manifest: PipelineManifest, facts: RepositoryFacts, source: GitRepository
) -> None:
    """Check that the folder belongs to this repository, which may have been moved, or changed beyond recognition.

    Raises:
        UserError: it belongs to another place, and the commit that it was made of is not known here.
    """
    known = manifest.repository
    if known is None or known.source == facts.source or source.holds(known.head):
        return
    raise UserError(
        f"{folder}: belongs to {printable(known.source)}, and this is {printable(facts.source)}; "
        "give the pipeline another name: --set pipeline_name=NAME"
    )


def require_earlier_phases(selection: Selection, records: Records) -> None:
    """Check that what comes before the phase that the user begins with has been done.

    Raises:
        UserError: names the first that was not.
    """
    if not selection.starts_late:
        return
    for name in needed_by(selection.names):
        record = records.get(name)
        if record is None or not record.is_done:
            never = record is None or record.reason == NOT_ASKED_FOR
            state = "was never run" if never or record is None else f"is {record.status}"
            raise UserError(f"--from {selection.names[0]}: needs {name}, which {state}; begin with --from {name}")
