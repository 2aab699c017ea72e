"""Steps about the release bundle: what is in its files, read from them with the parsers of those who get it."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
from pathlib import Path

from behave import given, then, when
from behave.model import Table
from behave.runner import Context

from foundry.acceptance.allure_history import allure_history_id
from foundry.acceptance.bundle import earlier_runs, write_bundle
from foundry.acceptance.failure_groups import failure_lines
from foundry.acceptance.features_page import features_page
from foundry.acceptance.formatter import MAX_TEXT, without_middle
from foundry.acceptance.history import History, read_history, write_history
from foundry.acceptance.junit import junit_xml
from foundry.acceptance.record import (
    AcceptanceRecord,
    CoverageTally,
    Failure,
    FaultTally,
    ScenarioRecord,
    read_record,
)
from foundry.acceptance.selection import behave_configuration, parsed_features
from foundry.acceptance.summary_text import summary_text
from foundry.testing.bundle_reading import (
    FeaturesReader,
    ShownScenario,
    junit_cases,
    junit_faults,
    markdown_table,
    report_data,
    without_order,
)
from foundry.testing.open_bundle import RUNS, OpenBundle, sample_record
from foundry.testing.sample_runs import shared_suite

SUMS = "SHA256SUMS"
REPORT = "report.html"
TIMES = ("id", "timestamp", "prevItemTimestamp")


def bundle_of(context: Context) -> OpenBundle:
    """The state of the scenario."""
    state: OpenBundle = context.world.of(OpenBundle)
    return state


def in_words(text: str) -> str:
    """A text of a feature in which backslashes begin what cannot be typed there."""
    return text.encode("raw_unicode_escape").decode("unicode_escape")


def with_scenario(record: AcceptanceRecord, name: str, **changes: object) -> AcceptanceRecord:
    """The record with one scenario changed."""
    changed = [it.model_copy(update=changes) if it.name == name else it for it in record.scenarios]
    return record.model_copy(update={"scenarios": tuple(changed)})


@when("the sample suite was run twice, and its bundle is opened")
def open_bundle(context: Context) -> None:
    state = bundle_of(context)
    state.suite = shared_suite(context.origin, RUNS)
    state.folder = state.suite / "release"
    state.record = read_record(state.folder / "acceptance.json")


@then("it holds")
def holds(context: Context) -> None:
    folder = bundle_of(context).folder
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    expected = sorted(row["file"] for row in context.table)
    assert found == expected, f"it holds {found}\nexpected: {expected}"


@then("nothing half-written lies beside it")
def nothing_beside(context: Context) -> None:
    left = [path.name for path in bundle_of(context).folder.parent.glob(".writing-*")]
    assert left == [], f"beside the bundle: {left}"


@then("sha256sum accepts it, and has looked at {count:d} files")
def accepted(context: Context, count: int) -> None:
    tool = ["sha256sum", "-c"] if shutil.which("sha256sum") else ["shasum", "-a", "256", "-c"]
    answer = subprocess.run([*tool, SUMS], cwd=bundle_of(context).folder, capture_output=True, text=True)
    lines = answer.stdout.splitlines()
    is_fine = answer.returncode == 0 and len(lines) == count and all(line.endswith(": OK") for line in lines)
    assert is_fine, f"exit {answer.returncode}:\n{answer.stdout}{answer.stderr}"


@then("its history tells of {count:d} runs, and the newest is that of the record")
def history_tells(context: Context, count: int) -> None:
    state = bundle_of(context)
    runs, record = read_history(state.folder / "history.jsonl").runs, state.told
    assert len(runs) == count, f"{len(runs)} runs, expected {count}"
    newest = runs[-1]
    same = (newest.started, newest.counts) == (record.started, record.counts)
    assert same, f"newest: {newest.started} {newest.counts}\nrecord: {record.started} {record.counts}"


@when("its history is written and read again")
def history_again(context: Context) -> None:
    write_history(History((bundle_of(context).told,)), Path("history.jsonl"))
    bundle_of(context).history = read_history(Path("history.jsonl"))


@then("it tells of that failure, word for word")
def tells_of_failure(context: Context) -> None:
    state = bundle_of(context)
    messages = [[it.failure.message for it in run.failed if it.failure] for run in (state.told, *state.history.runs)]
    assert len(messages) == 2 and messages[0] == messages[1], f"written: {messages[0]}\nread: {messages[1:]}"


@when("a bundle is written twice over a link to a folder")
def write_over_link(context: Context) -> None:
    suite, out = shared_suite(context.origin, RUNS), Path("release")
    Path("elsewhere/place").mkdir(parents=True)
    out.symlink_to("elsewhere/place")
    shutil.copy(context.origin / "pyproject.toml", ".")
    for _ in range(2):
        write_bundle(sample_record(context.origin), suite / "allure-results", out, earlier_runs(out))


@then("the link leads to the bundle, and nothing else is left")
def link_leads(context: Context) -> None:
    expected = {path.name for path in (shared_suite(context.origin, RUNS) / "release").iterdir()}
    found = {path.name for path in Path("elsewhere/place").iterdir()}
    left = sorted(path.name for folder in (Path(), Path("elsewhere")) for path in folder.iterdir())
    assert Path("release").is_symlink() and found == expected, f"link: {Path('release').is_symlink()}, in it: {found}"
    assert left == ["elsewhere", "place", "pyproject.toml", "release"], f"left: {left}"


@when("acceptance is told to write its bundle over {what}")
def write_over(context: Context, what: str) -> None:
    state, out = bundle_of(context), Path("out")
    letter = out if what == "a file" else out / "letter.txt"
    letter.parent.mkdir(exist_ok=True)
    letter.write_text("dear", encoding="utf-8")
    state.before = {str(letter): letter.read_bytes()}
    shutil.copytree(shared_suite(context.origin, RUNS) / "features", "features")
    command = [sys.executable, "-m", "foundry", "accept", "--out", "out"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=100)
    state.exit_code, state.text = answer.returncode, answer.stdout + answer.stderr


@then('it is refused with "{line}", and nothing there has changed')
def refused(context: Context, line: str) -> None:
    state = bundle_of(context)
    assert (state.exit_code, state.text.strip()) == (2, line), f"exit {state.exit_code}:\n{state.text}"
    found = {str(path): path.read_bytes() for path in (Path("out"), *Path("out").rglob("*")) if path.is_file()}
    assert found == state.before, f"there is {found}\nthere was {state.before}"


@given("a run that was killed while its bundle took the place of the older one")
def killed_while_swapping(context: Context) -> None:
    shutil.copytree(shared_suite(context.origin, RUNS) / "release", ".writing-release.previous")
    bundle_of(context).folder = Path("release")


@when("the earlier runs are asked for")
def ask_for_runs(context: Context) -> None:
    state = bundle_of(context)
    state.history = earlier_runs(state.folder)


@then("there are {count:d} of them, and the older bundle stands in its place")
def found_again(context: Context, count: int) -> None:
    state = bundle_of(context)
    expected = {path.name for path in (shared_suite(context.origin, RUNS) / "release").iterdir()}
    found = {path.name for path in state.folder.iterdir()}
    assert (len(state.history.runs), found) == (count, expected), f"{len(state.history.runs)} runs, and {found}"


@when("the bundle of one run is made twice")
def bundle_twice(context: Context) -> None:
    state, suite = bundle_of(context), shared_suite(context.origin, RUNS)
    record, history = sample_record(context.origin), read_history(suite / "release" / "history.jsonl")
    state.folder, state.other = Path("first"), Path("second")
    for source in ("features", "disasters", "pyproject.toml"):
        place = suite / source
        shutil.copytree(place, source) if place.is_dir() else shutil.copy(place, source)
    for out in (state.folder, state.other):
        write_bundle(record, suite / "allure-results", out, history)


@then("all files but the report are equal to the byte")
def equal_files(context: Context) -> None:
    state = bundle_of(context)
    first, second = (_contents(folder) for folder in (state.folder, state.other))
    different = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    assert len(first) == 7 and different == [], f"different: {different} of {sorted(first)}"


def _contents(folder: Path) -> dict[str, bytes]:
    """The files, without the report and without the line of the checksums that tells of it."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != REPORT}
    files[SUMS] = b"\n".join(line for line in files[SUMS].splitlines() if not line.endswith(REPORT.encode()))
    return files


