"""Behave's results for Allure, complete: scenarios in rules, errors of hooks, reasons of skips.

`allure-behave` does not look into a `Rule`, drops the error of a hook and the reason of a skip, and names the steps
after a deselected scenario wrongly. The two classes here replace that part of it.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, Literal

import allure_commons
from allure_behave.formatter import AllureFormatter as AllureBehaveFormatter
from allure_behave.listener import AllureListener as AllureBehaveListener
from allure_behave.utils import get_fullname, scenario_status, scenario_status_details
from allure_commons.logger import AllureFileLogger
from allure_commons.mapping import labels_set, parse_tag
from allure_commons.model2 import Label, Link, Parameter, Status, StatusDetails, TestResult
from allure_commons.types import AttachmentType, LabelType, Severity
from allure_commons.utils import format_traceback, md5, now, platform_label, uuid4
from behave.configuration import Configuration
from behave.formatter.base import Formatter, StreamOpener
from behave.model import Feature, Rule, Scenario, ScenarioOutline

EPIC_TAG = "allure.label.epic:"
Verdict = Literal["passed", "failed", "broken", "skipped"]

CLEAN_OPTION = "AllureFormatter.clean"
"""Userdata; `true` lets the formatter remove the results of earlier runs from its folder when it starts."""
WORKER_OPTION = "worker"
"""Userdata; the number of this process among those of the run, from 1: its lane in the timeline of the report."""
MAX_TEXT = 100_000
"""A longer text that a scenario shows is cut in its middle, so that the report stays one page that opens."""


def rule_of(scenario: Scenario) -> Rule | None:
    """The rule that `scenario` stands in, or None where it stands in the feature itself."""
    parent = scenario.parent
    if isinstance(parent, ScenarioOutline):
        parent = parent.parent
    return parent if isinstance(parent, Rule) else None


def row_of(scenario: Scenario) -> dict[str, str]:
    """The values of the outline's row that `scenario` was made from; empty for a plain scenario."""
    row = scenario._row  # Behave keeps it nowhere else
    return dict(zip(row.headings, row.cells, strict=True)) if row else {}


def place_of(scenario: Scenario) -> str:
    """File and line of the scenario, or of its row in an outline: the same in every process."""
    return f"{Path(scenario.filename).absolute()}:{scenario.line}"


def tags_of(scenario: Scenario) -> list[str]:
    """The tags of feature, rule, outline and scenario, the nearest last."""
    rule = rule_of(scenario)
    return [str(tag) for tag in [*scenario.feature.tags, *(rule.tags if rule else []), *scenario.tags]]


def epic_of(feature: Feature) -> str:
    """The epic that the feature's tag `@allure.label.epic:` names, else the name of its folder, in words."""
    for tag in feature.tags:
        if tag.startswith(EPIC_TAG):
            return str(tag.removeprefix(EPIC_TAG)).replace("_", " ")
    return Path(feature.filename).absolute().parent.name.replace("_", " ").capitalize()


def history_id(scenario: Scenario) -> str:
    """What tells the scenario from all others, in every run: its place in the report, its name, its row of examples."""
    rule, row = rule_of(scenario), row_of(scenario)
    place = [epic_of(scenario.feature), scenario.feature.name, *([rule.name] if rule else [])]
    return str(md5(*place, scenario.name, *(f"{name}={value}" for name, value in row.items())))


def new_result(scenario: Scenario, worker: str = "") -> TestResult:
    """What Allure shows of `scenario` before it runs: its names, its place in the report, its row of examples.

    Allure makes its own history id of the test case and those parameters that are not excluded. The test case is
    our `history_id`, which has the row in it already, so that equal names in two rules are not taken for one another.
    """
    feature, rule, row = scenario.feature, rule_of(scenario), row_of(scenario)
    marks = [parse_tag(tag) for tag in tags_of(scenario) if not tag.startswith(EPIC_TAG)]
    full_name = get_fullname(scenario)
    place = [epic_of(feature), feature.name, *([rule.name] if rule else [])]
    return TestResult(
        uuid=uuid4(),
        name=scenario.name,
        fullName=full_name,
        testCaseId=history_id(scenario),
        historyId=history_id(scenario),
        titlePath=place,
        description="\n".join([*feature.description, "", *scenario.description]).strip(),
        parameters=[Parameter(name=name, value=value, excluded=True) for name, value in row.items()],
        links=[mark for mark in marks if isinstance(mark, Link)],
        labels=[
            *labels_set([Label(LabelType.SEVERITY, Severity.NORMAL), *(m for m in marks if isinstance(m, Label))]),
            *(Label(kind, value) for kind, value in zip(("epic", "feature", "story"), place, strict=False)),
            Label(LabelType.FRAMEWORK, "behave"),
            Label(LabelType.LANGUAGE, platform_label()),
            *([Label(LabelType.HOST, platform.node()), Label(LabelType.THREAD, f"worker {worker}")] if worker else []),
        ],
        start=now(),
    )


