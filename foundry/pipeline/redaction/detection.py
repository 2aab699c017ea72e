"""Everything in a text that is a secret."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from foundry.errors import UserError
from foundry.pipeline.redaction.assignments import STEMS, secret_names
from foundry.pipeline.redaction.detector import Detector, fold, windows
from foundry.pipeline.redaction.known_tokens import BY_PLACE, BY_SHAPE
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
    for (anchors, is_folded), detectors in _by_anchors().items():
        if places := windows(text, folded if is_folded else text, anchors):
            for detector in detectors:
                yield from detector.find(text, places)
    if places := windows(text, folded, STEMS):
        for names in secret_names():
            yield from names.find(text, folded, place, places)


@functools.cache
def _by_anchors() -> dict[tuple[tuple[re.Pattern[str], ...], bool], list[Detector]]:
    """Detectors that share their anchors, which are then looked for once."""
    from foundry.pipeline.redaction.library import library_detectors

    groups: dict[tuple[tuple[re.Pattern[str], ...], bool], list[Detector]] = {}
    for detector in (*BY_SHAPE, *library_detectors(), *BY_PLACE):
        groups.setdefault((detector.anchors, detector.folded), []).append(detector)
    return groups
