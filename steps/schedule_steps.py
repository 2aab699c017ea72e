"""Steps about the pieces of a suite: for processes that share it, and for hosts that run a shard each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.formatter import history_id
from foundry.acceptance.schedule import Piece, expected_seconds, num_steps, pieces_of
from foundry.acceptance.selection import SelectedFeature, select
from foundry.acceptance.shards import Shard, in_shard


@dataclass
class Parting:
    """Selected features, what is known of their durations, and the parts that were made of them."""

    selected: list[SelectedFeature] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    shards: list[list[str]] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)


@given("features whose scenarios take so many seconds")
def features_with_durations(context: Context) -> None:
    state = context.world.of(Parting)
    for feature, rows in itertools.groupby(context.table, key=lambda row: row["feature"]):
        lines = [f"@normal @REQ-PARTS-01\nFeature: {feature}\n"]
        for rule, members in itertools.groupby(rows, key=lambda row: row["rule"]):
            lines.append(f"  Rule: {rule}\n")
            lines += [f"    Scenario: {it['scenario']}\n" + "      Given a step\n" * int(it["steps"]) for it in members]
        Path(f"{feature}.feature").write_text("".join(lines), encoding="utf-8")
    state.selected = select(["."], [])
    measured = {row["scenario"]: float(row["seconds"]) for row in context.table if row["seconds"]}
    scenarios = [scenario for item in state.selected for scenario in item.scenarios]
    state.seconds = {history_id(it): measured[it.name] for it in scenarios if it.name in measured}


@when("they are parted for {number:d} processes with {knowledge}")
def part(context: Context, number: int, knowledge: str) -> None:
    state = context.world.of(Parting)
    scenarios = [scenario for item in state.selected for scenario in item.scenarios]
    measured = {"their durations": state.seconds, "nothing measured": {}}[knowledge]
    state.pieces = pieces_of(state.selected, expected_seconds(scenarios, measured), number)


@then('they are handed out as "{pieces}"')
def handed_out(context: Context, pieces: str) -> None:
    found = ", ".join("".join(it.name for it in piece.scenarios) for piece in context.world.of(Parting).pieces)
    assert found == pieces, f"handed out: {found}, expected {pieces}"


@given("all scenarios of this project that run anywhere")
def own_features(context: Context) -> None:
    context.world.of(Parting).selected = select([str(context.origin / "features")], ["not @gpu and not @slow"])


@when("they are parted into {count:d} shards")
def part_into_shards(context: Context, count: int) -> None:
    state = context.world.of(Parting)
    for number in range(1, count + 1):
        chosen = [it for item in in_shard(state.selected, Shard(number, count)) for it in item.scenarios]
        state.shards.append([history_id(scenario) for scenario in chosen])
        state.lengths.append(sum(map(num_steps, chosen)))


@then("each scenario is in exactly one of them")
def in_exactly_one(context: Context) -> None:
    state = context.world.of(Parting)
    found = sorted(key for shard in state.shards for key in shard)
    expected = sorted(history_id(scenario) for item in state.selected for scenario in item.scenarios)
    assert found == expected, f"{len(found)} scenarios in shards, {len(expected)} in all"


@then("none has {percent:d} % more steps than another")
def balanced(context: Context, percent: int) -> None:
    lengths = context.world.of(Parting).lengths
    assert max(lengths) < min(lengths) * (1 + percent / 100), f"steps: {lengths}"
