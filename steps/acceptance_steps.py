"""Steps about the acceptance layer itself: a sample suite that is run, what it prints, its results and its report."""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.step_checks import check_sources
from foundry.testing.sample_suite import write_sample_suite

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class SampleRun:
    """What a run of the sample suite left: its output, who is reported, the results by name, attachments, the page."""

    exit_code: int
    output: str
    reported: tuple[str, ...]
    results: dict[str, dict[str, Any]]
    attachments: dict[str, bytes]
    page: str
    workspaces: tuple[str, ...]

    @functools.cached_property
    def page_data(self) -> dict[str, Any]:
        """The data inside the page, by the names of the files that Allure would have written."""
        parts = re.findall(r'd\("([^"]+\.json)","([^"]*)"\)', self.page)
        return {name: json.loads(base64.b64decode(content)) for name, content in parts}

    def texts(self, scenario: str) -> dict[str, bytes]:
        """The attachments of a scenario by name."""
        shown = self.results[scenario].get("attachments", [])
        return {attachment["name"]: self.attachments[attachment["source"]] for attachment in shown}


@dataclass
class Acceptance:
    """The run that the scenario looks at, or what the step checks found."""

    run: SampleRun | None = None
    source: Path = Path("module.py")
    findings: list[str] = field(default_factory=list)
    printed: str = ""
    exit_code: int | None = None

    @property
    def sample(self) -> SampleRun:
        assert self.run is not None, "no sample suite was run"
        return self.run


@functools.cache
def sample_run(
    project: Path, arguments: tuple[str, ...] = (), misspelt: tuple[str, str] = ("", ""), node_crashes: bool = False
) -> SampleRun:
    """Run the sample suite once, however many scenarios look at it. Results and page of yesterday lie there before."""
    with tempfile.TemporaryDirectory(prefix="sample-suite-") as folder:
        root = Path(folder).resolve()
        write_sample_suite(root, project)
        for path in root.rglob("*.feature"):
            path.write_text(path.read_text(encoding="utf-8").replace(*misspelt), encoding="utf-8")
        (root / "allure-results").mkdir()
        (root / "allure-results" / "old-result.json").write_text('{"name": "Yesterday", "status": "passed"}')
        (root / "release").mkdir()
        (root / "release" / "report.html").write_text("yesterday's page")
        (root / "temporary").mkdir()
        command = [sys.executable, "-m", "foundry", "accept", *arguments]
        environment = {**os.environ, "TMPDIR": str(root / "temporary")}
        if node_crashes:
            environment["PATH"] = os.pathsep.join([str(crashing_node(root / "bin")), os.environ["PATH"]])
        answer = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=100)
        results = [json.loads(path.read_text()) for path in root.glob("allure-results/*-result.json")]
        page = root / "release" / "report.html"
        return SampleRun(
            exit_code=answer.returncode,
            output=answer.stdout + answer.stderr,
            reported=tuple(sorted(result["name"] for result in results)),
            results={result["name"]: result for result in results},
            attachments={path.name: path.read_bytes() for path in root.glob("allure-results/*-attachment.*")},
            page=page.read_text() if page.exists() else "",
            workspaces=tuple(path.name for path in root.glob("temporary/foundry-accept-*/*/*")),
        )


def crashing_node(folder: Path) -> Path:
    """A folder with a Node that tells its version and can do nothing else."""
    folder.mkdir()
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(
            '#!/bin/sh\n[ "$1" = --version ] && echo v22.0.0 && exit\necho Node has crashed >&2\nexit 3\n'
        )
        program.chmod(0o755)
    return folder


@when("the sample suite is run")
def run_sample_suite(context: Context) -> None:
    context.world.of(Acceptance).run = sample_run(context.origin)


@when('the sample suite is run with "{arguments}"')
def run_sample_suite_with(context: Context, arguments: str) -> None:
    context.world.of(Acceptance).run = sample_run(context.origin, tuple(shlex.split(arguments)))


@when('the sample suite is run after "{tag}" was misspelt as "{misspelt}"')
def run_misspelt_suite(context: Context, tag: str, misspelt: str) -> None:
    context.world.of(Acceptance).run = sample_run(context.origin, (), (tag, misspelt))


@when('the sample suite is run with "{arguments}" on a machine whose Node crashes')
def run_without_node(context: Context, arguments: str) -> None:
    context.world.of(Acceptance).run = sample_run(context.origin, (arguments,), node_crashes=True)


@then("there is no report")
def no_report(context: Context) -> None:
    page = context.world.of(Acceptance).sample.page
    assert not page, f"there is a page: {page[:200]}"


@then("it exits with {code:d}")
def exits_with(context: Context, code: int) -> None:
    run = context.world.of(Acceptance).sample
    assert run.exit_code == code, f"exit code {run.exit_code}, expected {code}; it printed:\n{run.output}"


@then("it prints the lines")
def prints_lines(context: Context) -> None:
    printed = context.world.of(Acceptance).sample.output.splitlines()
    missing = [line for line in context.text.splitlines() if line not in printed]
    assert not missing, f"missing: {missing}; it printed:\n" + "\n".join(printed)


@then("it prints only a line that begins with")
def prints_one_line(context: Context) -> None:
    printed = context.world.of(Acceptance).sample.output
    assert printed.startswith(context.text) and printed.count("\n") == 1, f"it printed:\n{printed}"


@then("the workspaces that are left belong to")
def workspaces_left(context: Context) -> None:
    left = sorted(name.rpartition("-")[0] for name in context.world.of(Acceptance).sample.workspaces)
    expected = sorted(row["scenario"].lower().replace(" ", "-")[:40] for row in context.table)
    assert left == expected, f"left: {left}\nexpected: {expected}"


