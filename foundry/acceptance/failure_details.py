"""Why a scenario was not kept, told in the same words whatever it was: kind, exception, place, step."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import TracebackType

from allure_behave.utils import scenario_status_details
from allure_commons.utils import format_traceback
from behave.model import Scenario, Step

from foundry.acceptance.formatter import failed_owner, verdict
from foundry.acceptance.record import Failure

INSTALLED = "site-packages"
"""A part of the path of every library, also of those in a virtual environment inside the project."""

STACK_FRAME = re.compile(r'File "([^"]+)", line (\d+) in ')
"""A frame as `faulthandler` writes it, the innermost first."""


def failure_of(scenario: Scenario, project: Path) -> Failure | None:
    """What kept a scenario that has run from passing; None where it passed or was skipped.

    Args:
        project: the folder that `Failure.where` is relative to.
    """
    step = next((step for step in scenario.all_steps if step.status.has_failed()), None)
    if step is not None:
        return _failure_of_step(scenario, step, project)
    if verdict(scenario)[0] == "broken":
        return _failure_of_hook(scenario, project)
    if scenario.status.is_untested() and (owner := failed_owner(scenario)):
        return _failure_of_hook(owner, project)
    return None


def _failure_of_step(scenario: Scenario, step: Step, project: Path) -> Failure:
    sentence = f"{step.keyword} {step.name}"
    if step.status.is_undefined():
        return Failure(kind="undefined step", step=sentence, message="no step definition has this sentence")
    details = scenario_status_details(scenario)
    return Failure(
        kind="assertion" if isinstance(step.exception, AssertionError) else "exception",
        exception=type(step.exception).__name__,
        where=innermost_place(step.exc_traceback, project),
        step=sentence,
        message=(details.message or "").strip() if details else "",
        trace=format_traceback(step.exc_traceback) or "",
    )


def _failure_of_hook(owner: Scenario, project: Path) -> Failure:
    """`owner` may be a feature or a rule, too: a hook of it failed, or a clean-up function."""
    return Failure(
        kind="environment",
        exception=type(owner.exception).__name__ if owner.exception else "",
        where=innermost_place(owner.exc_traceback, project),
        message=(owner.error_message or "a clean-up function raised an error").strip(),
        trace=format_traceback(owner.exc_traceback) or "",
    )


def innermost_place(trace: TracebackType | None, project: Path) -> str:
    """`file:line` of the innermost frame that stands in `project`, relative to it; empty where none does."""
    for frame in reversed(traceback.extract_tb(trace)):
        if place := _place_in(project, frame.filename, frame.lineno or 0):
            return place
    return ""


def innermost_place_in_log(log: str, project: Path) -> str:
    """The same from the stack that a process has written into its log when it crashed."""
    places = (_place_in(project, name, int(line)) for name, line in STACK_FRAME.findall(log))
    return next(filter(None, places), "")


def _place_in(project: Path, filename: str, line: int) -> str:
    path = (project / filename).resolve()
    is_inside = path.is_relative_to(project) and INSTALLED not in path.parts and path.is_file()
    return f"{path.relative_to(project)}:{line}" if is_inside else ""
