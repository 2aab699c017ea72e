"""Totals over the texts that a model has written, and distributions of their lengths."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from foundry.evaluation.behaviour.samples import Answer, Sample


def figures_of(answers: Sequence[Answer]) -> dict[str, Any]:
    """Counts, shares and distributions over all samples of the answers, as plain values; shares are 0 to 1."""
    samples = [sample for answer in answers for sample in answer.samples]
    failures = Counter(sample.failure for sample in samples)
    expected = [found for sample in samples for found in sample.expected]
    compiled = [sample.syntax["compiles"] for sample in samples if sample.syntax["compiles"] is not None]
    return {
        "prompts": len(answers),
        "samples": len(samples),
        "successes": failures[None],
        "success_rate": share(failures[None], len(samples)),
        "failures": {name: failures[name] for name in ("empty", "repetition", "syntax")},
        "parse_rate": share(sum(sample.syntax["parses"] and not sample.is_empty for sample in samples), len(samples)),
        "compile_rate": share(sum(compiled), len(compiled)) if compiled else None,
        "mean_error_share": _mean([sample.syntax["error_share"] for sample in samples]),
        "complete_functions": sum(sample.syntax["complete_functions"] for sample in samples),
        "ended": sum(sample.ended for sample in samples),
        "expected_rate": share(sum(expected), len(expected)) if expected else None,
        "patterns": _patterns(samples),
        "tokens": distribution([sample.tokens for sample in samples]),
        "characters": distribution([sample.characters for sample in samples]),
    }


def figures_by_language(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """The figures of each language, in the order of the prompts."""
    languages = dict.fromkeys(answer.asked.language for answer in answers)
    return {
        language: figures_of([answer for answer in answers if answer.asked.language == language])
        for language in languages
    }


def share(part: int, whole: int) -> float:
    """A part of a whole to four digits; 0 where there is nothing."""
    return round(part / whole, 4) if whole else 0.0


def distribution(values: Sequence[float]) -> dict[str, float]:
    """The least, the quartiles (inclusive method) and the greatest of some values, and their mean; empty for none."""
    if not values:
        return {}
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    named = dict(zip(("lower_quartile", "median", "upper_quartile"), quartiles, strict=True))
    return {"least": min(values), **named, "greatest": max(values), "mean": _mean(values)}


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 4) if values else 0.0


def _patterns(samples: Sequence[Sample]) -> dict[str, int]:
    """In how many samples each pattern of the language stands."""
    counts = Counter(name for sample in samples for name in sample.patterns)
    return dict(sorted(counts.items()))
