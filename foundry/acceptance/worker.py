"""One process of an acceptance run: takes pieces of features and tells what happens, scenario by scenario.

It reads an order a line from its standard input: a JSON list of the places of scenarios of one feature, in the order
in which they are to run. It writes a line of JSON to its standard output for each piece of news, a list of its kind
and its content: see `News`. What the scenarios and the libraries print goes into a log file instead.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Literal

from behave.configuration import Configuration
from behave.formatter.base import Formatter, StreamOpener
from behave.model import Feature, Rule, Scenario, ScenarioOutline, Step
from behave.runner import Context, Runner
from behave.runner_util import collect_feature_locations, parse_features
from pydantic import BaseModel, ConfigDict

from foundry.acceptance.failure_details import failure_of
from foundry.acceptance.formatter import AllureFormatter, Verdict, failed_owner, history_id, place_of, verdict
from foundry.acceptance.record import Failure
from foundry.acceptance.scenario_tracing import ScenarioTracer
from foundry.acceptance.selection import WORKSPACES_OPTION, behave_configuration

News = Literal["ready", "started", "step", "ended", "error"]
"""`ready` for an order: the names of the files written for Allure; a scenario `started`: its place and the size of the
log; a `step` begins: its sentence; a scenario `ended`: an `Outcome` and such names; an `error` outside the scenarios: a
text."""

STDERR = 2
UNFINISHED = ".tmp"
"""The end of the name of a file that Allure's logger has not completed."""
SHOW_STACK = signal.SIGUSR1
"""Makes a worker write into its log where it is."""


class Outcome(BaseModel):
    """What became of one scenario.

    Attributes:
        place: what `place_of` gives for the scenario.
        reason: why it was skipped; empty where it was not.
        workspace: where it left its files; empty where it left none.
    """

    model_config = ConfigDict(frozen=True)

    place: str
    status: Verdict
    reason: str = ""
    failure: Failure | None = None
    seconds: float = 0.0
    workspace: str = ""


class WorkerRunner(Runner):  # type: ignore[misc]
    """Behave's runner over the pieces that the coordinator hands out."""

    def __init__(
        self, config: Configuration, results: Path, orders: IO[str], news: IO[str], tracer: ScenarioTracer | None = None
    ) -> None:
        super().__init__(config)
        self.tracer = tracer
        self.told_failure = False
        self.was_dismissed = False
        self._results = results
        self._orders = orders
        self._news = news

    def run_with_paths(self) -> bool:
        self.context = Context(self)
        self.load_hooks()
        self.load_step_definitions()
        allure = AllureFormatter(StreamOpener(str(self._results)), self.config)
        self.formatters = [allure, Teller(self, StreamOpener(os.devnull), self.config)]
        return bool(self.run_model(features=self._assigned_features()))

    def tell(self, kind: News, content: object = None) -> None:
        """Tell the coordinator."""
        self._news.write(json.dumps([kind, content]) + "\n")
        self._news.flush()

    def tell_outcome(self, outcome: Outcome) -> None:
        """Tell what became of a scenario."""
        self.told_failure |= outcome.status in ("failed", "broken")
        self.tell("ended", [outcome.model_dump(mode="json"), complete_files(self._results)])

    @property
    def is_dismissed(self) -> bool:
        """Whether the coordinator has no more orders: an order never waits while another is carried out."""
        return bool(select.select([self._orders], [], [], 0)[0])

    def _assigned_features(self) -> Iterator[Feature]:
        while not self.aborted:
            self.tell("ready", complete_files(self._results))
            order = self._orders.readline()
            if not order:
                return
            places: list[str] = json.loads(order)
            (feature,) = parse_features(collect_feature_locations(places))
            bring_into_order(feature, places)
            yield feature
            self._tell_failed_hooks(feature)

    def _tell_failed_hooks(self, feature: Feature) -> None:
        for owner in (feature, *feature.rules):
            if owner.hook_failed:
                self.told_failure = True
                self.tell("error", f"{owner.location}: {owner.error_message}")
        for scenario in feature.walk_scenarios():
            if scenario.should_run(self.config) and scenario.status.is_untested() and failed_owner(scenario):
                failure = failure_of(scenario, Path.cwd())
                self.tell_outcome(Outcome(place=place_of(scenario), status="broken", failure=failure))


