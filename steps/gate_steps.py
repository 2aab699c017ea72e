"""Steps about the quality gate and about the causes of failures, on records of two or three scenarios."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.failure_groups import failure_groups, rerun_command
from foundry.acceptance.gate import gate
from foundry.acceptance.history import History
from foundry.acceptance.record import AcceptanceRecord, CoverageTally, Failure, FaultTally, ScenarioRecord
from foundry.testing.open_bundle import OpenBundle, sample_record
from foundry.testing.sample_runs import SampleRuns, SampleSuite

STARTED = "2026-01-01T00:00:00+00:00"


@dataclass
class Judged:
    """Two runs to compare, or one whose failures are looked at."""

    history: History = field(default_factory=History)
    record: AcceptanceRecord | None = None
    first: ScenarioRecord | None = None
    reasons: list[str] = field(default_factory=list)

    @property
    def run(self) -> AcceptanceRecord:
        """The newer run."""
        assert self.record is not None, "there is no run"
        return self.record


def suite_of(context: Context) -> SampleSuite:
    """The scenario's own copy of the sample suite."""
    suite: SampleSuite = context.world.of(SampleRuns).suite(context.world.workspace / "suite", context.origin)
    return suite


def judged(context: Context) -> Judged:
    """The state of the scenario."""
    state: Judged = context.world.of(Judged)
    return state


def scenario_named(name: str, **more: object) -> ScenarioRecord:
    """A scenario that passed, or what `more` says."""
    facts = {"key": name, "place": f"features/{name}.feature:1", "epic": "E", "feature": "F", "name": name}
    return ScenarioRecord.model_validate(facts | {"status": "passed"} | more)


def run_of(*scenarios: ScenarioRecord) -> AcceptanceRecord:
    """A run of these scenarios."""
    return AcceptanceRecord(
        foundry="1",
        commit="c",
        python="3",
        started=STARTED,
        seconds=1,
        paths=("features",),
        workers=1,
        scenarios=scenarios,
    )


@given("a run that kept 3 promises, with {lines:f} % of lines and {branches:f} % of branches covered")
def earlier_run(context: Context, lines: float, branches: float) -> None:
    tally = CoverageTally(lines=lines, branches=branches)
    run = run_of(*map(scenario_named, ("First", "Second", "Third"))).model_copy(update={"coverage": tally})
    state = judged(context)
    state.record, state.history = run, History((run,))


@given("a later run that did not measure coverage")
def later_run(context: Context) -> None:
    state = judged(context)
    later = state.run.model_copy(update={"coverage": None, "started": "2026-02-01T00:00:00+00:00"})
    state.history = state.history.with_run(later)


@given("a rerun by --last-failed that kept 3 promises")
def earlier_rerun(context: Context) -> None:
    run = run_of(*map(scenario_named, ("First", "Second", "Third"))).model_copy(update={"last_failed": True})
    state = judged(context)
    state.record, state.history = run, History((run,))


def _third(run: AcceptanceRecord, **changes: object) -> AcceptanceRecord:
    third = run.scenarios[2].model_copy(update=changes)
    return run.model_copy(update={"scenarios": (*run.scenarios[:2], third)})


CHANGES: dict[str, Callable[[AcceptanceRecord, str], AcceptanceRecord]] = {
    r"a scenario is not kept any more": lambda run, _: _third(run, status="failed"),
    r"a scenario is gone": lambda run, _: run.model_copy(update={"scenarios": run.scenarios[:2]}),
    r"a scenario is skipped now": lambda run, _: _third(run, status="skipped", reason="no GPU"),
    r"lines covered fall to (.+)": lambda run, to: _covered(run, "lines", to),
    r"branches covered fall to (.+)": lambda run, to: _covered(run, "branches", to),
    r"the fault (.+) survives": lambda run, name: run.model_copy(
        update={"faults": FaultTally(planted=60, survived=(name,))}
    ),
    r"a hook fails outside the scenarios": lambda run, _: run.model_copy(
        update={"complaints": ("the pump has failed",)}
    ),
    r"the run is (interrupted by .+)": lambda run, how: run.model_copy(update={"ended_early": how}),
    r"nothing changes": lambda run, _: run,
    r"there is nothing to compare with": lambda run, _: run,
    r"coverage is not measured": lambda run, _: run.model_copy(update={"coverage": None}),
}


def _covered(run: AcceptanceRecord, what: str, to: str) -> AcceptanceRecord:
    assert run.coverage is not None
    return run.model_copy(update={"coverage": run.coverage.model_copy(update={what: float(to)})})


@when("{change}, as the gate sees it")
def changed(context: Context, change: str) -> None:
    state = judged(context)
    found = [(make, match) for pattern, make in CHANGES.items() if (match := re.fullmatch(pattern, change))]
    assert found, f"what is {change!r}?"
    make, match = found[0]
    state.record = make(state.run, match[1] if match.groups() else "")
    state.reasons = gate(state.run, History() if change == "there is nothing to compare with" else state.history)


