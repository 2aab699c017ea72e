"""Everything in a text that is a secret."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from foundry.errors import UserError
from foundry.pipeline.redaction.assignments import secret_names
from foundry.pipeline.redaction.detector import Detector, Reach, fold, windows
from foundry.pipeline.redaction.known_tokens import BY_PLACE, BY_SHAPE, STEMS
from foundry.pipeline.redaction.library import entropy_detector, library_detectors
from foundry.pipeline.redaction.private_keys import private_keys
from foundry.pipeline.redaction.runs import ENDS_WITH_RUN, lines_with_runs
from foundry.pipeline.redaction.spans import Span, without_overlaps


def require_library() -> None:
    """Import the library that knows what credentials look like.

    Raises:
        UserError: it is not installed.
    """
    try:
        import detect_secrets.plugins.base  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"redact.secrets: needs {error.name}, which is not installed; `pip install 'foundry-lm[pipeline]'`, or set "
            "it to false"
        ) from error


def secrets_in(text: str, place: str) -> list[Span]:
    """The secrets of a text, in their order and without overlaps.

    Args:
        place: the path that the text belongs to, as far as it has one; of some files, more is known.
    """
    return without_overlaps(_all_secrets(text, place))


def _all_secrets(text: str, place: str) -> Iterator[Span]:
    folded = fold(text)
    yield from private_keys(text)
    near_names: list[tuple[int, int]] = []
    runs = lines_with_runs(text, folded)
    for (anchors, is_folded, reach, are_runs), detectors in _by_anchors().items():
        if are_runs:
            places = windows(runs.text, runs.folded if is_folded else runs.text, anchors, reach)
            yield from map(runs.in_whole_text, _found(detectors, runs.text, places))
        else:
            places = windows(text, folded if is_folded else text, anchors, reach)
            yield from _found(detectors, text, places)
        if anchors is STEMS:
            near_names = places
    if near_names:
        for names in secret_names():
            yield from names.find(text, folded, place, near_names)
    entropy = all_detectors()[-1]
    yield from entropy.find(text, windows(text, text, entropy.anchors))


def _found(detectors: Iterable[Detector], text: str, places: list[tuple[int, int]]) -> Iterator[Span]:
    for detector in detectors if places else ():
        yield from detector.find(text, places)


def all_detectors() -> tuple[Detector, ...]:
    """Every detector, of which earlier ones decide on the kind; the one that knows least is the last."""
    return *BY_SHAPE, *library_detectors(), *BY_PLACE, entropy_detector()


_Search = tuple[tuple[re.Pattern[str], ...], bool, Reach, bool]
"""Anchors, whether they are in small letters, their reach, and whether they stand in `LinesWithRuns` alone."""


@functools.cache
def _by_anchors() -> dict[_Search, list[Detector]]:
    """Detectors that share their anchors, which are then looked for once."""
    groups: dict[_Search, list[Detector]] = {}
    for detector in all_detectors()[:-1]:
        are_runs = all(ENDS_WITH_RUN.fullmatch(anchor.pattern) for anchor in detector.anchors)
        groups.setdefault((detector.anchors, detector.folded, detector.reach, are_runs), []).append(detector)
    return groups
