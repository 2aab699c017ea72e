"""Steps on the licences of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.pipeline.licence_texts import licence_of_text
from foundry.pipeline.licences import LicenceFinder, is_licence_file
from foundry.testing.licence_specimens import licence_file_content, licence_text_of_package
from foundry.testing.licensed_repositories import kept_under, several_licences, under_licence
from foundry.testing.scraping import Scraping


@dataclass
class LicenceState:
    """A tree's licence files, and what was answered beside what was wanted."""

    texts: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str, str]] = field(default_factory=list)


def state_of(context: Context) -> LicenceState:
    return context.world.of(LicenceState)


# --- given ---


@given("a tree with these licence files")
def step(context: Context) -> None:
    state_of(context).texts = {row["path"]: licence_file_content(row["text of"]) for row in context.table}


@given("a repository with files under several licences, and one that is no longer there")
def step(context: Context) -> None:
    context.world.of(Scraping).repository = several_licences(Path("sample"))


@given('it has been scraped with redact.licences ["{licence}"]')
def step(context: Context, licence: str) -> None:
    scraping = context.world.of(Scraping)
    scraping.settings["redact.licences"] = [licence]
    scraping.scrape()


# --- when ---


@when("a file lies beside a LICENSE with the text of {licence}")
def step(context: Context, licence: str) -> None:
    finder = LicenceFinder({"LICENSE": licence_file_content(licence)})
    state_of(context).answers = [("main.c", finder.licence_of("main.c", "int main;\n") or "", licence)]


@when("the licence files of these installed packages are read")
def step(context: Context) -> None:
    state_of(context).answers = [
        (row["package"], licence_of_text(licence_text_of_package(row["package"])) or "", row["licence"])
        for row in context.table
    ]


@when("the licences of files with these first lines are asked for")
def step(context: Context) -> None:
    state = state_of(context)
    finder = LicenceFinder(state.texts)
    state.answers = [
        (row["first lines"], finder.licence_of("src/a.c", row["first lines"] + "\n") or "", row["licence"])
        for row in context.table
    ]


@when("the licences of these files are asked for")
def step(context: Context) -> None:
    state = state_of(context)
    finder = LicenceFinder(state.texts)
    state.answers = [
        (row["path"], finder.licence_of(row["path"], "a = 1\n") or "", row["licence"]) for row in context.table
    ]


@when("these paths are asked whether they bear a licence")
def step(context: Context) -> None:
    state_of(context).answers = [
        (row["path"], "yes" if is_licence_file(row["path"]) else "no", row["bears"]) for row in context.table
    ]


@when("files under these licences are scraped, with what is allowed")
def step(context: Context) -> None:
    kept = kept_under([(row["licence"], row["allowed"].split(", ")) for row in context.table], Path("sample"))
    state_of(context).answers = [
        (row["licence"], "yes" if is_kept else "no", row["kept"])
        for row, is_kept in zip(context.table, kept, strict=True)
    ]


@when("a later commit puts {path} under {licence}, and it is scraped again")
def step(context: Context, path: str, licence: str) -> None:
    scraping = context.world.of(Scraping)
    scraping.git.commit("Change the licence", {path: under_licence(licence, "a = 3")})
    scraping.scrape()


# --- then ---


@then("its licence is {licence}")
def step(context: Context, licence: str) -> None:
    found = state_of(context).answers[0][1]
    assert found == licence, f"{found} instead of {licence}"


@then("each is what stands beside it")
def step(context: Context) -> None:
    answers = state_of(context).answers
    wrong = [f"{asked}: {found!r} instead of {wanted!r}" for asked, found, wanted in answers if found != wanted]
    assert answers and not wrong, "\n".join(wrong)


@then("the history holds the changes of these files")
def step(context: Context) -> None:
    found = files_with_changes(context)
    wanted = {row["commit"]: [] if row["files"] == "nothing" else row["files"].split(", ") for row in context.table}
    assert found == wanted, f"{found} instead of {wanted}"


@then("the history holds the changes of no file")
def step(context: Context) -> None:
    found = files_with_changes(context)
    assert len(found) == 4 and not any(found.values()), found


def files_with_changes(context: Context) -> dict[str, list[str]]:
    """The paths that have hunks, by the subject of the commit."""
    return {
        record["subject"]: [change["path"] for change in record["files"] if change["hunks"]]
        for record in context.world.of(Scraping).records
    }


@then("each other change is named, counted and noted")
def step(context: Context) -> None:
    found = [
        (len(record["files"]), record["insertions"] + record["deletions"], record["notes"])
        for record in context.world.of(Scraping).records
    ]
    note = "the hunks of {} of its {} files are left out: their licences are not known to be allowed"
    wanted = [(4, 7, [note.format(3, 4)]), (2, 4, [note.format(1, 2)]), (1, 2, [note.format(1, 1)])]
    assert found == wanted, f"{found} instead of {wanted}"


@then("the records are those of a scrape from scratch")
def step(context: Context) -> None:
    scraping = context.world.of(Scraping)
    found = scraping.contents()
    assert found == scraping.from_scratch(), "a scrape from scratch leaves other bytes"
