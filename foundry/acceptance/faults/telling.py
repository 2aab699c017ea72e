"""What a run of planted faults says in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from foundry.acceptance.faults.figures import FaultFigure, FaultFigures, MutantFigure, MutantFigures
from foundry.terminal import aligned, printable


def told(figure: FaultFigure) -> str:
    """One fault in one line, when its verdict is known."""
    return printable(f"  {'✓' if figure.is_caught else '✗'} {figure.name}: {figure.verdict}{_why(figure)}")


def summary(figures: FaultFigures) -> Iterator[str]:
    """How many faults are caught, and a table of those that are not."""
    counts = figures.counts
    if figures.budget_seconds is not None:
        yield f"sampled with seed {figures.seed}; the time allowed was {figures.budget_seconds:.0f} s"
    if not_tried := counts["not tried"]:
        names = ", ".join(fault.name for fault in figures.faults if fault.verdict == "not tried")
        yield f"{not_tried} not tried: {names}"
    if figures.not_caught:
        rows = [(it.name, it.verdict, f"{it.guard.feature}  {it.guard.scenario}") for it in figures.not_caught]
        yield printable(aligned([("FAULT", "VERDICT", "GUARD"), *rows]))
    tried = len(figures.faults) - not_tried
    caught = tried - len(figures.not_caught)
    yield f"{caught} of {tried} planted faults are caught, in {figures.seconds:.0f} s"


def _why(figure: FaultFigure) -> str:
    why = ": ".join(part for part in (figure.step, figure.message) if part)
    return f" ({figure.seconds:.1f} s)  {why}" if figure.seconds else f"  {why}"


def mutant_told(figure: MutantFigure) -> str:
    """One mutant in one line, when its verdict is known."""
    by = f" by {figure.killer}" if figure.killer else f": {figure.message}" if figure.message else ""
    return printable(f"  {figure.module}:{figure.line} {figure.mutation}: {figure.verdict}{by}")


def mutant_summary(figures: MutantFigures) -> Iterator[str]:
    """The share of mutants that were killed, and each survivor with its line."""
    counts = figures.counts
    for it in figures.survivors:
        why = it.message or f"{it.scenarios} scenarios noticed nothing"
        yield printable(f"survived: {it.module}:{it.line}  {it.source}\n    {it.mutation}; {why}")
    passed_over = f"; {counts['does not load']} do not load, {counts['equivalent']} change nothing"
    yield (
        f"{counts['killed']} of {figures.num_counted} mutants are killed ({figures.killed_share:.0%}), seed "
        f"{figures.seed}, in {figures.seconds:.0f} s{passed_over}"
    )
