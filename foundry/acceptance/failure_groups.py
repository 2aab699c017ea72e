"""The failures of an acceptance run, grouped by their cause, with what it takes to look into each."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from foundry.acceptance.capabilities import runs_in_the_cloud
from foundry.acceptance.record import AcceptanceRecord, Failure, ScenarioRecord
from foundry.acceptance.tags import SUBJECTS
from foundry.terminal import printable

FIRST_LINES = 4
"""So many lines of a message are shown; the report has all of it."""
ASKED_FOR_BY_TAG = ("slow", "network")
"""Scenarios with one of these tags run only where the tag expression names it."""

UNEXPLAINED = Failure(kind="environment", message="it left no reason")


@dataclass(frozen=True)
class FailureGroup:
    """Scenarios that were not kept for one cause.

    Attributes:
        cause: in one line.
        first_lines: of the message of the first scenario.
    """

    cause: str
    first_lines: tuple[str, ...]
    scenarios: tuple[ScenarioRecord, ...]


def failure_groups(record: AcceptanceRecord) -> list[FailureGroup]:
    """The scenarios that were not kept, by cause, the most frequent first."""
    groups: dict[str, list[ScenarioRecord]] = {}
    for scenario in record.failed:
        groups.setdefault(cause_of(scenario.failure or UNEXPLAINED), []).append(scenario)
    found = [FailureGroup(cause, _first_lines(members), tuple(members)) for cause, members in groups.items()]
    return sorted(found, key=lambda group: (-len(group.scenarios), group.cause))


def cause_of(failure: Failure) -> str:
    """What a failure has in common with others of the same cause."""
    place = f" at {failure.where}" if failure.where else ""
    match failure.kind:
        case "assertion":
            return f"Promise not kept: {failure.exception or 'AssertionError'}{place}"
        case "exception":
            return f"{failure.exception or 'Error'}{place}"
        case "time-out":
            return f"Time-out in: {failure.step}" if failure.step else "Time-out"
        case "worker death":
            return f"Worker process ended by {failure.exception}" if failure.exception else "Worker process died"
        case "environment":
            return f"Hook or clean-up: {failure.exception or 'error'}{place}"
        case "undefined step":
            return f"No step definition: {failure.step}" if failure.step else "No step definition"


def rerun_command(scenario: ScenarioRecord, run: AcceptanceRecord) -> str:
    """The command that runs this scenario of a run again, as it ran there, and no other."""
    needed = [f"@{tag}" for tag in ASKED_FOR_BY_TAG if tag in scenario.tags]
    needed += ["@wandb_cloud"] if runs_in_the_cloud(scenario.tags, " ".join(run.tags)) else []
    options = [f"--tags={' and '.join(needed)}"] if needed else []
    if set(SUBJECTS) & set(scenario.tags):
        options += [f"--{name}={value}" for name, value in run.contract.items()]
    return shlex.join(["foundry", "accept", scenario.place, *options])


def failure_lines(record: AcceptanceRecord) -> list[str]:
    """The groups for the terminal, without control characters; empty where nothing failed."""
    return [printable(line) for group in failure_groups(record) for line in _group_lines(group, record)]


def _group_lines(group: FailureGroup, run: AcceptanceRecord) -> Iterable[str]:
    yield f"{len(group.scenarios)} × {group.cause}"
    yield from (f"      {line}" for line in group.first_lines)
    for scenario in group.scenarios:
        yield f"  {scenario.place}  {scenario.title}: {scenario.why}"
        yield f"      again: {rerun_command(scenario, run)}"
        if scenario.workspace:
            yield f"      workspace: {scenario.workspace}"


def _first_lines(scenarios: Sequence[ScenarioRecord]) -> tuple[str, ...]:
    message = (scenarios[0].failure or UNEXPLAINED).message
    return tuple(line.rstrip() for line in message.splitlines() if line.strip())[:FIRST_LINES]
