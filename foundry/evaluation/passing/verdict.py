"""What became of one attempt at a problem."""

from __future__ import annotations

import json
import math
import signal
from dataclasses import dataclass
from typing import Any, Literal, get_args

from foundry.evaluation.passing.problem import Case, Problem
from foundry.evaluation.passing.sandbox import Ended, Limits, run_sandboxed
from foundry.evaluation.passing.sandboxed import FORBIDDEN_EXIT

Outcome = Literal[
    "passed",
    "wrong answer",
    "exception",
    "syntax error",
    "timeout",
    "out of memory",
    "forbidden act",
    "no answer",
]
"""`no answer`: the process ended itself, or crashed, without saying what the calls returned."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_REPORTED: dict[str, Outcome] = {
    "exception": "exception",
    "syntax error": "syntax error",
    "out of memory": "out of memory",
}
_MAX_DETAIL = 100


@dataclass(frozen=True)
class Verdict:
    """One attempt, judged.

    Attributes:
        detail: which call failed and how, on one line of printable characters; empty where it passed.
    """

    outcome: Outcome
    detail: str = ""


def judge(problem: Problem, completion: str, limits: Limits = Limits()) -> Verdict:  # noqa: B008 - frozen
    """Run a completion of a problem in the sandbox, and compare what it returned with what is known."""
    calls = [case.arguments for case in problem.cases]
    ended = run_sandboxed(problem.program(completion), problem.name, calls, limits)
    return _stopped(ended) or _answered(problem.cases, _parsed(ended.answer))


def _stopped(ended: Ended) -> Verdict | None:
    if not ended.in_time or ended.exit_code == -signal.SIGXCPU:
        return Verdict("timeout")
    if ended.exit_code in (FORBIDDEN_EXIT, -signal.SIGSYS):
        return Verdict("forbidden act")
    if ended.exit_code == 0:
        return None
    return Verdict("no answer", f"ended with {ended.exit_code}")


def _parsed(answer: bytes) -> Any:
    """The JSON of an answer; None where it is not JSON that can be read."""
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None


def _answered(cases: tuple[Case, ...], answer: Any) -> Verdict:
    match answer:
        case {"problem": str(kind), "error": str(error), "call": int(call)} if kind in _REPORTED:
            return Verdict(_REPORTED[kind], _shown(f"{error} in call {call}" if call else error))
        case {"answers": list(answers)} if len(answers) == len(cases):
            return _compared(cases, answers)
    return Verdict("no answer", "the process ended without one")


def _compared(cases: tuple[Case, ...], answers: list[Any]) -> Verdict:
    for number, (case, answer) in enumerate(zip(cases, answers, strict=True), 1):
        if not agree(case.expected, answer):
            return Verdict("wrong answer", f"in call {number} of {len(cases)}")
    return Verdict("passed")


def agree(expected: Any, answer: Any) -> bool:
    """Whether an answer, in the JSON of `sandboxed`, is the value that is expected, of the same type.

    Floating-point numbers may differ by a billionth; an integer may stand for one and the other way round, as `==` has
    it, but a bool never for a number.
    """
    if expected is None or isinstance(expected, bool | str):
        return type(answer) is type(expected) and bool(answer == expected)
    if isinstance(expected, int | float):
        return type(answer) in (int, float) and _close(expected, answer)
    if isinstance(expected, list):
        return isinstance(answer, list) and _all_agree(expected, answer)
    if isinstance(expected, tuple):
        return _tagged(answer, "tuple") and _all_agree(list(expected), answer["tuple"])
    return _tagged(answer, "dict") and _same_entries(expected, answer["dict"])


def _close(expected: int | float, answer: int | float) -> bool:
    if isinstance(expected, int) and isinstance(answer, int):
        return expected == answer
    try:
        return math.isclose(expected, answer, rel_tol=1e-9, abs_tol=1e-12)
    except OverflowError:
        return False


def _tagged(answer: Any, tag: str) -> bool:
    return isinstance(answer, dict) and list(answer) == [tag] and isinstance(answer[tag], list)


def _all_agree(expected: list[Any], answer: list[Any]) -> bool:
    return len(expected) == len(answer) and all(map(agree, expected, answer))


def _same_entries(expected: dict[str, Any], pairs: list[Any]) -> bool:
    """Whether the pairs are the entries of a dict, in any order."""
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
        return False
    found = dict(pairs)
    return len(pairs) == len(expected) == len(found) and all(
        key in found and agree(value, found[key]) for key, value in expected.items()
    )


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:_MAX_DETAIL]
