"""Steps about the pages that foundry writes, as they are seen in a real browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.features_page import FILTERS
from foundry.testing.allure_page import LEAF, STATUSES, AllurePage
from foundry.testing.browser import browser
from foundry.testing.features_document import FeaturesDocument
from foundry.testing.seen_pages import Seen, seen
from foundry.testing.written_pages import PAGES, sample_results

VIEWPORT = '<meta name="viewport" content="width=device-width">'
TEXT = "<p>Enough words for a page that is not empty, so that only what is said to be wrong is wrong with it.</p>"


@dataclass
class Page:
    """The page of a scenario, and what was seen of it.

    Attributes:
        ready: a selector of what can be seen once a script has drawn it.
        name: the scenario that is open in the report.
        listed: the scenarios that are listed after each filter.
        promised: how many scenarios each filter says that it leaves.
        shown: how many scenarios are said to be shown after each filter.
    """

    path: Path = Path("page.html")
    ready: str = ""
    seen: list[Seen] = field(default_factory=list)
    report: AllurePage | None = None
    name: str = ""
    listed: dict[str, list[str]] = field(default_factory=dict)
    promised: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)

    @property
    def opened(self) -> AllurePage:
        assert self.report is not None, "no report is open"
        return self.report


def page_of(context: Context) -> Page:
    return context.world.of(Page)


@given("the page of {thing}")
def page_of_thing(context: Context, thing: str) -> None:
    page_of(context).path = PAGES[thing]()
    page_of(context).ready = LEAF if thing == "an acceptance run" else ""


@given('a page with "{part}"')
def page_with(context: Context, part: str) -> None:
    page_of(context).path.write_text(f"<!doctype html><html><head>{VIEWPORT}</head><body>{TEXT}{part}</body></html>")


@given("a page that does not tell of its width")
def page_without_width(context: Context) -> None:
    page_of(context).path.write_text(f"<!doctype html><html><body>{TEXT}</body></html>")


@when("it is opened on a desk and on a phone")
def opened_on_both(context: Context) -> None:
    page = page_of(context)
    page.seen = [seen(page.path, "desktop", page.ready), seen(page.path, "phone", page.ready)]
    for shown in page.seen:
        context.world.attach(f"On a {shown.screen}", shown.picture, "png")


@then("no script of it fails, and it asks nothing of the network")
def no_complaint(context: Context) -> None:
    complaints = {shown.screen: shown.complaints for shown in page_of(context).seen}
    assert complaints == {"desktop": [], "phone": []}, complaints


@then("it can be read on both without scrolling sideways")
def can_be_read(context: Context) -> None:
    hindrances = {shown.screen: shown.hindrances for shown in page_of(context).seen}
    assert hindrances == {"desktop": [], "phone": []}, hindrances


@then('it is found to be wrong on {screens}: "{problem}"')
def found_wrong(context: Context, screens: str, problem: str) -> None:
    found = {shown.screen: [*shown.complaints, *shown.hindrances] for shown in page_of(context).seen}
    wrong = [screen for screen, problems in found.items() if any(problem in it for it in problems)]
    expected = ["desktop", "phone"] if screens == "both" else ["phone"]
    assert wrong == expected, f"{problem!r} on {wrong}, expected on {expected}; found {found}"


# --- the document of the features ---


@when("each of its filters is clicked in turn")
def filters_clicked(context: Context) -> None:
    page = page_of(context)
    with browser().open(page.path) as opened:
        document = FeaturesDocument(opened)
        page.promised = document.filters()
        for name in page.promised:
            document.filter_by(name)
            page.shown[name] = document.num_shown()
            page.listed[name] = document.scenarios()
        context.world.attach("The document", opened.screenshot(), "png")


@then("each leaves as many scenarios as it says and as the results have")
def filters_leave(context: Context) -> None:
    page, statuses = page_of(context), [result["status"] for result in sample_results().values()]
    expected = {
        name: len(statuses) if not wanted else sum(status in wanted for status in statuses) for name, wanted in FILTERS
    }
    assert page.promised == page.shown == expected, f"promised {page.promised}, shown {page.shown}, results {expected}"


@then('its filter "{name}" leaves "{seen_one}" and not "{hidden_one}"')
def filter_leaves(context: Context, name: str, seen_one: str, hidden_one: str) -> None:
    listed = page_of(context).listed[name]
    assert any(seen_one in title for title in listed), listed
    assert not any(hidden_one in title for title in listed), listed


# --- the report ---


def opened_report(context: Context) -> AllurePage:
    """The report, open in a browser until the scenario ends."""
    page = page_of(context)
    page.report = AllurePage(context.world.ending.enter_context(browser().open(page.path)))
    return page.report


@when("it is opened at its list of scenarios")
def report_opened(context: Context) -> None:
    opened_report(context)


@when("its list is filtered by each status in turn")
def list_filtered(context: Context) -> None:
    report = opened_report(context)
    for status in STATUSES:
        report.filter_by(status)
        page_of(context).listed[status] = sorted(report.scenarios())


@when('its scenario "{name}" is opened')
def scenario_opened(context: Context, name: str) -> None:
    page_of(context).name = name
    opened_report(context).open_scenario(name)
    context.world.attach("The scenario in the report", page_of(context).opened.opened.screenshot(), "png")


@then("it counts the scenarios of each status as the results do")
def counts_as_results(context: Context) -> None:
    statuses = [result["status"] for result in sample_results().values()]
    expected = {"total": len(statuses), **{status: statuses.count(status) for status in STATUSES}}
    counted = page_of(context).opened.counts()
    assert counted == expected and all(counted.values()), f"the page: {counted}\nthe results: {expected}"


@then("it lists each time the scenarios that have it in the results, and no other")
def lists_only(context: Context) -> None:
    results, listed = sample_results(), page_of(context).listed
    expected = {status: sorted(it for it in results if results[it]["status"] == status) for status in STATUSES}
    assert listed == expected and all(listed.values()), f"listed: {listed}\nin the results: {expected}"


@then('the scenario is shown as {status:w} for "{message}"')
def shown_as(context: Context, status: str, message: str) -> None:
    report = page_of(context).opened
    assert (report.status(), report.error()) == (status, message), f"{report.status()}: {report.error()}"


@then("the steps of its results are shown")
def steps_shown(context: Context) -> None:
    page = page_of(context)
    shown, expected = page.opened.steps(), [step["name"] for step in sample_results()[page.name]["steps"]]
    assert shown == expected and shown, f"shown: {shown}\nin the results: {expected}"


@then("it shows beside its steps")
def shows_attachments(context: Context) -> None:
    report = page_of(context).opened
    names = [row["attachment"] for row in context.table]
    assert report.attachments() == names, f"it shows {report.attachments()}, expected {names}"
    shown = {name: report.unfold_attachment(name) for name in names}
    wrong = {row["attachment"]: shown[row["attachment"]] for row in context.table}
    wrong = {name: text for name, text in wrong.items() if not _holds(text, context, name)}
    assert not wrong, f"not as expected: {wrong}"


def _holds(text: str, context: Context, name: str) -> bool:
    [expected] = [row["content"] for row in context.table if row["attachment"] == name]
    return expected in text and text != "picture of 0 x 0"
