"""Planted faults in the report: each is a result of the epic "Planted faults", and all random mutants are one."""

from __future__ import annotations

from pathlib import Path

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label, Status, StatusDetails, TestResult
from allure_commons.types import LabelType
from allure_commons.utils import md5, now, uuid4

from foundry.acceptance.faults.figures import FaultFigure, FaultFigures, MutantFigures

EPIC = "Planted faults"
LEAST_SHARE = 0.9
"""Of random mutants that must be killed."""


def report_faults(figures: FaultFigures, results: Path) -> None:
    """Write a result for each fault into the folder of Allure's results: passed where its guard noticed it."""
    logger = AllureFileLogger(str(results))
    for figure in figures.faults:
        logger.report_result(_of_fault(figure))
    if figures.mutants:
        logger.report_result(_of_mutants(figures.mutants))


def _of_fault(figure: FaultFigure) -> TestResult:
    story = f"{figure.story}\n\nGuard: {figure.guard.scenario} ({figure.guard.feature})"
    why = "\n".join(part for part in (figure.verdict, figure.step, figure.message) if part)
    return _result(figure.name, figure.module, _status(figure), story, why, figure.seconds)


def _of_mutants(figures: MutantFigures) -> TestResult:
    status = Status.PASSED if figures.killed_share >= LEAST_SHARE else Status.FAILED
    survivors = "\n\n".join(f"{it.module}:{it.line} `{it.source}`: {it.mutation}" for it in figures.survivors)
    killed = f"{figures.counts['killed']} of {figures.num_counted} killed ({figures.killed_share:.0%})"
    return _result("random mutants", "core", str(status), f"Survivors:\n\n{survivors}", killed, figures.seconds)


def _result(name: str, feature: str, status: str, description: str, message: str, seconds: float) -> TestResult:
    ended = now()
    labels = {LabelType.EPIC: EPIC, LabelType.FEATURE: feature, LabelType.SEVERITY: "critical"}
    return TestResult(
        uuid=uuid4(),
        name=name,
        fullName=f"{EPIC}: {name}",
        testCaseId=md5(EPIC, name),
        historyId=md5(EPIC, name),
        titlePath=[EPIC, feature],
        description=description,
        labels=[Label(kind, value) for kind, value in labels.items()],
        status=status,
        statusDetails=StatusDetails(message=message),
        start=ended - round(seconds * 1000),
        stop=ended,
    )


def _status(figure: FaultFigure) -> str:
    if figure.is_caught:
        return str(Status.PASSED)
    if figure.verdict == "not tried":
        return str(Status.SKIPPED)
    return str(Status.FAILED if figure.verdict == "survived" else Status.BROKEN)
