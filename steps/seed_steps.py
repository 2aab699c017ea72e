"""Steps about seeds that are derived from the run's seed and the step."""

from __future__ import annotations

from dataclasses import dataclass

from behave import then, when
from behave.runner import Context

from foundry.reproducibility import derived_seed


@dataclass
class Seeds:
    """The seed that was derived last."""

    derived: int = 0


@when('a seed is derived from "{parts}"')
def derive_seed(context: Context, parts: str) -> None:
    context.world.of(Seeds).derived = derived_seed(*parts.split("/"))


@then("that seed is {seed:d}")
def seed_is(context: Context, seed: int) -> None:
    derived = context.world.of(Seeds).derived
    assert derived == seed, f"{derived}, expected {seed}"
