"""Steps on functions with tests that a model completes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from behave import then, when
from behave.runner import Context
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from foundry.evaluation.passing.completion import cut_at_function_end
from foundry.evaluation.passing.estimator import pass_at_k
from foundry.evaluation.passing.evaluation import ProblemResults, evaluate_problems
from foundry.evaluation.passing.problem import Problem
from foundry.evaluation.passing.problems import PROBLEMS
from foundry.evaluation.passing.verdict import Verdict, judge
from foundry.testing.function_bodies import PLAUSIBLE_MISTAKES, false_examples, shown_examples_only

WRONG = "    return None\n"
SEED = 7


@dataclass
class PassingState:
    """An estimate, what was cut, verdicts of all functions, and results of models.

    Attributes:
        asked: the seeds that a model was asked for a text with.
    """

    chance: float = math.nan
    refusal: str = ""
    largest_difference: float = 0
    kept: str = ""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)
    results: list[ProblemResults] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)


def state_of(context: Context) -> PassingState:
    return context.world.of(PassingState)


@when("pass@{k:d} of {n:d} samples with {c:d} right is estimated")
def _(context: Context, k: int, n: int, c: int) -> None:
    state = state_of(context)
    try:
        state.chance = pass_at_k(n, c, k)
    except ValueError as refusal:
        state.refusal = str(refusal)


@then("the chance is {chance:g}")
def _(context: Context, chance: float) -> None:
    state = state_of(context)
    assert math.isclose(state.chance, chance, rel_tol=1e-12), f"{state.chance} {state.refusal}, expected {chance}"


@then('the estimate is refused with "{message}"')
def _(context: Context, message: str) -> None:
    assert state_of(context).refusal == message, state_of(context)


@when("pass@k is compared with counted choices, for any numbers up to {largest:d} samples")
def _(context: Context, largest: int) -> None:
    state = state_of(context)

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @for_any(st.data())
    def compare(data: st.DataObject) -> None:
        n = data.draw(st.integers(1, largest))
        c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
        counted = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
        state.largest_difference = max(state.largest_difference, abs(float(counted) - pass_at_k(n, c, k)))

    compare()


@then("they differ by at most {limit:g}")
def _(context: Context, limit: float) -> None:
    assert state_of(context).largest_difference <= limit, state_of(context).largest_difference


def lines_of(text: str) -> str:
    """The lines that a cell of a table stands for: `\\n` ends one, a dot stands for a blank."""
    return text.replace("\\n", "\n").replace(".", " ")


@when("a model continues a function with")
def _(context: Context) -> None:
    state_of(context).kept = cut_at_function_end(lines_of(context.text) + "\n")


@then("the function's own lines are")
def _(context: Context) -> None:
    assert state_of(context).kept == lines_of(context.text) + "\n", repr(state_of(context).kept)


BODIES: dict[str, Callable[[Problem], str]] = {
    "its solution": lambda problem: problem.solution,
    "an empty body": lambda _: "",
    "a body that returns None": lambda _: WRONG,
    "a body that returns its first argument": lambda problem: f"    return {first_argument(problem)}\n",
    "a body that knows the examples shown, and no more": shown_examples_only,
    "a plausible mistake": lambda problem: PLAUSIBLE_MISTAKES[problem.name],
}


def first_argument(problem: Problem) -> str:
    found = re.search(r"\((\w+)", problem.prompt)
    assert found, problem.prompt
    return found[1]


@when("{body} is tried as every built-in function")
def _(context: Context, body: str) -> None:
    state_of(context).verdicts = {problem.name: judge(problem, BODIES[body](problem)) for problem in PROBLEMS}


@then("all {count:d} functions pass")
def _(context: Context, count: int) -> None:
    verdicts = state_of(context).verdicts
    failed = {name: verdict for name, verdict in verdicts.items() if verdict.outcome != "passed"}
    assert not failed and len(verdicts) == count, f"{len(verdicts)} tried, failed: {failed}"


@then("all {count:d} functions fail")
def _(context: Context, count: int) -> None:
    verdicts = state_of(context).verdicts
    others = {
        name: verdict for name, verdict in verdicts.items() if verdict.outcome not in ("wrong answer", "exception")
    }
    assert not others and len(verdicts) == count, f"{len(verdicts)} tried, not failed: {others}"


@then("every example in their docstrings is true")
def _(context: Context) -> None:
    false = [line for problem in PROBLEMS for line in false_examples(problem)]
    assert not false, "\n".join(false)
    shown = [problem.name for problem in PROBLEMS if f">>> {problem.name}(" not in problem.prompt]
    assert not shown, f"without an example: {shown}"


@when("a model that writes these is tried on the first function, with a sample of each")
def _(context: Context) -> None:
    state = state_of(context)
    written = [f"    {row['written']}\n" for row in context.table]
    state.expected = [row["outcome"] for row in context.table]
    state.results.append(evaluate_problems(lambda _prompts, _seeds: written, len(written), 1, SEED, None))


@then("each attempt has its outcome")
def _(context: Context) -> None:
    state = state_of(context)
    [result] = state.results[0].problems
    outcomes = [attempt.verdict.outcome for attempt in result.attempts]
    assert outcomes == state.expected, f"{outcomes}\nexpected {state.expected}"


@then("{count:d} attempt counts as right")
def _(context: Context, count: int) -> None:
    [problem] = state_of(context).results[0].as_dict()["problems"]
    assert problem["passed"] == count, problem


@then("the counts of outcomes are")
def _(context: Context) -> None:
    counts = state_of(context).results[0].as_dict()["outcomes"]
    expected = {row["outcome"]: int(row["attempts"]) for row in context.table}
    assert counts == expected, f"{counts}\nexpected {expected}"


def right_in_every(number: int, asked: list[int]) -> Callable[[list[str], list[int]], list[str]]:
    """A model that is right in every so many of the texts that it is asked for at once."""
    solutions = {problem.prompt: problem.solution for problem in PROBLEMS}

    def write(prompts: list[str], seeds: list[int]) -> list[str]:
        asked.extend(seeds)
        return [solutions[prompt] if i % number == 0 else WRONG for i, prompt in enumerate(prompts, 1)]

    return write


@when("a model that is right every {nth:d}nd time is tried on {count:d} functions, with {samples:d} samples each")
def _(context: Context, nth: int, count: int, samples: int) -> None:
    state = state_of(context)
    state.results.append(evaluate_problems(right_in_every(nth, state.asked), samples, count, SEED, None))


@when("a model that is right every {nth:d}nd time is tried on {count:d} functions, twice, and on {fewer:d}")
def _(context: Context, nth: int, count: int, fewer: int) -> None:
    state = state_of(context)
    for number in (count, count, fewer):
        state.results.append(evaluate_problems(right_in_every(nth, state.asked), 2, number, SEED, None))


@when(
    "a model that solves the first {solved:d} of {count:d} functions is tried on these, with {samples:d} samples each"
)
def _(context: Context, solved: int, count: int, samples: int) -> None:
    solutions = {problem.prompt: problem.solution for problem in PROBLEMS[:solved]}

    def write(prompts: list[str], _seeds: list[int]) -> list[str]:
        return [solutions.get(prompt, WRONG) for prompt in prompts]

    state_of(context).results.append(evaluate_problems(write, samples, count, SEED, None))


@then("its results are pass@{chances}")
def _(context: Context, chances: str) -> None:
    found = state_of(context).results[0].as_dict()["pass_at"]
    expected = {k: float(chance) for k, chance in re.findall(r"pass@(\d+) ([\d.]+)", f"pass@{chances}")}
    assert found.keys() == expected.keys(), f"{found}, expected {expected}"
    assert all(math.isclose(found[k], expected[k]) for k in found), f"{found}, expected {expected}"


@then("each of its {count:d} texts was asked for with a seed of its own")
def _(context: Context, count: int) -> None:
    asked = state_of(context).asked
    assert len(asked) == len(set(asked)) == count, asked


@then("both results on 3 functions are the same JSON")
def _(context: Context) -> None:
    first, second, _ = (json.dumps(result.as_dict()) for result in state_of(context).results)
    assert first == second, f"{first}\n{second}"


@then("the result on {fewer:d} functions is the beginning of it")
def _(context: Context, fewer: int) -> None:
    whole, _, part = (result.as_dict()["problems"] for result in state_of(context).results)
    assert part == whole[:fewer] and len(part) == fewer, f"{part}\n{whole}"
    asked = state_of(context).asked
    assert asked[-len(part) * 2 :] == asked[: len(part) * 2], asked


@then("the result holds no pass@k and no functions")
def _(context: Context) -> None:
    found = state_of(context).results[0].as_dict()
    assert (found["pass_at"], found["problems"]) == ({}, []), found