@then("the results are")
def results_are(context: Context) -> None:
    run = context.world.of(Acceptance).sample
    results, expected = run.results, {row["scenario"]: row for row in context.table}
    assert run.reported == tuple(sorted(expected)), f"reported: {run.reported}\nexpected: {sorted(expected)}"
    for name, row in expected.items():
        reason = results[name].get("statusDetails", {}).get("message", "").strip()
        as_expected = results[name]["status"] == row["status"] and reason.startswith(row["reason"])
        assert as_expected and bool(reason) == bool(row["reason"]), f"{name}: {results[name]['status']}: {reason!r}"


@then('the steps reported of "{scenario}" are')
def steps_reported(context: Context, scenario: str) -> None:
    steps = context.world.of(Acceptance).sample.results[scenario]["steps"]
    reported, expected = (
        [(step["name"], step["status"]) for step in steps],
        [(row["step"], "passed") for row in context.table],
    )
    assert reported == expected, f"reported: {reported}\nexpected: {expected}"


@then('"{scenario}" is reported with')
def reported_with(context: Context, scenario: str) -> None:
    labels = context.world.of(Acceptance).sample.results[scenario]["labels"]
    for row in context.table:
        values = [label["value"] for label in labels if label["name"] == row["label"]]
        expected = [row["value"]] if row["value"] else []
        assert values == expected, f"{row['label']}: {values}, expected {expected}"


@then('"{scenario}" shows "{attachment}" with the text "{text}"')
def shows_text(context: Context, scenario: str, attachment: str, text: str) -> None:
    shown = context.world.of(Acceptance).sample.texts(scenario)
    assert text in shown.get(attachment, b"").decode(), f"{attachment!r} without {text!r}: {shown}"


@then('"{scenario}" shows "{attachment}" with a picture')
def shows_picture(context: Context, scenario: str, attachment: str) -> None:
    shown = context.world.of(Acceptance).sample.texts(scenario)
    assert attachment in shown, f"{attachment!r} is not shown: {list(shown)}"
    drawn = ElementTree.fromstring(shown[attachment].decode()).findall(f"{SVG}polyline")
    assert drawn and len(drawn[0].get("points", "").split()) == 3, f"no line over three losses: {shown[attachment]!r}"


@then("the page holds all {count:d} results")
def page_holds_results(context: Context, count: int) -> None:
    run = context.world.of(Acceptance).sample
    held = sorted(data["name"] for name, data in run.page_data.items() if name.startswith("data/test-results/"))
    assert held == sorted(run.results) and len(held) == count, f"in the page: {held}\nresults: {sorted(run.results)}"


@then("the page names nothing to load from elsewhere")
def page_loads_nothing(context: Context) -> None:
    loader = ResourceFinder()
    loader.feed(context.world.of(Acceptance).sample.page)
    assert loader.num_tags > 5, "that is no page"
    assert not loader.resources, f"the page loads {loader.resources}"


class ResourceFinder(HTMLParser):
    """Collects what a browser would load for a page: sources and linked files that are not in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.num_tags = 0
        self.resources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.num_tags += 1
        if tag != "a":
            named = [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]
            self.resources += [value for value in named if not value.startswith(("data:", "#"))]


@then("the page tells")
def page_tells(context: Context) -> None:
    told = context.world.of(Acceptance).sample.page_data["widgets/variables.json"]
    missing = [row["about"] for row in context.table if not told.get(row["about"])]
    assert not missing, f"the page does not tell: {missing}; it tells: {told}"


@then("the page lists the errors")
def page_errors(context: Context) -> None:
    errors = context.world.of(Acceptance).sample.page_data["widgets/globals.json"]["errors"]
    listed, expected = sorted(error["message"] for error in errors), sorted(row["error"] for row in context.table)
    assert listed == expected, f"listed: {listed}\nexpected: {expected}"


@then("the page has the categories")
def page_categories(context: Context) -> None:
    nodes = context.world.of(Acceptance).sample.page_data["widgets/categories.json"]["nodes"].values()
    shown = Counter({node["name"]: node["statistic"]["total"] for node in nodes if node["type"] == "category"})
    expected = {row["category"]: int(row["results"]) for row in context.table}
    assert shown == expected, f"the page has {dict(shown)}, expected {expected}"


@given("the step module")
def step_module(context: Context) -> None:
    context.world.of(Acceptance).source.write_text(context.text.replace("\\n", "\n"), encoding="utf-8")


@when("the step checks read it")
def check_module(context: Context) -> None:
    state = context.world.of(Acceptance)
    state.findings = [finding.text for finding in check_sources([state.source])]


@then('they find "{text}"')
def checks_find(context: Context, text: str) -> None:
    findings = context.world.of(Acceptance).findings
    assert len(findings) == 1 and text in findings[0], f"found: {findings}"


@then("they find nothing")
def checks_find_nothing(context: Context) -> None:
    findings = context.world.of(Acceptance).findings
    assert findings == [], f"found: {findings}"


@when("the step checks read the sample suite")
def check_sample_suite(context: Context) -> None:
    write_sample_suite(context.world.workspace, context.origin)
    command = [sys.executable, "-m", "foundry.acceptance.step_checks", "."]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    state = context.world.of(Acceptance)
    state.exit_code, state.printed = answer.returncode, answer.stdout + answer.stderr


@then("they exit with {code:d} and print only")
def checks_print(context: Context, code: int) -> None:
    state = context.world.of(Acceptance)
    assert (state.exit_code, state.printed.strip()) == (code, context.text), f"exit {state.exit_code}:\n{state.printed}"
