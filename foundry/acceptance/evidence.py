"""What the report shows of the training runs that a scenario left in its workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from foundry.acceptance.attachments import Attachment
from foundry.acceptance.loss_picture import loss_svg
from foundry.errors import UserError
from foundry.evaluation.curves import loss_curves
from foundry.evaluation.summary import RunSummary
from foundry.terminal import aligned
from foundry.training.lifecycle import RECORD_NAME, RunRecord


def run_evidence(workspace: Path) -> Iterator[Attachment]:
    """The history of the states of each run folder below `workspace`, and the loss curve of the run written to last.

    Scenarios damage such files on purpose, so what cannot be read is left out.
    """
    records = sorted(path for path in workspace.rglob(RECORD_NAME) if path.is_file())
    last = max(records, key=lambda path: path.stat().st_mtime_ns, default=None)
    for path in records:
        try:
            run = RunSummary.read(path.parent)
            curves = loss_curves(run.metrics)
        except (UserError, ValueError):
            continue
        name = str(path.parent.relative_to(workspace))
        yield Attachment(f"States of {name}", _history(run.record), "text")
        if path == last and any(len(curve.steps) > 1 for curve in curves):
            yield Attachment(f"Loss of {name}", loss_svg(curves), "svg")


def _history(record: RunRecord) -> str:
    heading = ("STATE", "STEPS DONE", "REASON", "TIME (UTC)")
    return (
        aligned([heading, *((it.state, str(it.step), it.reason, it.time) for it in record.history)], right=[1]) + "\n"
    )
