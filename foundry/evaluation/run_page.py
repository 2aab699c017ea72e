"""One HTML page about one run: facts, curves, configuration, history and environment, without anything from outside."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from foundry import files
from foundry.evaluation.curves import LOSS_LABEL, Curve, Rows, curve_svg, loss_curves
from foundry.evaluation.page import facts_table, folded, page, section, table
from foundry.evaluation.summary import RunSummary
from foundry.monitoring.record import HARDWARE_NAME


def write_run_page(run: RunSummary, destination: Path) -> Path:
    """Write the page of a run, in one rename."""
    files.write_text(destination, run_page(run))
    return destination


def run_page(run: RunSummary) -> str:
    """The page of a run as one HTML text that loads nothing."""
    sections = [
        section("Summary", facts_table(run.facts())),
        *_curve_section(run.metrics),
        *_behaviour_section(run.behaviour),
        section("History", table(run.history())),
        *_document_section("Data", run.document("data.json")),
        folded("Configuration", f"<pre>{escape(_text_of(run.folder / 'config.yaml'))}</pre>"),
        *_document_section("Hardware", run.document(HARDWARE_NAME)),
        *_document_section("Environment", run.document("environment.json")),
    ]
    return page(run.record.run_id, run.record.state, sections)


def _curve_section(rows: Rows) -> list[str]:
    """The curves of all metrics that were logged."""
    plots = [(loss_curves(rows), LOSS_LABEL)]
    for name, label in (
        ("learning_rate", "learning rate"),
        ("gradient_norm", "gradient norm"),
        ("tokens_per_second", "tokens per second"),
        ("resident_bytes", "memory of the run (bytes)"),
    ):
        plots.append(([Curve.of(rows, name, label)], label))
    figures = [
        f"<figure>{curve_svg(curves, label)}</figure>" for curves, label in plots if curves and any(curves[0].steps)
    ]
    return [section("Curves", "\n".join(figures))] if figures else []


def _behaviour_section(rows: Rows) -> list[str]:
    """What came of letting the model write while it was trained."""
    curves = [Curve.of(rows, "success_rate", "succeed"), Curve.of(rows, "parse_rate", "parse")]
    return [section("Texts that the model wrote", f"<figure>{curve_svg(curves, 'share of texts')}</figure>")] * bool(
        rows
    )


def _document_section(title: str, document: Mapping[str, Any]) -> list[str]:
    return [folded(title, facts_table(document.items()))] if document else []


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
