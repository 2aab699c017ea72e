"""The phases in the order in which they are done, and which needs which."""

from __future__ import annotations

from collections.abc import Iterable

PHASE_NAMES = ("analyze", "scrape", "tokenize", "embed", "train", "evaluate")

NEEDS: dict[str, tuple[str, ...]] = {
    "analyze": (),
    "scrape": ("analyze",),
    "tokenize": ("scrape",),
    "embed": ("scrape",),
    "train": ("tokenize",),
    "evaluate": ("train",),
}
"""A phase is not begun where one that it needs has failed. An index that cannot be made keeps nobody from training."""

VERSIONS = dict.fromkeys(PHASE_NAMES, 1)
"""Raised where the code of a phase makes other results of the same settings and inputs, so that it is done again."""


def needed_by(names: Iterable[str]) -> list[str]:
    """The phases that those named need, directly or not, in order; they themselves are left out."""
    asked, found = set(names), set(names)
    for name in reversed(PHASE_NAMES):
        if name in found:
            found.update(NEEDS[name])
    return [name for name in PHASE_NAMES if name in found - asked]
