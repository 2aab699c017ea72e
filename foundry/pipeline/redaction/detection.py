"""Everything in a text that is a secret."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from foundry.errors import UserError
from foundry.pipeline.redaction.assignments import assigned_secrets
from foundry.pipeline.redaction.detector import Detector, fold, windows
from foundry.pipeline.redaction.known_tokens import PATTERNS
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
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), kind)
    for anchor, is_folded, detectors in _by_anchor():
        if places := list(windows(text, folded if is_folded else text, anchor)):
            for detector in detectors:
                yield from detector.find(text, places)
    yield from assigned_secrets(text, folded, place)


@functools.cache
def _by_anchor() -> list[tuple[re.Pattern[str], bool, list[Detector]]]:
    """Detectors that share an anchor, which is then looked for once."""
    from foundry.pipeline.redaction.library import library_detectors

    groups: dict[tuple[re.Pattern[str], bool], list[Detector]] = {}
    for detector in library_detectors():
        groups.setdefault((detector.anchor, detector.folded), []).append(detector)
    return [(anchor, folded, detectors) for (anchor, folded), detectors in groups.items()]
