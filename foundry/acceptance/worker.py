"""One process of an acceptance run: takes feature files one at a time and tells the outcome of each scenario.

It reads a JSON list of feature locations a line from its standard input, and writes a line of JSON to its standard
output for each scenario (an `Outcome`), for each error outside the scenarios (a text), and when a feature is through
(null). What the scenarios and the libraries print goes into a log file instead.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from behave.configuration import Configuration
from behave.formatter.base import StreamOpener
from behave.model import Feature, Scenario
from behave.runner import Context, Runner
from behave.runner_util import collect_feature_locations, parse_features

from foundry.acceptance.formatter import AllureFormatter, Verdict, failed_owner, place_of, verdict
from foundry.acceptance.selection import behave_configuration


@dataclass(frozen=True)
class Outcome:
    """What became of one scenario.

    Attributes:
        place: what `place_of` gives for the scenario.
        message: why it did not pass; empty where it did.
    """

    place: str
    status: Verdict
    message: str
    seconds: float


class WorkerRunner(Runner):  # type: ignore[misc]
    """Behave's runner over the features that the coordinator hands out."""

    def __init__(self, config: Configuration, results: Path, orders: IO[str], outcomes: IO[str]) -> None:
        super().__init__(config)
        self._results = results
        self._orders = orders
        self._outcomes = outcomes
        self.told_failure = False

    def run_with_paths(self) -> bool:
        self.context = Context(self)
        self.load_hooks()
        self.load_step_definitions()
        self.formatters = [AllureFormatter(StreamOpener(str(self._results)), self.config)]
        return bool(self.run_model(features=self._assigned_features()))

    def _assigned_features(self) -> Iterator[Feature]:
        for order in self._orders:
            (feature,) = parse_features(collect_feature_locations(json.loads(order)))
            selected = [scenario for scenario in feature.walk_scenarios() if scenario.should_run(self.config)]
            for scenario in selected:
                self._tell_when_done(scenario)
            yield feature
            for owner in (feature, *feature.rules):
                if owner.hook_failed:
                    self._tell(f"{owner.location}: {owner.error_message}")
            for scenario in selected:
                if scenario.status.is_untested() and (owner := failed_owner(scenario)):
                    self._tell(Outcome(place_of(scenario), "broken", owner.error_message, 0.0))
            self._tell(None)
            if self.aborted:
                return

    def _tell_when_done(self, scenario: Scenario) -> None:
        run = scenario.run

        def run_and_tell(runner: Runner) -> bool:
            failed = bool(run(runner))
            self._tell(_outcome(scenario))
            return failed

        scenario.run = run_and_tell

    def _tell(self, news: Outcome | str | None) -> None:
        self.told_failure |= isinstance(news, str) or (news is not None and news.status in ("failed", "broken"))
        self._outcomes.write(json.dumps(asdict(news) if isinstance(news, Outcome) else news) + "\n")
        self._outcomes.flush()


def _outcome(scenario: Scenario) -> Outcome:
    status, details = verdict(scenario)
    message = (details.message or "").strip() if details else ""
    step = next((step for step in scenario.all_steps if step.status.has_failed()), None)
    if step is not None:
        why = "no step definition has this sentence" if step.status.is_undefined() else message
        message = f"{step.keyword} {step.name}\n{why}"
    return Outcome(place_of(scenario), status, message, scenario.duration)


def _private_channels(log: Path) -> tuple[IO[str], IO[str]]:
    """The pipes to the coordinator, out of reach of the scenarios and of the programs that they start."""
    orders, outcomes = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    with log.open("w") as shared, Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(shared.fileno(), 1)
        os.dup2(shared.fileno(), 2)
    return orders, outcomes


def main() -> int:
    """Run what the coordinator hands out; exit code 1 where something failed that it has not been told of."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--workspaces", required=True)
    parser.add_argument("--tags", action="append", default=[])
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    orders, outcomes = _private_channels(arguments.log)
    config = behave_configuration(arguments.paths, arguments.tags, arguments.workspaces)
    runner = WorkerRunner(config, arguments.results, orders, outcomes)
    failed = runner.run()
    return int(failed and not runner.told_failure)


if __name__ == "__main__":
    sys.exit(main())
