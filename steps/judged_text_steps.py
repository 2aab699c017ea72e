"""Steps about files of prompts, and about the judgement of texts that a model might have written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, step, then, when
from behave.model import Row
from behave.runner import Context

import foundry
from foundry.errors import UserError
from foundry.evaluation.behaviour.figures import figures_of
from foundry.evaluation.behaviour.judge import Judge
from foundry.evaluation.behaviour.repetition import repetition
from foundry.evaluation.behaviour.samples import Answer, Sample, judged_sample
from foundry.evaluation.behaviour.syntax import Syntax, check_syntax
from foundry.evaluation.prompts import PromptFile, load_prompts, shipped_prompts
from foundry.testing.written_texts import asked_for, unescaped, written


@dataclass
class Judged:
    """The prompts of a scenario, and what was said of its texts."""

    files: list[PromptFile] = field(default_factory=list)
    refusal: str = ""
    seconds: float = 10.0
    longest: float = 0.0
    samples: list[Sample] = field(default_factory=list)


def judged(context: Context) -> Judged:
    found: Judged = context.world.of(Judged)
    return found


@given("the file of prompts {name}")
def file_of_prompts(context: Context, name: str) -> None:
    Path(name).write_text(context.text, encoding="utf-8")


@when("the shipped prompts are loaded")
def shipped_loaded(context: Context) -> None:
    judged(context).files = load_prompts(list(shipped_prompts().values()))


@when("the prompts of {names} are loaded")
def prompts_loaded(context: Context, names: str) -> None:
    try:
        judged(context).files = load_prompts([Path(name) for name in names.split(", ")])
    except UserError as error:
        judged(context).refusal = str(error)


@then("there are at least so many prompts")
def so_many_prompts(context: Context) -> None:
    found = {file.language: len(file.prompts) for file in judged(context).files}
    expected = {row["language"]: int(row["prompts"]) for row in context.table}
    assert found.keys() == expected.keys(), f"{sorted(found)} instead of {sorted(expected)}"
    assert all(found[name] >= expected[name] for name in expected), f"{found}, at least {expected}"


@then("no two prompts of a language have the same name or the same text")
def prompts_differ(context: Context) -> None:
    for file in judged(context).files:
        for key in ("name", "text"):
            values = [getattr(prompt, key) for prompt in file.prompts]
            assert len(set(values)) == len(values), f"{file.language}: a {key} is doubled in {values}"


@then("every prompt is by itself a text of its language that was cut in the middle")
def prompts_can_be_finished(context: Context) -> None:
    checks = [
        (prompt.name, check_syntax("", prompt.text, file.language, is_cut=True))
        for file in judged(context).files
        for prompt in file.prompts
    ]
    wrong = [(name, check.problem) for name, check in checks if not check.parses]
    assert checks and not wrong, f"{len(checks)} prompts; cannot be finished: {wrong}"


@then('the prompts are refused with "{message}"')
def prompts_refused(context: Context, message: str) -> None:
    expect_equal(judged(context).refusal, message)


@then("the prompts are refused with exactly")
def prompts_refused_exactly(context: Context) -> None:
    expect_equal(judged(context).refusal, context.text)


def expect_equal(found: Any, expected: Any) -> None:
    assert found == expected, f"found:    {found!r}\nexpected: {expected!r}"


@step("these texts in {language:w} are judged as they stand")
def judged_whole(context: Context, language: str) -> None:
    for row in context.table:
        expect_judgement(row, language, is_cut=False)


@step("these texts in {language:w} are judged as cut by their length")
def judged_cut(context: Context, language: str) -> None:
    for row in context.table:
        expect_judgement(row, language, is_cut=True)


def expect_judgement(row: Row, language: str, *, is_cut: bool) -> None:
    """A text has the judgement that its row names, in the columns that the table has."""
    prompt, text = unescaped(row["prompt"]), unescaped(row["text"])
    found = check_syntax(prompt, text, language, is_cut)
    shown = f"{prompt + text!r}: {found}"
    assert found.parses == (row["parses"] == "yes"), shown
    if row.get("functions"):
        assert found.complete_functions == int(row["functions"]), shown
    if row.get("compiles"):
        assert found.compiles == (row["compiles"] == "yes"), shown
    if row.get("problem"):
        assert row["problem"] in found.problem, shown
    if row.get("judged"):
        judged_text = (prompt + text)[len(prompt) : found.judged_characters]
        assert judged_text == unescaped(row["judged"]), f"judged {judged_text!r} of {shown}"
    if row.get("marked"):
        expect_marked(row, prompt + text, found)


def expect_marked(row: Row, text: str, found: Syntax) -> None:
    marked = [text[first:last] or "missing" for first, last in found.errors]
    assert marked == [row["marked"]], f"{marked} instead of {row['marked']!r}: {found}"
    assert abs(found.error_share - float(row["share"])) < 0.001, found


@then("no text was executed")
def nothing_executed(context: Context) -> None:
    Path("witness.txt").unlink(missing_ok=True)
    check = check_syntax("x = 1\n", 'open("witness.txt", "w").close()\n', "python", is_cut=False)
    assert check.parses and not Path("witness.txt").exists(), f"{check}; executed: {Path('witness.txt').exists()}"


@given("a judge that gives a text {seconds:g} seconds")
def a_judge(context: Context, seconds: float) -> None:
    judged(context).seconds = seconds


@when("it judges these texts, one after another")
def judges_one_after_another(context: Context) -> None:
    state = judged(context)
    with Judge(state.seconds) as judge:
        for row in context.table:
            started = time.monotonic()
            expect = (row["expect"],) if row["expect"] else ()
            found = judge.judged("", unescaped(row["text"]), row["language"], False, expect)
            state.longest = max(state.longest, time.monotonic() - started)
            assert found["syntax"]["parses"] == (row["parses"] == "yes"), f"{row['text']}: {found}"


@then("none took longer than {seconds:g} seconds")
def none_took_longer(context: Context, seconds: float) -> None:
    longest = judged(context).longest
    assert 0 < longest <= seconds, f"{longest:.1f} s"


@when("it is looked for circles in these texts")
def looked_for_circles(context: Context) -> None:
    for row in context.table:
        found, expected = repetition(unescaped(row["text"])), row["circles"]
        is_right = not found if expected == "no" else expected in found
        assert is_right, f"{row['text']}: {found!r} instead of {expected}"


@then("the code of this package itself is never found to run in circles")
def own_code_is_no_circle(context: Context) -> None:
    modules = sorted(Path(foundry.__file__).parent.rglob("*.py"))
    found = {path.name: text for path in modules if (text := repetition(path.read_text(encoding="utf-8")))}
    assert len(modules) > 100 and not found, f"{len(modules)} modules; {found}"


@when('a model has written these texts for "{prompt}", and ended them itself')
def model_has_written(context: Context, prompt: str) -> None:
    asked = asked_for(unescaped(prompt), "python")
    with Judge() as judge:
        for row in context.table:
            text = written(asked.prompt.text, unescaped(row["text"]), ended=True)
            sample = judged_sample(asked, text, judge)
            judged(context).samples.append(sample)
            assert str(sample.failure).lower() == row["failure"], f"{row['text']}: {sample}"


@then("{successes:d} of {count:d} texts succeeds, and {parsed:d} of them parse")
def texts_succeed(context: Context, successes: int, count: int, parsed: int) -> None:
    answer = Answer(asked_for("def f(a):\n", "python"), tuple(judged(context).samples), 0.0)
    figures = figures_of([answer])
    found = (figures["successes"], figures["samples"], figures["parse_rate"] * count)
    expect_equal(found, (successes, count, parsed))
