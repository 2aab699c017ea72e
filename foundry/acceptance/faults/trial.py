"""What the forked child of a trial does: it loads the suite of a copy of the project and runs some scenarios of it.

It tells `loaded` when every step module and the changed module are imported, then `began` and `ended` for each
scenario.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario
from behave.runner import Context, Runner
from behave.runner_util import collect_feature_locations, parse_features

from foundry.acceptance.faults.nursery import Tell
from foundry.acceptance.formatter import failed_owner, verdict
from foundry.acceptance.selection import behave_configuration


class TrialRunner(Runner):  # type: ignore[misc]
    """Behave's runner over some scenarios, without a report."""

    def __init__(self, order: dict[str, Any], tell: Tell) -> None:
        super().__init__(behave_configuration(order["places"], [], order["workspaces"]))
        self.config.stop = order["stop_at_first_red"]
        self._order = order
        self._tell = tell

    def run_with_paths(self) -> bool:
        self.context = Context(self)
        self.load_hooks()
        self.load_step_definitions()
        if self._order["module"]:
            importlib.import_module(self._order["module"])
        if self._order["only_load"]:
            self._tell("loaded", libraries=_libraries())
            return False
        self._tell("loaded", libraries=[])
        self.formatters: list[Any] = []
        return bool(self.run_model(features=self._features()))

    def _features(self) -> Iterator[Feature]:
        for feature in parse_features(collect_feature_locations(self._order["places"])):
            chosen = [scenario for scenario in feature.walk_scenarios() if scenario.should_run(self.config)]
            for scenario in chosen:
                self._tell_of(scenario)
            yield feature
            for scenario in chosen:
                if scenario.status.is_untested() and (owner := failed_owner(scenario)):
                    self._tell("ended", place=str(scenario.location), status="broken", message=owner.error_message)

    def _tell_of(self, scenario: Scenario) -> None:
        run, place = scenario.run, str(scenario.location)

        def run_and_tell(runner: Runner) -> bool:
            self._tell("began", place=place)
            failed = bool(run(runner))
            self._tell("ended", place=place, seconds=scenario.duration, **_outcome(scenario))
            return failed

        scenario.run = run_and_tell


def run(order: dict[str, Any], tell: Tell) -> None:
    """Run the scenarios at the places of `order` in the working directory, and tell what becomes of them."""
    TrialRunner(order, tell).run()


def _outcome(scenario: Scenario) -> dict[str, str]:
    status, details = verdict(scenario)
    step = next((step for step in scenario.all_steps if step.status.has_failed()), None)
    message = ((details.message or "") if details else "").strip()
    return {"status": status, "step": f"{step.keyword} {step.name}" if step else "", "message": message}


def _libraries() -> list[str]:
    """The modules imported so far, in the order of their import, that neither the project nor Foundry has."""
    return [name for name in list(sys.modules) if name != "__main__" and not _is_own(name.partition(".")[0])]


def _is_own(package: str) -> bool:
    return package == "foundry" or Path(package).exists() or Path(f"{package}.py").exists()
