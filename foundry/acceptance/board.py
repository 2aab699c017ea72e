"""What an acceptance run shows in the terminal: each feature when it is through, a bar meanwhile, a summary."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from behave.model import Scenario
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from foundry.acceptance.formatter import epic_of, place_of, row_of
from foundry.acceptance.selection import SelectedFeature
from foundry.acceptance.worker import Outcome

MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "broken": "[yellow]![/]", "skipped": "[dim]–[/]"}
MESSAGE_LINES = 15


class Board:
    """Collects the outcomes of a run and shows them; threads may share it."""

    def __init__(self, console: Console, selected: Sequence[SelectedFeature]) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._console = console
        self._selected = selected
        self._lock = threading.Lock()
        self._bar = Progress(
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._num_scenarios)

    @property
    def _num_scenarios(self) -> int:
        return sum(len(item.scenarios) for item in self._selected)

    @property
    def num_not_kept(self) -> int:
        """How many scenarios failed or broke so far."""
        return sum(outcome.status in ("failed", "broken") for outcome in self.outcomes.values())

    @property
    def exit_code(self) -> int:
        """0 where all that could run passed, 1 where one did not, 2 where none could run."""
        if self.num_not_kept:
            return 1
        return 0 if any(outcome.status == "passed" for outcome in self.outcomes.values()) else 2

    @contextlib.contextmanager
    def progress(self, workers: int) -> Iterator[None]:
        """Say what is going to be run, and show how far it is while the block runs."""
        scenarios, features = _counted(self._num_scenarios, "scenario"), _counted(len(self._selected), "feature")
        self._console.print(f"{scenarios} of {features}, in {_counted(workers, 'process')}\n")
        with self._bar if self._console.is_terminal else contextlib.nullcontext():
            yield

    def note(self, outcome: Outcome) -> None:
        """Take down the outcome of one scenario."""
        with self._lock:
            self.outcomes[outcome.place] = outcome
            self._bar.update(self._task, completed=len(self.outcomes))

    def show(self, item: SelectedFeature) -> None:
        """Show a feature that is through."""
        with self._lock:
            feature = item.feature
            path = escape(str(feature.location).rpartition(":")[0])
            self._console.print(f"[bold]{escape(epic_of(feature))} › {escape(feature.name)}[/]  [dim]{path}[/]")
            for scenario in item.scenarios:
                self._show_scenario(scenario, self.outcomes.get(place_of(scenario)))
            self._console.print()

    def _show_scenario(self, scenario: Scenario, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        time = f"  [dim]{outcome.seconds:.1f} s[/]" if outcome.seconds >= 0.1 else ""
        why = f"  [dim]{escape(outcome.message)}[/]" if outcome.status == "skipped" else ""
        self._console.print(f"  {MARKS[outcome.status]} {escape(_title(scenario))}{time}{why}")
        if outcome.status in ("failed", "broken"):
            for line in outcome.message.splitlines()[:MESSAGE_LINES]:
                self._console.print(f"      {escape(line)}")

    def end(self, seconds: float, complaints: Sequence[str], workspaces: Path) -> None:
        """Sum up: what was not kept, what was skipped and why, and how many there were of each."""
        for complaint in complaints:
            self._console.print(f"[red]{escape(complaint)}[/]")
        self._list_not_kept(workspaces)
        self._list_skipped()
        statuses = Counter(outcome.status for outcome in self.outcomes.values())
        if self.exit_code == 2:
            self._console.print("[yellow]nothing was checked: no selected scenario can run on this machine[/]")
        self._console.print(f"took {seconds:.0f} s")
        self._console.print(f"{statuses['passed']} passed, {self.num_not_kept} failed, {statuses['skipped']} skipped")

    def _list_not_kept(self, workspaces: Path) -> None:
        if self.num_not_kept:
            self._console.print("[bold]not kept:[/]")
            for scenario in self._having("failed", "broken"):
                self._console.print(f"  {escape(str(scenario.location))}  {escape(_title(scenario))}")
            if any(workspaces.iterdir()):
                self._console.print(f"their workspaces are kept in {workspaces}")

    def _list_skipped(self) -> None:
        reasons = Counter(self.outcomes[place_of(scenario)].message for scenario in self._having("skipped"))
        if reasons:
            self._console.print("[bold]skipped:[/]")
            for reason, count in reasons.most_common():
                self._console.print(f"  {count} × {escape(reason)}")

    def _having(self, *statuses: str) -> list[Scenario]:
        scenarios = (scenario for item in self._selected for scenario in item.scenarios)
        return [it for it in scenarios if self.outcomes[place_of(it)].status in statuses]


def _title(scenario: Scenario) -> str:
    """The scenario's name, with the values of its row of examples that are not in it."""
    row = ", ".join(value for value in row_of(scenario).values() if value not in scenario.name)
    return f"{scenario.name} ({row})" if row else str(scenario.name)


def _counted(number: int, thing: str) -> str:
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{number} {thing if number == 1 else plural}"