@then("the data of the two reports differ in no value")
def equal_reports(context: Context) -> None:
    state = bundle_of(context)
    pages = [(folder / REPORT).read_text(encoding="utf-8") for folder in (state.folder, state.other)]
    first, second = (without_order(report_data(page)) for page in pages)
    different = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    assert len(first) > 20 and different == [], f"different: {different} of {len(first)}"


@then("junit.xml has the cases")
def junit_has(context: Context) -> None:
    found = [(case.name, case.outcome, case.message) for case in junit_cases(bundle_of(context).read("junit.xml"))]
    expected = [(row["case"], row["outcome"], row["message"]) for row in context.table]
    assert len(found) == len(expected), f"{len(found)} cases, expected {len(expected)}: {found}"
    missing = [row for row in expected if not any(case[:2] == row[:2] and _begins(case[2], row[2]) for case in found)]
    assert not missing, f"missing: {missing}\nthere are: {found}"


def _begins(message: str, expected: str) -> bool:
    return message.startswith(expected) and bool(message) == bool(expected)


@then("it is built as JUnit's schema wants it, and each count is that of its cases")
def junit_is_valid(context: Context) -> None:
    faults = list(junit_faults(bundle_of(context).read("junit.xml")))
    assert faults == [], f"junit.xml: {faults}"


