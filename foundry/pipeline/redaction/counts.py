"""How much was replaced, by kind and by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

MAX_FILES = 100

Tally = dict[str, dict[str, int]]
"""Places, and how often each kind was replaced there."""


class Counts:
    """What has been replaced; counts of several processes add up to what one process would have counted."""

    def __init__(self) -> None:
        self._of_place: dict[str, Counter[str]] = {}

    def add(self, place: str, kind: str, number: int = 1) -> None:
        """Count one kind in one place."""
        self._of_place.setdefault(place, Counter())[kind] += number

    def tally(self) -> Tally:
        """Everything that was counted, as plain values."""
        return {place: dict(sorted(kinds.items())) for place, kinds in sorted(self._of_place.items())}

    def merge(self, tally: Mapping[str, Mapping[str, int]]) -> None:
        """Add what another has counted."""
        for place, kinds in tally.items():
            for kind, number in kinds.items():
                self.add(place, kind, number)

    def as_results(self) -> dict[str, Any]:
        """For the manifest: exact totals, and the files with most, of which not more than a hundred are named."""
        totals = sum(self._of_place.values(), Counter[str]())
        ranked = sorted(self._of_place.items(), key=lambda item: (-item[1].total(), item[0]))
        return {
            "total": totals.total(),
            "by_kind": dict(sorted(totals.items())),
            "by_file": {place: dict(sorted(kinds.items())) for place, kinds in ranked[:MAX_FILES]},
            "files": len(ranked),
        }
