"""Problems that need an algorithm, or care at the edges."""

from __future__ import annotations

from foundry.evaluation.passing.problem import Problem

MEDIUM_PROBLEMS: tuple[Problem, ...] = ()