@given('a record in which a scenario failed with the message "{message}"')
def record_with_message(context: Context, message: str) -> None:
    failure = Failure(kind="assertion", exception="AssertionError", message=in_words(message))
    record = sample_record(context.origin)
    bundle_of(context).record = with_scenario(record, record.failed[0].name, failure=failure, status="failed")


@when("its junit.xml is written")
def write_junit(context: Context) -> None:
    state = bundle_of(context)
    state.text = junit_xml(state.told)


@then('the case has the message "{message}"')
def case_has_message(context: Context, message: str) -> None:
    state = bundle_of(context)
    found = {case.name: case.message for case in junit_cases(state.text)}[state.told.failed[0].title]
    assert found == message, f"message: {found!r}, expected {message!r}"


@given('a record with the epic "{epic}"')
def record_with_epic(context: Context, epic: str) -> None:
    record = sample_record(context.origin)
    renamed = tuple(it.model_copy(update={"epic": epic}) for it in record.scenarios)
    bundle_of(context).record = record.model_copy(update={"scenarios": renamed})


@given("a record of a run that measured coverage and planted faults")
def record_with_all(context: Context) -> None:
    asked = {
        "coverage": CoverageTally(lines=95, branches=90),
        "faults": FaultTally(planted=60, survived=("no-causal-mask",)),
    }
    bundle_of(context).record = sample_record(context.origin).model_copy(update=asked)


@when("its summary is written")
def write_summary(context: Context) -> None:
    state = bundle_of(context)
    state.text = summary_text(state.told, None, [], {})


@then('the table "{title}" of the summary is')
def summary_table(context: Context, title: str) -> None:
    found = markdown_table(bundle_of(context).read("summary.md"), title)
    expected = _rows(context.table)
    assert found == expected, f"the table is {found}\nexpected: {expected}"


def _rows(table: Table) -> list[list[str]]:
    return [list(table.headings), *(list(row.cells) for row in table.rows)]


@then("the summary has the lines")
def summary_lines(context: Context) -> None:
    lines = bundle_of(context).read("summary.md").splitlines()
    missing = [line for line in context.text.splitlines() if line not in lines]
    assert not missing, f"missing: {missing}; it says:\n" + "\n".join(lines)


def shown_features(context: Context) -> FeaturesReader:
    """The page of the features, read."""
    return FeaturesReader(bundle_of(context).read("features.html"))


@then("features.html shows")
def features_show(context: Context) -> None:
    found = {it.name.strip(): (it.status, " ".join(it.rows)) for it in shown_features(context).scenarios}
    expected = {row["scenario"]: (row["status"], row["rows"]) for row in context.table}
    assert found == expected, f"shown: {found}\nexpected: {expected}"


@then("features.html loads nothing from elsewhere")
def features_load_nothing(context: Context) -> None:
    reader = shown_features(context)
    assert reader.resources == [] and "url(" not in bundle_of(context).read("features.html"), f"{reader.resources}"


@given('a record that does not tell of "{name}"')
def record_without(context: Context, name: str) -> None:
    record = sample_record(context.origin)
    left = tuple(it for it in record.scenarios if it.name != name)
    assert len(left) == len(record.scenarios) - 1, f"{name} is not there once"
    bundle_of(context).record = record.model_copy(update={"scenarios": left})
    shutil.copytree(shared_suite(context.origin, RUNS) / "features", "features")
    shutil.copy(context.origin / "pyproject.toml", ".")


@given('a feature with the text "{text}" in its names, cells and doc strings')
def hostile_feature(context: Context, text: str) -> None:
    text = in_words(text)
    place = Path("features/letters/hostile.feature")
    place.parent.mkdir(parents=True)
    lines = [f"Feature: {text}", f"  {text}", f"  Rule: {text}", f"    Scenario: {text}", "      Given a letter"]
    lines += [
        "        | sign |",
        f"        | {text} |",
        "      And a note",
        '        """',
        f"        {text}",
        '        """',
    ]
    place.write_text("\n".join(lines), encoding="utf-8")
    shutil.copy(context.origin / "pyproject.toml", ".")
    state = bundle_of(context)
    state.record, state.lines = sample_record(context.origin), [text]


@when("its features are written as a page")
def write_features(context: Context) -> None:
    state = bundle_of(context)
    behave_configuration(["features"], [])
    state.text = features_page(parsed_features(["features"]), state.told)


