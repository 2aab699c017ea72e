"""In which pieces and in which order scenarios are handed out, so that all workers end together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from behave.model import Scenario

from foundry.acceptance.formatter import history_id, rule_of
from foundry.acceptance.selection import SelectedFeature

SECONDS_PER_STEP = 0.1
"""What a step is taken to last before anything was measured."""

Length = Callable[[Scenario], float]


@dataclass(frozen=True)
class Piece:
    """Scenarios of one feature that one worker runs one after the other: what they share is made once."""

    scenarios: tuple[Scenario, ...]
    length: float


def num_steps(scenario: Scenario) -> float:
    """The number of its steps, those of its background included; a scenario without any counts as one."""
    return float(max(1, len(list(scenario.all_steps))))


def expected_seconds(scenarios: Iterable[Scenario], measured: Mapping[str, float]) -> Length:
    """How long a scenario takes: as it was measured, else by its steps, at the pace of the measured ones.

    Args:
        measured: seconds by the key of the scenario, as `History.seconds` has them.
    """
    known = [(measured[key], num_steps(it)) for it in scenarios if (key := history_id(it)) in measured]
    pace = sum(seconds for seconds, _ in known) / sum(steps for _, steps in known) if known else SECONDS_PER_STEP
    return lambda scenario: measured.get(history_id(scenario), pace * num_steps(scenario))


def pieces_of(selected: Sequence[SelectedFeature], length: Length, num_parts: int) -> list[Piece]:
    """The scenarios in pieces, the longest first.

    A feature is one piece, unless it is longer than its fair share of the whole, the `num_parts`-th part: such a
    feature is parted by its rules, and a rule that is too long by its scenarios.
    """
    lengths = {id(scenario): length(scenario) for item in selected for scenario in item.scenarios}

    def total(scenarios: Iterable[Scenario]) -> float:
        return sum(lengths[id(scenario)] for scenario in scenarios)

    fair_share = sum(lengths.values()) / num_parts
    pieces = [
        Piece(tuple(part), total(part))
        for item in selected
        for part in _parts(item.scenarios, total, fair_share * (1 + 1e-9) if num_parts > 1 else float("inf"))
    ]
    return sorted(pieces, key=lambda piece: -piece.length)  # sorting is stable: equals stay in the order of the files


def _parts(
    scenarios: Sequence[Scenario], total: Callable[[Iterable[Scenario]], float], limit: float
) -> list[list[Scenario]]:
    """Consecutive parts of a feature that are not longer than `limit`, as far as whole scenarios allow."""
    rules = [list(group) for _, group in itertools.groupby(scenarios, key=lambda scenario: id(rule_of(scenario)))]
    units = [part for rule in rules for part in ([rule] if total(rule) <= limit else [[it] for it in rule])]
    parts: list[list[Scenario]] = []
    for unit in units:
        if parts and total([*parts[-1], *unit]) <= limit:
            parts[-1] += unit
        else:
            parts.append(list(unit))
    return parts


def shuffled(pieces: Sequence[Piece], seed: int) -> list[Piece]:
    """The pieces in an order, and with the scenarios in an order, that only `seed` decides."""
    chance = random.Random(seed)
    mixed = [Piece(tuple(chance.sample(piece.scenarios, len(piece.scenarios))), piece.length) for piece in pieces]
    return chance.sample(mixed, len(mixed))
