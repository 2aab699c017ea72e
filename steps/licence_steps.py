"""Steps on the licences of files."""

from __future__ import annotations

from dataclasses import dataclass, field

from behave import given, then, when
from behave.runner import Context

from foundry.pipeline.licence_expressions import is_allowed
from foundry.pipeline.licence_texts import licence_of_text
from foundry.pipeline.licences import LicenceFinder, is_licence_file
from foundry.testing.licence_specimens import licence_file_content, licence_text_of_package


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


@when("these licences are compared with what is allowed")
def step(context: Context) -> None:
    state_of(context).answers = [
        (row["licence"], "yes" if is_allowed(row["licence"] or None, row["allowed"].split(", ")) else "no", row["kept"])
        for row in context.table
    ]


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
