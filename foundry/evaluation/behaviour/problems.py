"""The built-in functions with unit tests, as a generator completes them; see `foundry.evaluation.passing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundry.data.progress import Report
from foundry.errors import FoundryError
from foundry.evaluation.behaviour.samples import Plan
from foundry.evaluation.passing.evaluation import Write, evaluate_problems

if TYPE_CHECKING:
    from foundry.generation import Generator

MAX_NEW_TOKENS = 160
"""Longer than any of the known solutions; a longer text is cut."""


def problem_figures(
    generator: Generator, plan: Plan, max_problems: int | None, report: Report | None
) -> dict[str, Any]:
    """How many of the functions the model completes rightly, as plain values, or why that is left out.

    Args:
        max_problems: only so many; 0 tries none, None all.
    """
    if max_problems == 0:
        return {"left_out": "none were to be tried"}
    try:
        results = evaluate_problems(_writing(generator, plan), plan.num_samples, max_problems, plan.seed, report)
    except FoundryError as error:
        return {"left_out": str(error)}
    return results.as_dict()


def _writing(generator: Generator, plan: Plan) -> Write:
    """Completes one prompt several times; its samples are numbered from the first seed.

    A model is asked without the last line end of the prompt, which is the first that it writes.
    """

    def write(prompts: list[str], seeds: list[int]) -> list[str]:
        assert len(set(prompts)) == 1, "the samples of one problem are written together"
        prompt = prompts[0].removesuffix("\n")
        written = generator.generate(
            [prompt], MAX_NEW_TOKENS, plan.rule, seed=seeds[0], num_samples=len(prompts), use_cache=True
        )
        return [text.text.removeprefix("\n") for text in written]

    return write
