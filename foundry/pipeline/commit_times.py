"""When commits count as made, where some of their clocks were wrong.

The rule. A commit is made when it says, but not before any commit that leads to it. A clock is not believed if it is
later than those of two commits that follow from it, while all that leads to it is not: then it is the odd one out, and
the commit counts as made with the latest that leads to it. A root, which nothing leads to, is not believed if it is
also later than most commits, and counts as made with the earliest that follows.

So one wrong clock, ahead or behind, moves the time of its own commit alone. And whatever the clocks say, no commit is
older than one that leads to it, so what is up to a time holds all the history of what it holds.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CommitTimes:
    """The times at which commits count as made.

    Attributes:
        by_number: in seconds since 1970, in the order in which the commits were added.
    """

    by_number: list[int]
    _numbers: dict[str, int]
    _said: list[int]

    def of(self, commit: str, otherwise: int) -> int:
        """The time of a commit by its hash; `otherwise` for one that was not added."""
        number = self._numbers.get(commit)
        return otherwise if number is None else self.by_number[number]

    def is_moved(self, number: int) -> bool:
        """Whether a commit counts as made at another time than it says."""
        return self.by_number[number] != self._said[number]


class Clocks:
    """What the clocks of commits said, added parents first."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._said: list[int] = []
        self._parents: list[tuple[int, ...]] = []

    def add(self, commit: str, parents: Sequence[str], said: int) -> int:
        """Add a commit; its number. Parents that were not added are not known."""
        known = tuple(self._numbers[parent] for parent in parents if parent in self._numbers)
        number = self._numbers[commit] = len(self._said)
        self._said.append(said)
        self._parents.append(known)
        return number

    def times(self) -> CommitTimes:
        """The times by the rule above; linear in commits and parents."""
        middle = statistics.median_low(self._said) if self._said else 0
        times: list[int] = []
        for said, parents, later in zip(self._said, self._parents, self._earliest_following(), strict=True):
            before = max((times[parent] for parent in parents), default=None)
            is_contradicted = len(later) == 2 and said > self._said[later[1]]
            if before is None:
                times.append(self._said[later[0]] if is_contradicted and said > middle else said)
            elif is_contradicted and before <= self._said[later[1]]:
                times.append(before)
            else:
                times.append(max(said, before))
        return CommitTimes(times, self._numbers, self._said)

    def _earliest_following(self) -> list[tuple[int, ...]]:
        """The numbers of the two commits with the earliest clocks among all that follow from each; fewer at the tips.

        Two, since one that is earlier may itself be wrong.
        """
        found: list[tuple[int, ...]] = [()] * len(self._said)
        for number in range(len(self._said) - 1, -1, -1):
            for parent in self._parents[number]:
                candidates = {number, *found[number], *found[parent]}
                found[parent] = tuple(sorted(candidates, key=lambda each: (self._said[each], each))[:2])
        return found