class AllureListener(AllureBehaveListener):  # type: ignore[misc]
    """Follows the scenarios and hands their results to Allure."""

    def start_scenario(self, scenario: Scenario) -> None:
        self.group_context.enter()
        self._is_selected = scenario.should_run(self.behave_config) or bool(scenario.skip_reason)
        result = new_result(scenario, self.behave_config.userdata.get(WORKER_OPTION, "1"))
        self.current_scenario_uuid = result.uuid
        self.logger.schedule_test(result.uuid, result)

    def stop_scenario(self, scenario: Scenario) -> None:
        if self._is_selected:
            self._close(scenario)
        else:
            self.logger.drop_test(self.current_scenario_uuid)
        self.steps.clear()
        self.group_context.exit()
        self.current_scenario_uuid = None

    def _close(self, scenario: Scenario) -> None:
        self.flush_steps()
        result = self.logger.get_test(self.current_scenario_uuid)
        result.status, result.statusDetails = verdict(scenario)
        if scenario.status.has_failed() and scenario.captured.has_output():
            self.attach_data(scenario.captured.make_report(), "Output", AttachmentType.TEXT, None)
        result.stop = now()
        self.logger.close_test(self.current_scenario_uuid)
        self.group_context.append_test(self.current_scenario_uuid)

    @allure_commons.hookimpl
    def attach_data(self, body: Any, name: str, attachment_type: Any, extension: str | None) -> None:
        attach = self.global_attach_data if self.current_scenario_uuid is None else super().attach_data
        if isinstance(body, str) and attachment_type == AttachmentType.TEXT:
            body = without_middle(body)
        attach(body, name, attachment_type, extension)

    @allure_commons.hookimpl
    def attach_file(self, source: str, name: str, attachment_type: Any, extension: str | None) -> None:
        attach = self.global_attach_file if self.current_scenario_uuid is None else super().attach_file
        attach(source, name, attachment_type, extension)


def without_middle(text: str, longest: int = MAX_TEXT) -> str:
    """The text, or its beginning and its end with a note between where it has more than `longest` characters."""
    left_out = len(text) - longest
    if left_out <= 0:
        return text
    half = longest // 2
    return f"{text[:half]}\n\n[... {left_out:,} of {len(text):,} characters are left out here ...]\n\n{text[-half:]}"


def verdict(scenario: Scenario) -> tuple[Verdict, StatusDetails | None]:
    """The status that Allure shows, and what explains it: a failed step before the error of a hook."""
    if any(step.status.has_failed() for step in scenario.all_steps):
        return scenario_status(scenario), scenario_status_details(scenario)
    if scenario.hook_failed or scenario.status.name == "cleanup_error":
        message = scenario.error_message or "a clean-up function raised an error"
        return "broken", StatusDetails(message=message, trace=format_traceback(scenario.exc_traceback))
    if scenario.should_skip:
        return "skipped", StatusDetails(message=scenario.skip_reason or "skipped without a reason")
    if scenario.status.is_untested():
        return "skipped", StatusDetails(message="the suite was stopped before this scenario")
    return "passed", None


class AllureFormatter(AllureBehaveFormatter):  # type: ignore[misc]
    """The formatter to name in Behave's configuration: `foundry.acceptance.formatter:AllureFormatter`.

    It writes one JSON file for each selected scenario into its output folder.
    """

    def __init__(self, stream_opener: StreamOpener, config: Configuration) -> None:
        Formatter.__init__(self, stream_opener, config)
        folder = Path(stream_opener.name)
        if config.userdata.getbool(CLEAN_OPTION) and not config.dry_run:
            clear_results(folder)
        self.listener = AllureListener(config)
        self.file_logger = AllureFileLogger(folder)
        self.testplan = None
        self._feature: Feature | None = None
        self._selected: list[Scenario] = []
        if not config.dry_run:
            allure_commons.plugin_manager.register(self.listener)
            allure_commons.plugin_manager.register(self.file_logger)

    def feature(self, feature: Feature) -> None:
        self._feature = feature
        for scenario in feature.walk_scenarios():
            scenario.run = allure_commons.test(scenario.run, context={"scenario": scenario})

    def eof(self) -> None:
        if self._feature is not None:
            self._report_failed_hooks(self._feature)
        super().eof()

    def _report_failed_hooks(self, feature: Feature) -> None:
        """A failed hook of a feature or rule keeps its scenarios from running: they are broken, not missing."""
        for owner in (feature, *feature.rules):
            if owner.hook_failed:
                self.listener.global_error(owner.error_message, format_traceback(owner.exc_traceback))
        for scenario in feature.walk_scenarios():
            owner = failed_owner(scenario)
            if owner and scenario.status.is_untested() and scenario.should_run(self.config):
                report_unrun(scenario, owner.error_message)


def failed_owner(scenario: Scenario) -> Feature | Rule | None:
    """The feature or rule of `scenario` of which a hook failed, or None."""
    return next((it for it in (scenario.feature, rule_of(scenario)) if it is not None and it.hook_failed), None)


def report_unrun(scenario: Scenario, reason: str) -> None:
    """Report a scenario that was to run and did not, as broken, to the loggers of Allure."""
    result = new_result(scenario)
    result.stop = result.start
    result.status = Status.BROKEN
    result.statusDetails = StatusDetails(message=reason)
    allure_commons.plugin_manager.hook.report_result(result=result)


def clear_results(folder: Path) -> None:
    """Remove the results of earlier runs from `folder`, and leave what is not Allure's."""
    for pattern in ("*-result.json", "*-container.json", "*-globals.json", "*-attachment.*"):
        for path in folder.glob(pattern):
            path.unlink()