@then('the reasons of the gate are "{reasons}"')
@then('the reasons of the gate are ""')
def reasons_are(context: Context, reasons: str = "") -> None:
    found = judged(context).reasons
    assert found == ([reasons] if reasons else []), f"reasons: {found}, expected {reasons!r}"


@given('the row "{size}" is taken out of the examples')
def row_taken_out(context: Context, size: str) -> None:
    path = suite_of(context).folder / "features/library/lending.feature"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    left = [line for line in lines if not line.strip().startswith(f"| {size} ")]
    assert len(left) == len(lines) - 1, f"no row {size}"
    path.write_text("".join(left), encoding="utf-8")


@then('it says of the gate "{said}" and that "{name}" is gone')
def says_of_the_gate(context: Context, said: str, name: str) -> None:
    lines = context.world.of(SampleRuns).last.output.splitlines()
    assert said in lines, "it printed:\n" + "\n".join(lines)
    reason = lines[lines.index(said) + 1]
    assert fnmatch.fnmatchcase(reason, f"  scenarios: 1, and 2 in the run of *; gone: {name}"), f"reason: {reason}"


@then("its failures are grouped as")
def grouped_as(context: Context) -> None:
    record = context.world.of(OpenBundle).told
    found = [(group.cause, [it.name for it in group.scenarios]) for group in failure_groups(record)]
    expected = [(row["cause"], [row["scenarios"]]) for row in context.table]
    fits = len(found) == len(expected) and all(
        any(fnmatch.fnmatchcase(cause, pattern) and names == scenarios for cause, names in found)
        for pattern, scenarios in expected
    )
    assert fits, f"groups: {found}\nexpected: {expected}"


@given('two scenarios that failed with "{kind}" at "{where}" in "{step}" with "{exception}"')
def two_failures(context: Context, kind: str, where: str, step: str, exception: str) -> None:
    facts = {"kind": kind, "where": where, "step": step, "exception": exception, "message": "so"}
    failure = Failure.model_validate(facts)
    judged(context).record = run_of(*(scenario_named(name, status="failed", failure=failure) for name in ("A", "B")))


def _with_second(run: AcceptanceRecord, **changes: object) -> AcceptanceRecord:
    first, second = run.scenarios
    return run.model_copy(update={"scenarios": (first, second.model_copy(update=changes))})


@when('the second one had "{value}" as its {name}')
def second_differs(context: Context, value: str, name: str) -> None:
    state = judged(context)
    failure = state.run.scenarios[1].failure
    assert failure is not None
    state.record = _with_second(state.run, failure=failure.model_copy(update={name: value}))


@then("the number of groups is {number:d}")
def number_of_groups(context: Context, number: int) -> None:
    groups = failure_groups(judged(context).run)
    assert len(groups) == number, f"groups: {[group.cause for group in groups]}"


@when('a third one ran into a time-out in "{step}"')
def third_timed_out(context: Context, step: str) -> None:
    state = judged(context)
    third = scenario_named("C", status="broken", failure=Failure(kind="time-out", step=step, message="too long"))
    state.record = run_of(third, *state.run.scenarios)


@then("the causes are, in this order")
def causes_are(context: Context) -> None:
    found = [group.cause for group in failure_groups(judged(context).run)]
    expected = [row["cause"] for row in context.table]
    assert found == expected, f"causes: {found}\nexpected: {expected}"


@when('the second one stands at "{place}" and has the tags "{tags}"')
def second_stands_at(context: Context, place: str, tags: str) -> None:
    state = judged(context)
    state.record = _with_second(state.run, place=place, tags=tuple(tags.split()))


@given("their run was asked for with {options}")
def asked_for_with(context: Context, options: str) -> None:
    named = dict(option.removeprefix("--").split("=", 1) for option in options.split())
    tags = tuple(named.pop(name) for name in ("tags",) if name in named)
    state = judged(context)
    state.record = state.run.model_copy(update={"tags": tags, "contract": named})


@then("it is run again by: {command}")
def run_again_by(context: Context, command: str) -> None:
    found = rerun_command(judged(context).run.scenarios[1], judged(context).run)
    assert found == command, f"command: {found}"


@given("the first failure of the sample suite")
def first_failure(context: Context) -> None:
    judged(context).first = sample_record(context.origin).failed[0]


@when("its command is typed")
def type_command(context: Context) -> None:
    first = judged(context).first
    assert first is not None
    program, verb, *arguments = shlex.split(rerun_command(first, sample_record(context.origin)))
    assert (program, verb) == ("foundry", "accept"), f"{program} {verb}"
    context.world.of(SampleRuns).end = suite_of(context).run(arguments)


@then("it fails again in the same way, and nothing else was run")
def fails_again(context: Context) -> None:
    first, record = judged(context).first, context.world.of(SampleRuns).last.record
    assert first is not None and record is not None and first.failure is not None
    found = [(it.key, it.failure.kind, it.failure.message) for it in record.scenarios if it.failure]
    expected = [(first.key, first.failure.kind, first.failure.message)]
    assert found == expected and len(record.scenarios) == 1, f"run: {found}, expected {expected}"