class Teller(Formatter):  # type: ignore[misc]
    """Follows the scenarios for the coordinator. To stand behind the formatter that writes the results:
    a scenario has ended when its result is written."""

    def __init__(self, runner: WorkerRunner, stream_opener: StreamOpener, config: Configuration) -> None:
        super().__init__(stream_opener, config)
        self._runner = runner
        self._project = Path.cwd()
        self._workspaces = Path(config.userdata[WORKSPACES_OPTION])
        self._known_workspaces = set(self._workspaces.iterdir())
        self._sentences: list[str] = []

    def feature(self, feature: Feature) -> None:
        for scenario in feature.walk_scenarios():
            if scenario.should_run(self.config):
                self._follow(scenario)

    def scenario(self, _scenario: Scenario) -> None:
        self._sentences = []

    def step(self, step: Step) -> None:
        """Behave announces all steps of a scenario before the first one runs; `match` is when one begins."""
        self._sentences.append(f"{step.keyword} {step.name}")

    def match(self, _match: object) -> None:
        self._runner.tell("step", self._sentences.pop(0))

    def _follow(self, scenario: Scenario) -> None:
        run = scenario.run

        def run_and_tell(runner: WorkerRunner) -> bool:
            if runner.is_dismissed:
                runner.was_dismissed = True
                runner.abort(reason="no more orders")
                return False
            runner.tell("started", [place_of(scenario), os.fstat(STDERR).st_size])
            failed = _traced(runner.tracer, scenario, lambda: bool(run(runner)))
            runner.tell_outcome(outcome_of(scenario, self._project, self._left_workspace()))
            return failed

        scenario.run = run_and_tell

    def _left_workspace(self) -> str:
        """The workspace that the scenario which has just ended left behind; empty where it left none."""
        left = set(self._workspaces.iterdir()) - self._known_workspaces
        self._known_workspaces |= left
        return str(next(iter(left), ""))


def _traced(tracer: ScenarioTracer | None, scenario: Scenario, run: Callable[[], bool]) -> bool:
    if tracer is None:
        return run()
    tracer.begin(history_id(scenario))
    failed = run()
    tracer.end()
    return failed


def complete_files(results: Path) -> list[str]:
    """The names of the files that a worker has written for Allure and that nobody has moved away."""
    return [path.name for path in results.glob("*") if not path.name.endswith(UNFINISHED)]


def outcome_of(scenario: Scenario, project: Path, workspace: str) -> Outcome:
    """What became of a scenario that Behave has run."""
    status, details = verdict(scenario)
    return Outcome(
        place=place_of(scenario),
        status=status,
        reason=(details.message or "").strip() if details and status == "skipped" else "",
        failure=failure_of(scenario, project),
        seconds=scenario.duration,
        workspace=workspace,
    )


def bring_into_order(feature: Feature, places: Sequence[str]) -> None:
    """Have Behave run the scenarios of `feature` as they stand in `places`, as far as rules and outlines allow:
    what belongs to one of them stays together."""
    rank = {place: number for number, place in enumerate(places)}

    def first(item: Rule | ScenarioOutline | Scenario) -> int:
        if isinstance(item, Scenario) and not isinstance(item, ScenarioOutline):
            return rank.get(place_of(item), len(rank))
        return min((first(part) for part in item), default=len(rank))

    for container in (feature, *feature.rules):
        container.run_items.sort(key=first)
        for item in container.run_items:
            if isinstance(item, ScenarioOutline):
                item.scenarios.sort(key=first)


def _private_channels(log: Path) -> tuple[IO[str], IO[str]]:
    """The pipes to the coordinator, out of reach of the scenarios and of the programs that they start."""
    orders, news = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    with log.open("a") as shared, Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(shared.fileno(), 1)
        os.dup2(shared.fileno(), 2)
    return orders, news


def main() -> int:
    """Run what the coordinator hands out; exit code 1 where something failed that it has not been told of."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--workspaces", required=True)
    parser.add_argument("--fail-fast", action="store_true")
    parser.add_argument("--trace-scenarios", action="store_true")
    parser.add_argument("--tags", action="append", default=[])
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    orders, news = _private_channels(arguments.log)
    faulthandler.enable()
    faulthandler.register(SHOW_STACK, all_threads=False)
    config = behave_configuration(arguments.paths, arguments.tags, arguments.workspaces, arguments.number)
    config.stop = arguments.fail_fast
    tracer = ScenarioTracer() if arguments.trace_scenarios else None
    runner = WorkerRunner(config, arguments.results, orders, news, tracer)
    failed = runner.run()
    return int(failed and not (runner.told_failure or runner.was_dismissed))


if __name__ == "__main__":
    sys.exit(main())
