"""What a launch of a pipeline did, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from foundry.pipeline.manifest import MANIFEST_FILE, REPORT_FILE, PhaseRecord
from foundry.pipeline.runner import Ended, Ending
from foundry.terminal import aligned

Results = Mapping[str, Any]
SHOWN_CHARACTERS = 100


def closing_words(ended: Ended, folder: Path) -> str:
    """The table of the phases, and where things are."""
    rows = [("phase", "status", "what", "seconds")]
    rows += [_row(ending, ended.manifest.phases.get(ending.phase)) for ending in ended.endings]
    places = [("manifest", str(folder / MANIFEST_FILE)), ("report", str(folder / REPORT_FILE))]
    return f"\n{aligned(rows, right=(3,))}\n\n{aligned(places)}"


def _row(ending: Ending, record: PhaseRecord | None) -> tuple[str, str, str, str]:
    status = "skipped" if ending.done == "blocked" else ending.done
    what = headline(ending.phase, record) if record is not None else ""
    said = "; ".join(text for text in (what, ending.why) if text)
    is_work = ending.done in ("done", "partial", "failed") and record is not None and record.seconds is not None
    seconds = f"{record.seconds:.1f}" if record is not None and record.seconds is not None and is_work else ""
    return ending.phase, status, said if len(said) <= SHOWN_CHARACTERS else said[: SHOWN_CHARACTERS - 1] + "…", seconds


def headline(name: str, record: PhaseRecord) -> str:
    """What a phase has found, in a few words."""
    return HEADLINES[name](record.results) if record.is_done else ""


def counted(number: int, what: str) -> str:
    """A number of things, such as `1 commit` and `2,000 commits`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _analyzed(results: Results) -> str:
    languages = list(results["languages"])
    main = f", mostly {languages[0]}" if languages else ""
    authors = counted(results["authors"], "author")
    return f"{counted(results['commits'], 'commit')} by {authors}, {counted(results['files'], 'file')}{main}"


def _scraped(results: Results) -> str:
    coverage = results["coverage"]
    return (
        f"{counted(results['commits'], 'commit')}, {coverage['files_kept']:,} of "
        f"{counted(coverage['files_tracked'], 'file')}, {counted(results['redactions']['total'], 'redaction')}"
    )


def _tokenized(results: Results) -> str:
    tokens = results["tokens_before_packing"]
    sequences = {part: sum(kinds.values()) for part, kinds in results["sequences"].items()}
    return f"{both_sides(tokens)} tokens in {both_sides(sequences)} sequences"


def both_sides(counts: Mapping[str, int]) -> str:
    """`1,200 + 130`, of training and validation; the first alone where nothing is held out."""
    return " + ".join(f"{counts[side]:,}" for side in ("training", "validation") if side in counts)


def _embedded(results: Results) -> str:
    vectors = counted(results["points"], "vector")
    return f"{vectors} of {counted(results['commits'], 'commit')} and {counted(results['files'], 'file')}"


def _trained(results: Results) -> str:
    loss = results.get("best_validation_loss")
    return counted(results["steps"], "step") + (f", best validation loss {loss:.3f}" if loss is not None else "")


def _evaluated(results: Results) -> str:
    return f"{counted(results['samples'], 'text')}, {results['success_rate']:.0%} succeed"


HEADLINES: dict[str, Callable[[Results], str]] = {
    "analyze": _analyzed,
    "scrape": _scraped,
    "tokenize": _tokenized,
    "embed": _embedded,
    "train": _trained,
    "evaluate": _evaluated,
}
