"""The quality gate of a release: what must hold of an acceptance run beside that it ran."""

from __future__ import annotations

from collections.abc import Iterator

from foundry.acceptance.history import History
from foundry.acceptance.record import AcceptanceRecord

SHOWN_NAMES = 5


def gate(record: AcceptanceRecord, history: History) -> list[str]:
    """The reasons why the gate is shut, one line each; empty where it is open.

    Args:
        history: the earlier runs. Scenarios are compared with the last whole run that had the same selection, coverage
            with the last of these that measured it.
    """
    previous, measured = history.last_like(record), history.last_like(record, measured=True)
    fewer = _fewer_scenarios(record, previous) if previous else ()
    less = _less_coverage(record, measured) if measured else ()
    return [*_not_kept(record), *fewer, *less, *_faults(record)]


def _not_kept(record: AcceptanceRecord) -> Iterator[str]:
    if record.ended_early:
        yield f"the run is not whole: {_first_line(record.ended_early)}"
    if record.failed:
        yield f"not kept: {len(record.failed)} of {len(record.scenarios)} scenarios"
    for complaint in record.complaints:
        yield f"outside the scenarios: {_first_line(complaint)}"
    if not record.counts["passed"]:
        yield "no scenario passed"


def _fewer_scenarios(record: AcceptanceRecord, previous: AcceptanceRecord) -> Iterator[str]:
    """Fewer that were promised, or fewer of them run: a promise that is skipped now is not checked any more."""
    last = f"in the run of {previous.started}"
    if len(record.scenarios) < len(previous.scenarios):
        gone = {scenario.key: scenario.name for scenario in previous.scenarios}
        for scenario in record.scenarios:
            gone.pop(scenario.key, None)
        names = _named(tuple(gone.values()))
        yield f"scenarios: {len(record.scenarios)}, and {len(previous.scenarios)} {last}; gone: {names}"
    skipped, were_skipped = record.counts["skipped"], previous.counts["skipped"]
    run, were_run = len(record.scenarios) - skipped, len(previous.scenarios) - were_skipped
    if run < were_run and skipped > were_skipped:
        yield f"scenarios that were run: {run}, and {were_run} {last}; skipped: {skipped}, and {were_skipped} then"


def _less_coverage(record: AcceptanceRecord, previous: AcceptanceRecord) -> Iterator[str]:
    """What both runs measured, compared as it is shown: with one decimal."""
    if record.coverage is None or previous.coverage is None:
        return
    for what in ("lines", "branches"):
        now, then = (f"{getattr(run.coverage, what):.1f}" for run in (record, previous))
        if float(now) < float(then):
            yield f"coverage of {what} fell to {now} % from {then} % in the run of {previous.started}"


def _faults(record: AcceptanceRecord) -> Iterator[str]:
    if record.faults and record.faults.survived:
        survived = record.faults.survived
        yield f"planted faults that survived: {len(survived)} of {record.faults.planted}: {_named(survived)}"


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")
