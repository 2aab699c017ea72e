"""What a repository holds, in figures, and how long training on it would last; nothing is stored of who wrote it."""

from __future__ import annotations

import datetime
import fnmatch
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from foundry.data.git import GitRepository, TreeEntry
from foundry.data.languages import language_of
from foundry.data.progress import Progress, Report
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.history_outline import SECONDS_A_DAY, HistoryOutline, outline_of
from foundry.pipeline.loading import length_settings
from foundry.pipeline.parameters import num_sequences, training_parameters
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.scraping.references import replaced_history

BYTES_PER_TOKEN = 3.4
"""Of code and patches, with a vocabulary of 4,096 tokens, as measured on this repository."""
MAX_SAMPLED_COMMITS = 200
"""So many commits, evenly spread, have their patches measured, to estimate all of them."""
STORED_BYTES_PER_BYTE = 1.3
"""The records of the history as JSON lines, against the text in them."""
STORED_BYTES_PER_TOKEN = 4
MAX_LISTED_BRANCHES = 1_000
MAX_SPAN_BY_DAY = 92
"""Days; a longer history is told by the month alone."""
REGULAR_FILES = ("100644", "100755")
EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class FilesOutline:
    """The regular files at HEAD.

    Attributes:
        languages: their bytes by language, the largest first.
        chosen_bytes: of the files that would be kept, as far as their names and sizes tell.
    """

    num_files: int
    num_bytes: int
    languages: dict[str, int]
    chosen_bytes: int


def analyze(repository: GitRepository, config: PipelineConfig, report: Report | None) -> dict[str, Any]:
    """The figures of a repository as plain values.

    Raises:
        FoundryError: it has no commit, or an object is missing or damaged.
    """
    progress = Progress(report)
    head = repository.resolve("HEAD")
    progress.update("reading the headers of all commits")
    history = outline_of(repository)
    progress.update("reading the names of all files")
    files = files_outline(repository.tree(head), config)
    progress.update("measuring some patches")
    estimates = _estimates(files.chosen_bytes, _patch_bytes(repository, history.patched_ids, config), config)
    return {
        **_history_facts(history, Redactor(config.redact)),
        "tags": len(repository.references("refs/tags")),
        "is_shallow": repository.is_shallow,
        "has_grafts": any(replaced_history(repository)),
        "files": files.num_files,
        "file_bytes": files.num_bytes,
        "languages": files.languages,
        "estimates": estimates,
        "parameters": _estimated_parameters(estimates, config),
    }


def _history_facts(history: HistoryOutline, redactor: Redactor) -> dict[str, Any]:
    span = span_days(history.first_time, history.last_time)
    largest = sorted(history.branches.items(), key=lambda item: (-item[1], item[0]))[:MAX_LISTED_BRANCHES]
    return {
        "commits": history.num_commits,
        "merges": history.num_merges,
        "roots": history.num_roots,
        "authors": len(history.authors),
        "num_branches": len(history.branches),
        "branches": {redactor.name(name): num_commits for name, num_commits in largest},
        "first_commit_time": history.first_time,
        "last_commit_time": history.last_time,
        "undated_commits": history.undated,
        "span_days": span,
        "commits_per_day": commits_per_day(history.num_commits - history.undated, span),
        "commits_by_month": _by_month(history.days),
        "commits_by_day": _by_day(history.days) if span <= MAX_SPAN_BY_DAY else {},
    }


def span_days(first_time: int | None, last_time: int | None) -> float:
    """From the first commit to the last in days, to the hundredth; 0 without a date."""
    if first_time is None or last_time is None:
        return 0.0
    return round((last_time - first_time) / SECONDS_A_DAY, 2)


def commits_per_day(num_commits: int, span: float) -> float:
    """Commits over the days from the first to the last, a part of a day counted as a whole one; to the hundredth."""
    return round(num_commits / max(1.0, math.ceil(span)), 2)


def _by_day(days: Counter[int]) -> dict[str, int]:
    """Every day from the first to the last, those without a commit, too."""
    between = range(min(days), max(days) + 1) if days else ()
    return {datetime.date.fromordinal(EPOCH_ORDINAL + day).isoformat(): days[day] for day in between}


def _by_month(days: Counter[int]) -> dict[str, int]:
    months: Counter[str] = Counter()
    for day, count in days.items():
        months[datetime.date.fromordinal(EPOCH_ORDINAL + day).strftime("%Y-%m").zfill(7)] += count
    return dict(sorted(months.items()))


def files_outline(entries: Iterable[TreeEntry], config: PipelineConfig) -> FilesOutline:
    """The files of a tree by language; links and submodules are left out."""
    languages: Counter[str] = Counter()
    num_files = num_bytes = chosen = 0
    for entry in entries:
        if entry.mode not in REGULAR_FILES:
            continue
        path = entry.path.decode(errors="surrogateescape")
        language = language_of(path)
        num_files += 1
        num_bytes += entry.size
        if language is not None:
            languages[language] += entry.size
            chosen += entry.size if _is_chosen(path, language, entry.size, config) else 0
    by_size = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
    return FilesOutline(num_files, num_bytes, dict(by_size), chosen)


def _is_chosen(path: str, language: str, size: int, config: PipelineConfig) -> bool:
    wanted = {name.lower() for name in config.scrape.languages}
    is_excluded = any(fnmatch.fnmatchcase(path, pattern) for pattern in config.scrape.exclude)
    return size <= config.scrape.max_file_bytes and not is_excluded and (not wanted or language in wanted)


def _patch_bytes(repository: GitRepository, commit_ids: Sequence[str], config: PipelineConfig) -> int:
    """The patches of all commits but merges, estimated from an even sample; exact where there are few."""
    num_commits = min(len(commit_ids), config.scrape.max_commits or len(commit_ids))
    sample = evenly_spread(commit_ids[:num_commits], MAX_SAMPLED_COMMITS)
    measured = repository.num_patch_bytes(sample, config.scrape.max_file_bytes)
    return measured * num_commits // max(1, len(sample))


def evenly_spread(items: Sequence[str], most: int) -> list[str]:
    """At most so many of the items, at even distances, the first among them."""
    count = min(most, len(items))
    return [items[place * len(items) // count] for place in range(count)]


def _estimates(file_bytes: int, patch_bytes: int, config: PipelineConfig) -> dict[str, int]:
    tokens = int((file_bytes + patch_bytes) / BYTES_PER_TOKEN)
    training_tokens = int(tokens * (1 - config.tokenize.validation_fraction))
    stored = int((file_bytes + patch_bytes) * STORED_BYTES_PER_BYTE) + tokens * STORED_BYTES_PER_TOKEN
    return {
        "patch_bytes": patch_bytes,
        "text_bytes": file_bytes + patch_bytes,
        "tokens": tokens,
        "training_tokens": training_tokens,
        "sequences": num_sequences(training_tokens, config.tokenize.sequence_length, config.tokenize.overlap),
        "disk_bytes": stored,
    }


def _estimated_parameters(estimates: dict[str, int], config: PipelineConfig) -> dict[str, int]:
    asked = length_settings(config)
    return training_parameters(
        config.analyze,
        tokens_per_epoch=estimates["training_tokens"],
        sequences=estimates["sequences"],
        batch_size=asked["batch_size"] or 1,
        gradient_accumulation_steps=asked["gradient_accumulation_steps"] or 1,
        epochs=asked["epochs"],
        train_steps=asked["train_steps"],
    )
