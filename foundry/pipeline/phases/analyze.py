"""Phase 0: what the repository holds, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry import files
from foundry.config_file import plain
from foundry.data.progress import Progress
from foundry.pipeline.analysis import analyze
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.loading import length_settings
from foundry.pipeline.phase import ANALYSIS_FOLDER, PhaseOutcome, Pipeline
from foundry.pipeline.scraping.references import digest_of_references

ANALYSIS_FILE = "analysis.json"


class AnalyzePhase:
    """Counts commits, branches, authors and languages, and estimates how long training lasts."""

    name = "analyze"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """The limits of the length, what decides how much text there will be, and how names are shown."""
        scraped = plain(config.scrape)
        return {
            "redact": {key: plain(config.redact)[key] for key in ("secrets", "emails")},
            "analyze": plain(config.analyze),
            "scrape": {key: scraped[key] for key in ("languages", "exclude", "max_commits", "max_file_bytes")},
            "tokenize": {
                key: plain(config.tokenize)[key] for key in ("sequence_length", "overlap", "validation_fraction")
            },
            "experiment": length_settings(config),
        }

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """HEAD, the branches and the tags."""
        return {"references": digest_of_references(pipeline.repository)}

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """Write `analysis/analysis.json`."""
        progress = Progress(pipeline.report)
        results = analyze(pipeline.repository, pipeline.config, pipeline.report)
        for note in _notes(results):
            progress.note(note)
        output = Path(ANALYSIS_FOLDER) / ANALYSIS_FILE
        files.write_json(pipeline.folder / output, results)
        return PhaseOutcome(results, (output,), timings={"commits_per_second": results["commits"] / progress.seconds})


def _notes(results: Mapping[str, Any]) -> list[str]:
    """What a user must know about the history."""
    notes = []
    if results["is_shallow"]:
        notes.append("a shallow clone: only the commits that it holds are read")
    if results["has_grafts"]:
        notes.append("grafts and replacement objects are not followed")
    return notes
