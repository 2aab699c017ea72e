"""Parts of a suite for several hosts: the same on each of them, every scenario in exactly one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from foundry.acceptance.schedule import Piece, num_steps, pieces_of
from foundry.acceptance.selection import SelectedFeature, narrowed
from foundry.errors import UserError

SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `count` parts."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str, option: str = "--shard") -> Shard:
    """The part that `2/5` means; `option` is where it was written.

    Raises:
        UserError: it is no such text, or there is no such part.
    """
    found = SHARD.fullmatch(text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"{option} {text}: no part of a whole; write I/N with I from 1 to N, such as 2/5")
    return Shard(int(found[1]), int(found[2]))


def in_shard(selected: Sequence[SelectedFeature], shard: Shard) -> list[SelectedFeature]:
    """What of the selected scenarios belongs to a shard.

    They are balanced by their steps alone, so that all hosts part them in the same way, whatever each has measured.

    Raises:
        UserError: there are fewer scenarios than shards.
    """
    number = sum(len(item.scenarios) for item in selected)
    if number < shard.count:
        raise UserError(f"--shard {shard}: only {number} scenarios are selected; use at most {number} shards")
    loads = [0.0] * shard.count
    chosen = set()
    for piece in _enough(pieces_of(selected, num_steps, shard.count), shard.count):
        least = loads.index(min(loads))
        loads[least] += piece.length
        if least == shard.number - 1:
            chosen |= set(map(id, piece.scenarios))
    return narrowed(selected, lambda scenario: id(scenario) in chosen)


def _enough(pieces: list[Piece], number: int) -> list[Piece]:
    """At least `number` pieces: those with the most scenarios are halved."""
    while len(pieces) < number:
        largest = max(pieces, key=lambda piece: len(piece.scenarios))
        half = len(largest.scenarios) // 2
        pieces.remove(largest)
        halves = (largest.scenarios[:half], largest.scenarios[half:])
        pieces += [Piece(part, sum(map(num_steps, part))) for part in halves]
    return sorted(pieces, key=lambda piece: -piece.length)
