"""What an acceptance run shows in the terminal: failures and features as they end, what runs meanwhile, a summary."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from foundry.acceptance.failure_groups import failure_lines
from foundry.acceptance.formatter import epic_of, place_of
from foundry.acceptance.ledger import Ledger
from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord
from foundry.acceptance.selection import SelectedFeature
from foundry.acceptance.worker_process import WorkerProcess
from foundry.terminal import duration, printable

MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "broken": "[yellow]![/]", "skipped": "[dim]–[/]"}
MESSAGE_LINES = 15
SECONDS_BETWEEN_VIEWS = 0.5


class Board:
    """Shows a run while it goes on.

    Args:
        expected: how many seconds each scenario takes, by its place.
    """

    def __init__(self, console: Console, ledger: Ledger, expected: Mapping[str, float]) -> None:
        self._console = console
        self._ledger = ledger
        self._expected = expected
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._shown = 0.0

    @contextlib.contextmanager
    def progress(self, num_workers: int) -> Iterator[None]:
        """Say what is going to be run, and show how far it is while the block runs."""
        scenarios = counted(len(self._ledger), "scenario")
        features = counted(len(self._ledger.selected), "feature")
        self._console.print(f"{scenarios} of {features}, in {counted(num_workers, 'process')}\n")
        with self._live if self._console.is_terminal else contextlib.nullcontext():
            yield

    def tick(self, workers: Sequence[WorkerProcess]) -> None:
        """Show on a terminal what is done, what runs, what is left and how long that will take."""
        if self._console.is_terminal and time.monotonic() - self._shown > SECONDS_BETWEEN_VIEWS:
            self._shown = time.monotonic()
            self._live.update(self._view(workers), refresh=True)

    def _view(self, workers: Sequence[WorkerProcess]) -> RenderableType:
        done, number = len(self._ledger.records), len(self._ledger)
        not_kept = self._ledger.num_not_kept
        failed = f"  [red]{not_kept} not kept[/]" if not_kept else ""
        heading = Table.grid(padding=(0, 1))
        heading.add_row(
            ProgressBar(total=number, completed=done, width=30),
            f"{done} of {number}{failed}  {duration(self._seconds_left(workers))} left",
        )
        return Group(heading, *(self._running(worker) for worker in workers))

    def _running(self, worker: WorkerProcess) -> Text:
        if not worker.place:
            text = "between scenarios" if worker.is_ready else "loads the suite"
        else:
            scenario = self._ledger.scenario(worker.place)
            text = f"{duration(time.monotonic() - worker.since)}  {scenario.feature.name} › {scenario.name}"
        return Text(f"  {worker.number}  {printable(text)}", style="dim", no_wrap=True, overflow="ellipsis")

    def _seconds_left(self, workers: Sequence[WorkerProcess]) -> float:
        left = sum(self._expected[place] for place in self._ledger.missing)
        running = (min(time.monotonic() - it.since, self._expected[it.place]) for it in workers if it.place)
        return max(0.0, left - sum(running)) / max(1, len(workers))

    def note(self, record: ScenarioRecord, finished: SelectedFeature | None) -> None:
        """Show at once that a scenario was not kept, and a feature all of whose scenarios have ended."""
        if not record.is_kept:
            text = f"{MARKS[record.status]} {_safe(record.place)}  {_safe(record.title)}: {_safe(record.why)}"
            self._console.print(text)
        if finished is not None:
            self._show(finished)

    def _show(self, item: SelectedFeature) -> None:
        feature = item.feature
        path = str(feature.location).rpartition(":")[0]
        self._console.print(f"[bold]{_safe(epic_of(feature))} › {_safe(feature.name)}[/]  [dim]{_safe(path)}[/]")
        for scenario in item.scenarios:
            self._show_scenario(self._ledger.records[place_of(scenario)])
        self._console.print()

    def _show_scenario(self, record: ScenarioRecord) -> None:
        took = f"  [dim]{record.seconds:.1f} s[/]" if record.seconds >= 0.1 else ""
        why = f"  [dim]{_safe(record.reason)}[/]" if record.reason else ""
        self._console.print(f"  {MARKS[record.status]} {_safe(record.title)}{took}{why}")
        if failure := record.failure:
            lines = [*([failure.step] if failure.step else []), *failure.message.splitlines()]
            for line in lines[:MESSAGE_LINES]:
                self._console.print(f"      {_safe(line)}")


def show_summary(console: Console, record: AcceptanceRecord, workspaces: Path | None = None) -> None:
    """Sum up: what was not kept, what was skipped and why, and how many there were of each.

    Args:
        workspaces: where those of scenarios that were not kept are left.
    """
    for complaint in record.complaints:
        console.print(f"[red]{_safe(complaint)}[/]")
    if record.failed:
        console.print("[bold]not kept:[/]")
        for line in failure_lines(record):
            console.print(escape(line))
        if workspaces and workspaces.exists():
            console.print(f"their workspaces are kept in {workspaces}")
    _list_skipped(console, record)
    if not record.counts["passed"] and not record.failed:
        console.print("[yellow]nothing was checked: no selected scenario can run on this machine[/]")
    if record.ended_early:
        console.print(f"[yellow]ended early: {record.ended_early}[/]")
    console.print(f"took {record.seconds:.0f} s")
    counts = record.counts
    console.print(f"{counts['passed']} passed, {len(record.failed)} failed, {counts['skipped']} skipped")


def _list_skipped(console: Console, record: AcceptanceRecord) -> None:
    reasons = Counter(scenario.reason for scenario in record.scenarios if scenario.status == "skipped")
    if reasons:
        console.print("[bold]skipped:[/]")
        for reason, count in reasons.most_common():
            console.print(f"  {count} × {_safe(reason)}")


def show_gate(console: Console, reasons: Sequence[str], asked: bool) -> None:
    """Say why the quality gate is shut; where it was not asked for, only what more it would have minded.

    Args:
        asked: the gate decides on the exit code.
    """
    if reasons:
        console.print("[bold]the quality gate is shut:[/]" if asked else "[dim]the quality gate would be shut:[/]")
        for reason in reasons:
            console.print(f"  {_safe(reason)}")
    elif asked:
        console.print("the quality gate is open")


def counted(number: int, thing: str) -> str:
    """`1 process`, `2 processes`."""
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{number} {thing if number == 1 else plural}"


def _safe(text: str) -> str:
    return escape(printable(text))
