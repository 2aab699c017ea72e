"""One function that a model is asked to complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foundry.evaluation.passing.completion import cut_at_function_end


@dataclass(frozen=True)
class Case:
    """One call whose result is known.

    Attributes:
        arguments: plain JSON values.
        expected: of None, bool, int, float, str, list, tuple and dict with text as keys.
    """

    arguments: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True)
class Problem:
    """A signature with its docstring, and the calls that a right body answers rightly.

    Attributes:
        name: of the function.
        prompt: Python up to and with the end of the docstring's line.
        solution: a body that is right, as a model would write it.
        cases: the docstring shows at most a few of them, so a body that knows only those fails.
    """

    name: str
    prompt: str
    solution: str
    cases: tuple[Case, ...]

    def program(self, completion: str) -> str:
        """The module to run: the prompt, and of the completion what belongs to the function."""
        return self.prompt + cut_at_function_end(completion)
