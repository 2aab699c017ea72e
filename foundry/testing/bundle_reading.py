"""Reads what a release bundle holds as those do who get it: with parsers of XML, JSON, HTML and Markdown's tables."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

OUTCOMES = ("failure", "error", "skipped")
COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class JUnitCase:
    """A case of `junit.xml`; its outcome is `passed` or the name of the element that tells another one."""

    name: str
    outcome: str
    message: str


def junit_cases(text: str) -> list[JUnitCase]:
    """The cases, in their order."""
    return [_case(element) for element in ET.fromstring(text.encode()).iter("testcase")]


def _case(element: ET.Element) -> JUnitCase:
    told = [part for part in element if part.tag in OUTCOMES]
    outcome, message = (told[0].tag, told[0].get("message", "")) if told else ("passed", "")
    return JUnitCase(element.get("name", ""), outcome, message)


def junit_faults(text: str) -> Iterator[str]:
    """What JUnit's schema would not have: elements out of place, attributes that are missing, counts that are wrong."""
    root = ET.fromstring(text.encode())
    if root.tag != "testsuites":
        yield f"the root is {root.tag}"
    for suite in root:
        yield from _suite_faults(suite)
    for name, sums in {"tests": len(list(root.iter("testcase")))}.items():
        if root.get(name) != str(sums):
            yield f"testsuites: {name}={root.get(name)}, and there are {sums}"
    yield from _count_faults(root, "testsuite/testcase")


def _suite_faults(suite: ET.Element) -> Iterator[str]:
    if suite.tag != "testsuite" or not suite.get("name"):
        yield f"no suite with a name: {suite.tag} {suite.attrib}"
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "")):
        yield f"{suite.get('name')}: timestamp={suite.get('timestamp')}"
    if suite.get("tests") != str(len(suite.findall("testcase"))):
        yield f"{suite.get('name')}: tests={suite.get('tests')}, and there are {len(suite.findall('testcase'))}"
    yield from _count_faults(suite, "testcase")
    for case in suite:
        told = [part.tag for part in case]
        if case.tag != "testcase" or not (case.get("name") and case.get("classname")):
            yield f"no case with names: {case.tag} {case.attrib}"
        if len(told) > 1 or not set(told) <= set(OUTCOMES) or float(case.get("time", "-1")) < 0:
            yield f"{case.get('name')}: {told}, time={case.get('time')}"
        yield from (f"{case.get('name')}: no message" for part in case if not part.get("message"))


def _count_faults(element: ET.Element, cases: str) -> Iterator[str]:
    for name, tag in COUNTS.items():
        found = len(element.findall(f"{cases}/{tag}"))
        if element.get(name) != str(found):
            yield f"{element.get('name')}: {name}={element.get(name)}, and there are {found}"


@dataclass
class ShownScenario:
    """A scenario on the page of the features: its name, its status, and that of each row of its examples."""

    name: str = ""
    status: str = ""
    rows: list[str] = field(default_factory=list)


class FeaturesReader(HTMLParser):
    """Reads `features.html`: its scenarios, all its text, how many scripts it has, and what it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scenarios: list[ShownScenario] = []
        self.num_scripts = 0
        self.resources: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag not in ("meta", "input", "br", "img", "link"):
            self._open.append(f"{tag}.{named.get('class', '')}")
        self.num_scripts += tag == "script"
        links = [named[name] for name in ("src", "href", "data", "action") if name in named]
        self.resources += [link for link in links if not link.startswith(("#", "data:"))]
        if tag == "details" and named.get("class") == "scenario":
            self.scenarios.append(ShownScenario(status=named["data-status"]))
        if tag == "tr" and "data-status" in named:
            self.scenarios[-1].rows.append(named["data-status"])

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1].partition(".")[0] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] in ("style.", "script."):
            return
        self.text += data
        if "summary." in self._open and self._open[-1] in ("summary.", "var."):
            self.scenarios[-1].name = f"{self.scenarios[-1].name}{data}".strip("\n")


def report_data(page: str) -> dict[str, Any]:
    """The data in the page of Allure, by the names of the files that it would have written; what is no JSON as text."""
    parts = re.findall(r'd\("([^"]+)","([^"]*)"\)', page)
    return {name: _decoded(name, base64.b64decode(content)) for name, content in parts}


def _decoded(name: str, content: bytes) -> Any:
    return json.loads(content) if name.endswith(".json") else content.decode("utf-8", "replace")


def without_order(value: Any) -> Any:
    """The value with each list sorted: Allure lists results that began in the same millisecond in any order.

    The time at which the report was made, which stands at the newest point of each trend, is left out.
    """
    if isinstance(value, dict):
        made = {"timestamp"} if value.get("id") == "current" else set()
        return {name: without_order(item) for name, item in value.items() if name not in made}
    if isinstance(value, list):
        return sorted((without_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def markdown_table(text: str, title: str) -> list[list[str]]:
    """The cells of the table below the heading `title`, its own heading first; a bar after a backslash is text."""
    part = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
