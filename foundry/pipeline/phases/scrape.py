"""Phase 1, `scrape`: the history and the files of the repository as records, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.data.progress import Progress
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import HISTORY_FOLDER, PhaseOutcome, Pipeline
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE, SUMMARY_FILE


class ScrapePhase:
    """Reads every commit of every branch once, and the files at HEAD, into `history/`."""

    name = "scrape"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """What is read, and what is replaced."""
        return {"scrape": config.scrape.model_dump(mode="json"), "redact": config.redact.model_dump(mode="json")}

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """All branches, tags and HEAD; the number of uncommitted changes, which is stated.

        Raises:
            FoundryError: git failed.
        """
        from foundry.pipeline.scraping.references import digest_of_references

        return {
            "references": digest_of_references(pipeline.repository),
            "uncommitted changes": str(pipeline.repository.num_uncommitted_changes()),
        }

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """Scrape; commits that were read before are taken over.

        Raises:
            UserError: there are no commits.
            FoundryError: git failed; what was scraped before stays.
        """
        from foundry.pipeline.scraping.history import scrape

        progress = Progress(pipeline.report)
        folder = pipeline.folder / HISTORY_FOLDER
        config = pipeline.config
        scraped = scrape(pipeline.repository, config.scrape, config.redact, folder, progress)
        for note in scraped.summary["notes"]:
            progress.note(f"{pipeline.repository.shown_as}: {note}")
        return PhaseOutcome(
            _results(scraped.summary),
            tuple(Path(HISTORY_FOLDER) / name for name in (COMMITS_FILE, FILES_FILE, SUMMARY_FILE)),
            timings={"seconds": progress.seconds, "commits_read": float(scraped.num_read)},
        )


def _results(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary, with paths in a form that any file can hold."""
    redactions = dict(summary["redactions"])
    places = redactions["by_file"].items()
    redactions["by_file"] = {place.encode(errors="backslashreplace").decode(): kinds for place, kinds in places}
    kept = {key: value for key, value in summary.items() if key not in ("format", "fingerprint")}
    return {**kept, "redactions": redactions}
