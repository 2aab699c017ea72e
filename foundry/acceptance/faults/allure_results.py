"""Planted faults in the report: each is a result of the epic "Planted faults"."""

from __future__ import annotations

from pathlib import Path

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label, Status, StatusDetails, TestResult
from allure_commons.types import LabelType
from allure_commons.utils import md5, now, uuid4

from foundry.acceptance.faults.figures import FaultFigure, FaultFigures

EPIC = "Planted faults"


def report_faults(figures: FaultFigures, results: Path) -> None:
    """Write a result for each fault into the folder of Allure's results: passed where its guard noticed it."""
    logger = AllureFileLogger(str(results))
    for figure in figures.faults:
        logger.report_result(_result(figure))


def _result(figure: FaultFigure) -> TestResult:
    ended = now()
    why = "\n".join(part for part in (figure.verdict, figure.step, figure.message) if part)
    return TestResult(
        uuid=uuid4(),
        name=figure.name,
        fullName=f"{EPIC}: {figure.name}",
        testCaseId=md5(EPIC, figure.name),
        historyId=md5(EPIC, figure.name),
        titlePath=[EPIC, figure.module],
        description=f"{figure.story}\n\nGuard: {figure.guard.scenario} ({figure.guard.feature})",
        labels=[
            Label(LabelType.EPIC, EPIC),
            Label(LabelType.FEATURE, figure.module),
            Label(LabelType.SEVERITY, "critical"),
        ],
        status=_status(figure),
        statusDetails=StatusDetails(message=why),
        start=ended - round(figure.seconds * 1000),
        stop=ended,
    )


def _status(figure: FaultFigure) -> str:
    if figure.is_caught:
        return str(Status.PASSED)
    if figure.verdict == "not tried":
        return str(Status.SKIPPED)
    return str(Status.FAILED if figure.verdict == "survived" else Status.BROKEN)
