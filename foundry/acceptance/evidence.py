"""What the report shows of the training runs that a scenario left in its workspace."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foundry.testing.world import Attachment

RECORD_NAME = "run.json"
METRICS_NAME = "metrics.jsonl"


def run_evidence(workspace: Path) -> Iterator[Attachment]:
    """For each run folder below `workspace`: the history of its states, and its loss curve where it has one.

    Scenarios damage such files on purpose, so what cannot be read is left out.
    """
    for record in sorted(workspace.rglob(RECORD_NAME)):
        history = _json_or_none(record.read_bytes())
        if isinstance(history, dict) and isinstance(history.get("history"), list):
            name = str(record.parent.relative_to(workspace))
            yield Attachment(f"States of {name}", state_history(history["history"]), "text")
            rows = _metrics(record.with_name(METRICS_NAME))
            if len([row for row in rows if "loss" in row]) > 1:
                yield Attachment(f"Loss of {name}", loss_curve(rows), "png")


def state_history(moments: list[dict[str, Any]]) -> str:
    """The moves of a run's state machine as a table in plain text."""
    keys = {"state": "STATE", "step": "STEPS DONE", "reason": "REASON", "time": "TIME (UTC)"}
    lines = [list(keys.values()), *([str(moment.get(key, "")) for key in keys] for moment in moments)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines) + "\n"


def loss_curve(rows: list[dict[str, Any]]) -> bytes:
    """The training and validation loss over the steps, as a PNG picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    for key, label, style in (("loss", "training", "-"), ("validation_loss", "validation", "o--")):
        points = [(row["step"], row[key]) for row in rows if key in row]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label, markersize=4)
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _metrics(path: Path) -> list[dict[str, Any]]:
    lines = path.read_bytes().splitlines() if path.is_file() else []
    rows = [_json_or_none(line) for line in lines]
    return [row for row in rows if isinstance(row, dict) and "step" in row]


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
