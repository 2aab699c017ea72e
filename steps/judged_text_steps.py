"""Steps about files of prompts, and about the judgement of texts that a model might have written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
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
    """The prompts of a scenario, and what was said of its texts.

    Attributes:
        checks: for each text its row, the prompt, itself and its syntax.
        outcomes: a text, what came of it, and what was expected.
    """

    files: list[PromptFile] = field(default_factory=list)
    refusal: str = ""
    seconds: float = 10.0
    longest: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    checks: list[tuple[Any, str, str, Syntax]] = field(default_factory=list)
    outcomes: list[tuple[str, str, str]] = field(default_factory=list)


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


@when("these texts in {language:w} are judged as they stand")
def judged_whole(context: Context, language: str) -> None:
    judge_rows(context, language, is_cut=False)


@when("these texts in {language:w} are judged as cut by their length")
def judged_cut(context: Context, language: str) -> None:
    judge_rows(context, language, is_cut=True)


def judge_rows(context: Context, language: str, *, is_cut: bool) -> None:
    for row in context.table:
        prompt, text = unescaped(row["prompt"]), unescaped(row["text"])
        judged(context).checks.append((row, prompt, text, check_syntax(prompt, text, language, is_cut)))


@then("each is judged as its row says")
def each_as_its_row(context: Context) -> None:
    checks = judged(context).checks
    assert checks, "no text was judged"
    for row, prompt, text, found in checks:
        expect_judgement(row, prompt, text, found)


def expect_judgement(row: Row, prompt: str, text: str, found: Syntax) -> None:
    """A text has the judgement that its row names, in the columns that the table has."""
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


@when("a text is judged that would make a file if it was run")
def text_that_makes_a_file(context: Context) -> None:
    text = 'open("witness.txt", "w").close()\n'
    judged(context).checks.append(({}, "", text, check_syntax("", text, "python", is_cut=False)))


@then("it parses, and there is no file")
def parses_without_file(context: Context) -> None:
    (_, _, _, found), *_ = judged(context).checks
    assert found.parses and found.compiles, found
    assert not Path("witness.txt").exists(), "the text was run"


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
            state.outcomes.append((row["text"], "yes" if found["syntax"]["parses"] else "no", row["parses"]))


@then("each parses or not, as its row says, and none took longer than {seconds:g} seconds")
def each_parses_in_time(context: Context, seconds: float) -> None:
    expect_outcomes(judged(context).outcomes)
    longest = judged(context).longest
    assert 0 < longest <= seconds, f"{longest:.1f} s"


def expect_outcomes(outcomes: list[tuple[str, str, str]]) -> None:
    """What came of each text is what was expected."""
    assert outcomes, "there was no text"
    wrong = [f"{text}: {found!r} instead of {expected!r}" for text, found, expected in outcomes if found != expected]
    assert not wrong, "\n".join(wrong)


@when("it is looked for circles in these texts")
def looked_for_circles(context: Context) -> None:
    for row in context.table:
        found, expected = repetition(unescaped(row["text"])), row["circles"]
        circle = expected if expected in found else found or "no"
        judged(context).outcomes.append((row["text"], circle, expected))


@then("those with circles are found, and no others")
def circles_found(context: Context) -> None:
    expect_outcomes(judged(context).outcomes)


@when("it is looked for circles in the code of this package")
def looked_for_circles_here(context: Context) -> None:
    for path in sorted(Path(foundry.__file__).parent.rglob("*.py")):
        found = repetition(path.read_text(encoding="utf-8"))
        judged(context).outcomes.append((path.name, found or "no", "no"))


@then("none is found in more than {count:d} modules")
def none_found(context: Context, count: int) -> None:
    expect_outcomes(judged(context).outcomes)
    assert len(judged(context).outcomes) > count


@when('a model has written these texts for "{prompt}", and ended them itself')
def model_has_written(context: Context, prompt: str) -> None:
    asked = asked_for(unescaped(prompt), "python")
    with Judge() as judge:
        for row in context.table:
            text = written(asked.prompt.text, unescaped(row["text"]), ended=True)
            sample = judged_sample(asked, text, judge)
            judged(context).samples.append(sample)
            judged(context).outcomes.append((row["text"], str(sample.failure).lower(), row["failure"]))


@then("each has the failure of its row: {successes:d} of {count:d} texts succeeds, and {parsed:d} of them parse")
def texts_succeed(context: Context, successes: int, count: int, parsed: int) -> None:
    expect_outcomes(judged(context).outcomes)
    answer = Answer(asked_for("def f(a):\n", "python"), tuple(judged(context).samples), 0.0)
    figures = figures_of([answer])
    found = (figures["successes"], figures["samples"], figures["parse_rate"] * count)
    expect_equal(found, (successes, count, parsed))
