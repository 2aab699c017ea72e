"""The outcome of an acceptance run as JUnit's XML, which build servers read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from foundry.acceptance.failure_groups import UNEXPLAINED
from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord
from foundry.terminal import printable

OUTSIDE = "outside the scenarios"
STOPPED = "stopped before its end"


def junit_xml(record: AcceptanceRecord) -> str:
    """One suite a feature, one case a scenario: `failure` for a broken promise, `error` for all that is not one.

    What went wrong outside the scenarios is a suite of its own, so that no build with it is green.
    XML has no control characters, so they are replaced by signs.
    """
    root = ET.Element("testsuites", name="foundry accept")
    features: dict[str, list[ET.Element]] = {}
    for scenario in record.scenarios:
        features.setdefault(f"{scenario.epic}: {scenario.feature}", []).append(_case(scenario))
    for name, cases in features.items():
        root.append(_suite(record, name, cases))
    outside = [_outside_case("complaint", complaint) for complaint in record.complaints]
    if record.ended_early:
        outside.append(_outside_case(STOPPED, record.ended_early))
    if outside:
        root.append(_suite(record, OUTSIDE, outside))
    counts: Counter[str] = Counter()
    for suite in root:
        counts.update({name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")})
    root.attrib.update({name: str(count) for name, count in counts.items()}, time=f"{record.seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(record: AcceptanceRecord, name: str, cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(name))
    suite.extend(cases)
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.attrib.update({"tests": str(len(suite))})
    suite.attrib.update({name: str(len(suite.findall(f"testcase/{tag}"))) for name, tag in counted.items()})
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in suite):.3f}")
    suite.set("timestamp", record.started[:19])
    return suite


def _case(scenario: ScenarioRecord) -> ET.Element:
    file, _, line = scenario.place.rpartition(":")
    classname = ".".join(part for part in (scenario.epic, scenario.feature, scenario.rule) if part)
    case = ET.Element("testcase", name=printable(scenario.title), classname=printable(classname))
    case.attrib.update(time=f"{scenario.seconds:.3f}", file=printable(file), line=line)
    if scenario.status == "skipped":
        ET.SubElement(case, "skipped", message=_one_line(scenario.reason or "skipped without a reason"))
    elif scenario.status in ("failed", "broken"):
        failure = scenario.failure or UNEXPLAINED
        workspace = scenario.workspace and f"workspace: {scenario.workspace}"
        details = [failure.step, failure.message, failure.trace, workspace]
        _add_problem(case, "failure" if scenario.status == "failed" else "error", failure.exception, details)
    return case


def _outside_case(name: str, text: str) -> ET.Element:
    case = ET.Element("testcase", name=name, classname=OUTSIDE, time="0.000")
    _add_problem(case, "error", "", [text])
    return case


def _add_problem(case: ET.Element, tag: str, kind: str, details: Sequence[str]) -> None:
    told = [part for part in details if part]
    message = _one_line(told[0] if len(told) == 1 else " ".join(told[:2]))
    problem = ET.SubElement(case, tag, message=message, type=printable(kind or tag))
    problem.text = printable("\n".join(told))


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
