"""An evaluation on disk: its figures and texts, the times beside them, and a page for people."""

from __future__ import annotations

from pathlib import Path

from foundry import files
from foundry.evaluation.behaviour.evaluation import Evaluation
from foundry.evaluation.behaviour.report_page import evaluation_page

EVALUATION_NAME = "evaluation.json"
TIMINGS_NAME = "timings.json"
PAGE_NAME = "evaluation.html"


def write_evaluation(evaluation: Evaluation, folder: Path) -> Path:
    """Write an evaluation into `folder`, each file in one rename; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / EVALUATION_NAME, evaluation.content)
    files.write_json(folder / TIMINGS_NAME, evaluation.timings)
    files.write_text(folder / PAGE_NAME, evaluation_page(evaluation.content))
    return folder / PAGE_NAME
