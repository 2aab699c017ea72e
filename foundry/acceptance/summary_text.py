"""What a release page says of an acceptance run, in Markdown."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from foundry.acceptance.failure_groups import failure_groups, rerun_command
from foundry.acceptance.record import AcceptanceRecord, FaultTally
from foundry.terminal import duration, printable

SHOWN_FACTS = ("System", "Processor", "Memory", "GPU", "torch", "transformers", "behave")
SHOWN_SCENARIOS = 20


def summary_text(
    record: AcceptanceRecord,
    previous: AcceptanceRecord | None,
    reasons: Sequence[str],
    environment: Mapping[str, str],
) -> str:
    """The summary.

    Args:
        previous: the run that this one is compared with.
        reasons: why the gate is shut; see `foundry.acceptance.gate`.
        environment: what `foundry.acceptance.report.environment` tells.
    """
    parts = [_heading(record), _promises(record), _not_kept(record), _skipped(record)]
    parts += [_figures(record, previous), _gate(reasons, previous), _environment(record, environment), _repeat(record)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(record: AcceptanceRecord) -> str:
    counts = record.counts
    run = len(record.scenarios) - counts["skipped"]
    verdict = f"{len(record.failed)} of {run:,} promises that were run are not kept."
    if record.is_kept:
        verdict = "Every promise that was run is kept."
    elif not record.failed:
        verdict = "No promise that was run is broken, but the run is not a clean one." if run else "Nothing was run."
    shard = f", shard {record.shard}" if record.shard else ""
    lines = [f"# Acceptance of foundry {_plain(record.foundry)}", f"**{verdict}**"]
    if record.ended_early:
        lines.append(f"**This is a partial report: {_plain(record.ended_early)}.**")
    if record.faults and (survived := record.faults.survived):
        unnoticed = f"{len(survived)} of {record.faults.planted}: {_plain(', '.join(survived))}"
        lines.append(f"**Planted faults that no scenario has noticed: {unnoticed}.**")
    lines.append(
        f"Commit {_plain(record.commit)}{shard}, {_plain(record.started)}: {len(record.scenarios):,} scenarios in "
        f"{duration(record.seconds)} with {record.workers} worker{'s' * (record.workers != 1)}: "
        f"{counts['passed']:,} kept, {len(record.failed):,} not kept, {counts['skipped']:,} skipped."
    )
    return "\n\n".join([*lines, *(f"- {_plain(complaint)}" for complaint in record.complaints)])


def _promises(record: AcceptanceRecord) -> str:
    epics: dict[str, Counter[str]] = {}
    for scenario in record.scenarios:
        epics.setdefault(scenario.epic, Counter())[scenario.status] += 1
    heading = ("", "Promised", "Kept", "Not kept", "Skipped")
    rows = [(_plain(epic), *_numbers(counts)) for epic, counts in sorted(epics.items())]
    return "## What was promised\n\n" + _table([heading, *rows, ("**All**", *_numbers(record.counts))])


def _numbers(counts: Counter[str]) -> tuple[str, ...]:
    numbers = (counts.total(), counts["passed"], counts["failed"] + counts["broken"], counts["skipped"])
    return tuple(f"{number:,}" for number in numbers)


def _not_kept(record: AcceptanceRecord) -> str:
    groups = failure_groups(record)
    if not groups:
        return ""
    parts = ["## What is not kept"]
    for group in groups:
        parts.append(f"### {len(group.scenarios)} × {_plain(group.cause)}")
        parts.append(_code("\n".join(group.first_lines)))
        shown = group.scenarios[:SHOWN_SCENARIOS]
        lines = [
            line
            for scenario in shown
            for line in (
                f"- {_plain(scenario.feature)} › {_plain(scenario.title)}",
                f"  - again: {_span(rerun_command(scenario, record))}",
                *([f"  - workspace: {_span(scenario.workspace)}"] if scenario.workspace else []),
            )
        ]
        left = len(group.scenarios) - len(shown)
        parts.append("\n".join([*lines, *([f"- and {left} more"] if left else [])]))
    return "\n\n".join(parts)


def _skipped(record: AcceptanceRecord) -> str:
    reasons = Counter(it.reason or "skipped without a reason" for it in record.scenarios if it.status == "skipped")
    if not reasons:
        return ""
    rows = [(f"{count:,}", _plain(reason)) for reason, count in sorted(reasons.items(), key=lambda it: (-it[1], it[0]))]
    return "## What was skipped\n\n" + _table([("Scenarios", "Why"), *rows])


def _figures(record: AcceptanceRecord, previous: AcceptanceRecord | None) -> str:
    rows = [("", "This run", "The run before"), *_figure_rows(record, previous)]
    return "## Figures\n\n" + _table(rows)


def _figure_rows(record: AcceptanceRecord, previous: AcceptanceRecord | None) -> Iterator[tuple[str, str, str]]:
    before: Iterable[tuple[str, str]] = _measures(previous) if previous else itertools.repeat(("", "–"))
    for (name, now), (_, then) in zip(_measures(record), before, strict=False):
        if now != "–" or then != "–":
            yield name, now, then


def _measures(run: AcceptanceRecord) -> Iterator[tuple[str, str]]:
    """Each figure by its name; a dash where it was not measured."""
    coverage, faults = run.coverage, run.faults
    yield "Scenarios", f"{len(run.scenarios):,}"
    yield "Kept", f"{run.counts['passed']:,}"
    yield "Time", duration(run.seconds)
    yield "Lines covered", f"{coverage.lines:.1f} %" if coverage else "–"
    yield "Branches covered", f"{coverage.branches:.1f} %" if coverage else "–"
    yield "Planted faults noticed", _noticed(faults) if faults else "–"
    if faults and faults.mutants:
        yield "Random mutants killed", f"{faults.mutants_killed} of {faults.mutants}"


def _noticed(faults: FaultTally) -> str:
    left = f", {faults.not_tried} not tried" if faults.not_tried else ""
    return f"{faults.planted - len(faults.survived)} of {faults.planted}{left}"


def _gate(reasons: Sequence[str], previous: AcceptanceRecord | None) -> str:
    alone = "" if previous else "\n\nThere is no earlier run with this selection to compare with."
    if not reasons:
        return f"## Quality gate: open{alone}"
    return f"## Quality gate: shut{alone}\n\n" + "\n".join(f"- {_plain(reason)}" for reason in reasons)


def _environment(record: AcceptanceRecord, environment: Mapping[str, str]) -> str:
    facts = [(name, environment[name]) for name in SHOWN_FACTS if name in environment]
    rows = [("Python", record.python), *facts]
    return "## Where it ran\n\n" + _table([("", ""), *((name, _plain(value)) for name, value in rows)])


def _repeat(record: AcceptanceRecord) -> str:
    workers = f" --workers {record.workers}" if record.workers else ""
    seed = f" --seed {record.seed}" if record.seed is not None else ""
    measured = f"{' --coverage' if record.coverage else ''}{' --planted-faults' if record.faults else ''}"
    commit = record.commit.removesuffix("-dirty")
    checkout = [] if " " in commit else [f"git checkout {commit}"]  # where it ran was no repository
    lines = [*checkout, f"foundry accept {record.selection}{workers}{seed}{measured}", ""]
    check = "sha256sum -c SHA256SUMS   # in the folder of this file: nothing was changed since"
    dirty = "\n\nThe tree held changes that are in no commit." if record.commit.endswith("-dirty") else ""
    return f"## To repeat it{dirty}\n\n" + _code("\n".join([*lines, check]))


def _table(rows: Sequence[Sequence[str]]) -> str:
    first, *others = rows
    ruler = ["---", *["---" for _ in first[1:]]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (first, ruler, *others))


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line: nothing in it is markup, a link, or the end of a cell."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", printable(" ".join(text.split())))


def _span(text: str) -> str:
    """Text in a code span, in a fence longer than any in it."""
    fence = "`" * (_longest_fence(text) + 1)
    spare = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{spare}{printable(' '.join(text.split()))}{spare}{fence}"


def _code(text: str) -> str:
    """Text as a block of code, in a fence longer than any in it."""
    fence = "`" * max(3, _longest_fence(text) + 1)
    return f"{fence}\n{printable(text)}\n{fence}"


def _longest_fence(text: str) -> int:
    return max((len(found) for found in re.findall(r"`+", text)), default=0)
