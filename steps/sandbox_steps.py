"""Steps on code that is not trusted, and on what it must not reach."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

import psutil
from behave import given, then, when
from behave.runner import Context

from foundry.evaluation.passing import seccomp
from foundry.evaluation.passing.problem import Case, Problem
from foundry.evaluation.passing.problems import PROBLEMS
from foundry.evaluation.passing.sandbox import Limits
from foundry.evaluation.passing.verdict import Verdict, judge
from foundry.testing.forking import forked, in_a_fork
from foundry.testing.hostile_programs import (
    RIGHT_ANSWER,
    SECRET,
    SECRET_NAME,
    Surroundings,
    judge_elsewhere,
    judge_without_filter,
    surroundings,
)
from foundry.testing.snapshots import entries_of

PROBLEM = PROBLEMS[0]
"""Its body is what hostile bodies stand in for."""


@dataclass(frozen=True)
class Tried:
    """One hostile body, what was expected of it, and what came of it."""

    body: str
    expected: str
    verdict: Verdict
    seconds: float


@dataclass
class SandboxState:
    """What surrounds the sandboxes of a scenario, and what was tried in them."""

    around: Surroundings | None = None
    entries_before: dict[str, str] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    process: BaseProcess | None = None
    sandbox: psutil.Process | None = None

    @property
    def outside(self) -> Surroundings:
        assert self.around is not None, "the scenario has no surroundings"
        return self.around


def state_of(context: Context) -> SandboxState:
    return context.world.of(SandboxState)


@given("a file of the user and a service on this machine")
def _(context: Context) -> None:
    state, world = state_of(context), context.world
    state.around = world.ending.enter_context(surroundings(world.workspace))
    state.entries_before = entries_of(world.workspace)


@given("a secret in the environment")
def _(context: Context) -> None:
    context.world.ending.callback(os.environ.pop, SECRET_NAME)
    os.environ[SECRET_NAME] = SECRET


@given("a kernel that filters system calls")
def _(context: Context) -> None:
    if seccomp.computing_only() is None:
        context.scenario.skip("needs Linux on x86-64 or ARM64")


@given("a system that limits the memory of a process")
def _(context: Context) -> None:
    if sys.platform != "linux":
        context.scenario.skip("needs Linux: other systems do not heed the limit")


@when("each of these bodies is tried")
def _(context: Context) -> None:
    for row in context.table:
        try_body(context, row["body"], row["outcome"], Limits())


@when(
    "the body that {body} is tried, with {cpu:d} s of processor time, {clock:d} s on the clock and {memory:d} MB",
)
def _(context: Context, body: str, cpu: int, clock: int, memory: int) -> None:
    try_body(context, body, "", Limits(cpu, clock, memory * 1_000_000))


@when("each of these bodies is tried where the kernel filters nothing")
def _(context: Context) -> None:
    state = state_of(context)
    names = [row["body"] for row in context.table]
    ended = in_a_fork(judge_without_filter, [state.outside.body(name) for name in names])
    assert ended.answer is not None, f"a body has ended what tried it: {ended}"
    if not ended.answer:
        context.scenario.skip("this machine filters system calls for every process")
        return
    state.tried = [
        Tried(name, row["outcome"], verdict, 0)
        for name, row, verdict in zip(names, context.table, ended.answer, strict=True)
    ]


@when("a function that should return {expected} returns {returned}")
def _(context: Context, expected: str, returned: str) -> None:
    problem = Problem("answer", "def answer():\n", "", (Case((), eval(expected)),))
    verdict = judge(problem, f"    return {returned}\n")
    state_of(context).tried.append(Tried(returned, "", verdict, 0))


@then('its outcome is "{outcome}"')
def _(context: Context, outcome: str) -> None:
    [tried] = state_of(context).tried
    assert tried.verdict.outcome == outcome, tried


@then("it comes to the outcome {outcome} within {seconds:d} seconds")
def _(context: Context, outcome: str, seconds: int) -> None:
    [tried] = state_of(context).tried
    assert tried.verdict.outcome == outcome and tried.seconds <= seconds, tried


def try_body(context: Context, name: str, expected: str, limits: Limits) -> None:
    state, started = state_of(context), time.monotonic()
    verdict = judge(PROBLEM, state.outside.body(name), limits)
    state.tried.append(Tried(name, expected, verdict, time.monotonic() - started))


@when("a right body is tried that first runs this")
def _(context: Context) -> None:
    lines = [*context.text.splitlines(), RIGHT_ANSWER]
    verdict = judge(PROBLEM, "".join(f"    {line}\n" for line in lines))
    state_of(context).tried.append(Tried(context.text, "passed", verdict, 0))


@given("a process that tries a body which sleeps for ever, with {clock:d} s on the clock")
def _(context: Context, clock: int) -> None:
    state = state_of(context)
    work = (state.outside.body("sleeps for ever"), Limits(clock_seconds=clock))
    state.process, _ = context.world.ending.enter_context(forked(judge_elsewhere, *work))
    trying = psutil.Process(state.process.pid)
    assert wait_until(lambda: bool(trying.children()), 20), "the sandbox has not begun"
    [state.sandbox] = trying.children()


@when("that process is killed with SIGKILL")
def _(context: Context) -> None:
    process = state_of(context).process
    assert process is not None
    process.kill()
    process.join()


@then("its sandbox ends within {seconds:d} seconds")
def _(context: Context, seconds: int) -> None:
    sandbox = state_of(context).sandbox
    assert sandbox is not None
    assert wait_until(lambda: not is_alive(sandbox), seconds), f"after {seconds} s still there: {sandbox}"


def is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def wait_until(happens: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := happens()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@then("each comes to its outcome")
def _(context: Context) -> None:
    tried = state_of(context).tried
    assert tried, "nothing was tried"
    wrong = [
        f"{one.body}: {one.verdict}, expected {one.expected}" for one in tried if one.verdict.outcome != one.expected
    ]
    assert not wrong, "\n".join(wrong)


@then("the attempt is said to have passed")
def _(context: Context) -> None:
    [tried] = state_of(context).tried
    assert tried.verdict == Verdict("passed"), tried


@then("nothing of it is left, nothing was changed, and nobody has called the service")
def _(context: Context) -> None:
    state = state_of(context)
    assert state.outside.left_processes() == [], state.outside.left_processes()
    entries = entries_of(context.world.workspace)
    assert entries == state.entries_before, f"{entries}\nbefore: {state.entries_before}"
    assert state.outside.connections == 0, f"{state.outside.connections} connections"
