"""The built-in problems, the easiest first."""

from __future__ import annotations

from foundry.evaluation.passing.easy_problems import EASY_PROBLEMS
from foundry.evaluation.passing.medium_problems import MEDIUM_PROBLEMS

PROBLEMS = (*EASY_PROBLEMS, *MEDIUM_PROBLEMS)