@then('features.html shows of "{name}" the status "{status}" and the rows "{rows}"')
def feature_status(context: Context, name: str, status: str, rows: str) -> None:
    shown = [it for it in shown_features(context).scenarios if it.name.strip() == name]
    assert shown == [ShownScenario(shown[0].name, status, rows.split())], f"shown: {shown}"


@then("features.html shows that text {count:d} times and holds one script, its own")
def shows_as_written(context: Context, count: int) -> None:
    reader, (text,) = shown_features(context), bundle_of(context).lines
    found = (reader.text.count(text), reader.num_scripts)
    assert found == (count, 1), f"the text {found[0]} times, {found[1]} scripts:\n{reader.text}"


def report_of(context: Context) -> dict[str, dict[str, object]]:
    """The data in the report of the bundle."""
    data: dict[str, dict[str, object]] = report_data(bundle_of(context).read(REPORT))
    return data


@then('the report shows for "{name}" the earlier statuses "{statuses}"')
def report_history(context: Context, name: str, statuses: str) -> None:
    state = bundle_of(context)
    results = [it for key, it in report_of(context).items() if key.startswith("data/test-results/")]
    (result,) = [it for it in results if it["name"] == name]
    (scenario,) = [it for it in state.told.scenarios if it.name == name]
    found = (result["historyId"], " ".join(point["status"] for point in result["history"]))
    assert found == (allure_history_id(scenario.key), statuses), f"the report has {found}"


@then("its trend has {count:d} runs, and nothing was made, dropped, mended or broken between them")
def report_trend(context: Context, count: int) -> None:
    charts = {chart["type"]: chart["data"] for chart in report_of(context)["widgets/charts.json"]["general"].values()}
    newest = charts["statusTransitions"][-1] | charts["testBaseGrowthDynamics"][-1]
    changes = {name: value for name, value in newest.items() if not (value == 0 or name in TIMES)}
    found = (len(charts["statusDynamics"]), len(charts["statusTransitions"]), changes)
    assert found == (count, count - 1, {}), f"trends: {found}"


@then('the timeline of the report has the lanes "{lanes}"')
def report_lanes(context: Context, lanes: str) -> None:
    entries = report_of(context)["widgets/timeline.json"]
    found = ", ".join(sorted({entry["thread"] for entry in entries}))
    assert found == lanes, f"lanes: {found}"


@when("a scenario shows a text of {length} characters")
def long_text(context: Context, length: str) -> None:
    number = int(length.replace(",", ""))
    state = bundle_of(context)
    state.before = {"text": "".join(chr(0x4E00 + place % 20_000) for place in range(number)).encode()}
    state.text = without_middle(state.before["text"].decode())


@then('the report gets its first and last {half}, and the note "{note}"')
def cut_text(context: Context, half: str, note: str) -> None:
    state, number = bundle_of(context), int(half.replace(",", ""))
    whole = state.before["text"].decode()
    expected = f"{whole[:number]}\n\n[... {note} ...]\n\n{whole[-number:]}"
    assert 2 * number == MAX_TEXT and state.text == expected, f"{len(state.text)}: {state.text[number : number + 99]!r}"


@when("its failures are listed for the terminal")
def list_failures(context: Context) -> None:
    state = bundle_of(context)
    state.lines = failure_lines(state.told)


@then('no line holds a control character, and one holds "{text}"')
def harmless_lines(context: Context, text: str) -> None:
    lines = bundle_of(context).lines
    speaking = [line for line in lines if not line.isprintable()]
    assert speaking == [] and any(text in line for line in lines), f"speaking: {speaking}; lines: {lines}"


@then('the run had printed for "{name}"')
def had_printed(context: Context, name: str) -> None:
    output = (bundle_of(context).suite / "output.txt").read_text(encoding="utf-8").splitlines()
    wanted = context.text.splitlines()
    begin = [number for number, line in enumerate(output) if fnmatch.fnmatchcase(line, wanted[0])]
    found = output[begin[0] : begin[0] + len(wanted)] if begin else output
    same = [fnmatch.fnmatchcase(line, pattern) for line, pattern in zip(found, wanted, strict=True)] if begin else []
    assert same and all(same) and any(name in line for line in found), "printed:\n" + "\n".join(found)


@then("the workspaces that it names are there, and belong to")
def own_workspaces(context: Context) -> None:
    record = bundle_of(context).told
    found = sorted(it.name for it in record.failed if it.workspace and _is_workspace_of(it))
    named = sorted(it.name for it in record.failed if it.workspace)
    expected = sorted(row["scenario"] for row in context.table)
    assert found == named == expected, f"own: {found}\nnamed: {named}\nexpected: {expected}"


def _is_workspace_of(scenario: ScenarioRecord) -> bool:
    begin = "-".join(scenario.name.lower().split())[:40]
    return Path(scenario.workspace).is_dir() and Path(scenario.workspace).name.startswith(begin)
