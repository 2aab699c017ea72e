"""Steps about seeds that are derived from the run's seed and the step, and about the states of generators."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy
import torch
from behave import given, then, when
from behave.runner import Context

from foundry.reproducibility import derived_seed, restore_rng, rng_snapshot


@dataclass
class Seeds:
    """The seed that was derived last, the states that were kept, and what was drawn before and after."""

    derived: int = 0
    kept: str = ""
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)


@when('a seed is derived from "{parts}"')
def derive_seed(context: Context, parts: str) -> None:
    context.world.of(Seeds).derived = derived_seed(*parts.split("/"))


@then("that seed is {seed:d}")
def seed_is(context: Context, seed: int) -> None:
    derived = context.world.of(Seeds).derived
    assert derived == seed, f"{derived}, expected {seed}"


DRAWS: dict[str, Callable[[], float]] = {
    "Python's random": random.random,
    "numpy.random": lambda: float(numpy.random.random()),
    "torch": lambda: float(torch.rand(())),
}


@given("the states of all generators, as a checkpoint keeps them")
def states_kept(context: Context) -> None:
    context.world.of(Seeds).kept = json.dumps(rng_snapshot())


@when("{number:d} numbers are drawn from {generator}, and {again:d} again after the states were restored")
def drawn_twice(context: Context, number: int, generator: str, again: int) -> None:
    state = context.world.of(Seeds)
    state.first = [DRAWS[generator]() for _ in range(number)]
    restore_rng(json.loads(state.kept))
    state.second = [DRAWS[generator]() for _ in range(again)]


@then("the second {number:d} are the first ones")
def same_numbers(context: Context, number: int) -> None:
    state = context.world.of(Seeds)
    assert len(set(state.first)) == number, f"these are no random numbers: {state.first}"
    assert state.second == state.first, f"{state.second}, after {state.first}"
