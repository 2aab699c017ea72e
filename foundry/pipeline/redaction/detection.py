"""Everything in a text that is a secret."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from foundry.errors import UserError
from foundry.pipeline.redaction.assignments import secret_names
from foundry.pipeline.redaction.detector import Detector, Reach, fold, windows
from foundry.pipeline.redaction.known_tokens import BY_PLACE, BY_SHAPE, STEMS
from foundry.pipeline.redaction.library import entropy_detector, library_detectors
from foundry.pipeline.redaction.private_keys import private_keys
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
    for (anchors, is_folded, reach), detectors in _by_anchors().items():
        places = windows(text, folded if is_folded else text, anchors, reach)
        if anchors is STEMS:
            near_names = places
        if places:
            for detector in detectors:
                yield from detector.find(text, places)
    if near_names:
        for names in secret_names():
            yield from names.find(text, folded, place, near_names)
    entropy = all_detectors()[-1]
    yield from entropy.find(text, windows(text, text, entropy.anchors))


def all_detectors() -> tuple[Detector, ...]:
    """Every detector, of which earlier ones decide on the kind; the one that knows least is the last."""
    return *BY_SHAPE, *library_detectors(), *BY_PLACE, entropy_detector()


_Search = tuple[tuple[re.Pattern[str], ...], bool, Reach]


@functools.cache
def _by_anchors() -> dict[_Search, list[Detector]]:
    """Detectors that share their anchors, which are then looked for once."""
    groups: dict[_Search, list[Detector]] = {}
    for detector in all_detectors()[:-1]:
        groups.setdefault((detector.anchors, detector.folded, detector.reach), []).append(detector)
    return groups
