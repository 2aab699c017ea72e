"""Tries a model on the built-in problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from foundry.data.progress import Progress, Report
from foundry.evaluation.passing.estimator import pass_at_k
from foundry.evaluation.passing.problem import Problem
from foundry.evaluation.passing.problems import PROBLEMS
from foundry.evaluation.passing.verdict import OUTCOMES, Verdict, judge
from foundry.reproducibility import derived_seed

Write = Callable[[list[str], list[int]], list[str]]
"""Continues each prompt with the seed beside it; returns what came after the prompt."""
_SANDBOXES_AT_A_TIME = 2


@dataclass(frozen=True)
class Attempt:
    """What a model wrote after a prompt, all of it, and what became of it."""

    completion: str
    verdict: Verdict


@dataclass(frozen=True)
class ProblemResult:
    """All attempts at one problem."""

    problem: Problem
    attempts: tuple[Attempt, ...]

    @property
    def num_passed(self) -> int:
        """How many attempts are right."""
        return sum(attempt.verdict.outcome == "passed" for attempt in self.attempts)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        attempts = [
            {"completion": attempt.completion, "outcome": attempt.verdict.outcome, "detail": attempt.verdict.detail}
            for attempt in self.attempts
        ]
        return {
            "name": self.problem.name,
            "prompt": self.problem.prompt,
            "samples": len(self.attempts),
            "passed": self.num_passed,
            "attempts": attempts,
        }


@dataclass(frozen=True)
class ProblemResults:
    """The attempts at all problems that were tried.

    Attributes:
        samples: attempts at each problem.
        problems: in the order of `PROBLEMS`.
    """

    samples: int
    problems: tuple[ProblemResult, ...]

    def pass_at(self, k: int) -> float:
        """The mean of `pass_at_k` over the problems.

        Raises:
            ValueError: not 1 <= k <= samples, or no problem was tried.
        """
        if not self.problems:
            raise ValueError("no problem was tried")
        chances = [pass_at_k(len(result.attempts), result.num_passed, k) for result in self.problems]
        return sum(chances) / len(chances)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many attempts came to each outcome, in the order of `OUTCOMES`, zeros included."""
        counts = Counter(attempt.verdict.outcome for result in self.problems for attempt in result.attempts)
        return {outcome: counts[outcome] for outcome in OUTCOMES}

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values; equal for equal completions. `pass_at` has k as text, and is empty without problems."""
        ks = range(1, self.samples + 1) if self.problems else ()
        return {
            "samples": self.samples,
            "pass_at": {str(k): self.pass_at(k) for k in ks},
            "outcomes": self.outcomes,
            "problems": [result.as_dict() for result in self.problems],
        }


def evaluate_problems(
    write: Write, samples: int, max_problems: int | None, seed: int, report: Report | None
) -> ProblemResults:
    """Let a model complete the built-in functions, and run what it wrote in sandboxes, two at a time.

    Args:
        write: is given the same prompt `samples` times in a call, each with a seed of its own, so that a result does
            not depend on the number of problems.
        samples: at least 1.
        max_problems: only so many, the first of them; None means all.
    """
    progress, chosen, results = Progress(report), PROBLEMS[:max_problems], list[ProblemResult]()
    for number, problem in enumerate(chosen, 1):
        results.append(_tried(problem, write, samples, seed))
        passed = sum(result.num_passed for result in results)
        progress.update(f"functions with tests: {number} of {len(chosen)}, {passed} of {number * samples} samples pass")
    return ProblemResults(samples, tuple(results))


def _tried(problem: Problem, write: Write, samples: int, seed: int) -> ProblemResult:
    seeds = [derived_seed(seed, "problem", problem.name, sample) for sample in range(samples)]
    completions = write([problem.prompt] * samples, seeds)
    verdicts = _judged(problem, completions)
    return ProblemResult(problem, tuple(map(Attempt, completions, verdicts)))


def _judged(problem: Problem, completions: Sequence[str]) -> list[Verdict]:
    with ThreadPoolExecutor(_SANDBOXES_AT_A_TIME) as pool:
        try:
            return list(pool.map(lambda completion: judge(problem, completion), completions))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
