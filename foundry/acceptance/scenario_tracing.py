"""Tells the measurement of coverage which scenario is running: in the worker, in its subprocesses and in its forks.

A worker names the scenario itself. A program that it starts reads the name from the environment when its measurement
begins (`context` in the configuration of `coverage_session`), and a process forked from a server that was there before
asks for it with `trace_forked_process`.
"""

from __future__ import annotations

import os

SCENARIO_VARIABLE = "FOUNDRY_SCENARIO"
"""The environment variable that carries the key of the running scenario to the processes that it starts."""


class ScenarioTracer:
    """Attributes what is executed between `begin` and `end` to one scenario."""

    def begin(self, key: str) -> None:
        """From now on, lines belong to the scenario with the history id `key`."""
        os.environ[SCENARIO_VARIABLE] = key
        _name_what_runs(key)

    def end(self) -> None:
        """From now on, lines belong to no scenario; those of the one that ended are on disk."""
        os.environ.pop(SCENARIO_VARIABLE, None)
        _name_what_runs("")


def trace_forked_process() -> None:
    """Attribute what this forked process executes to the scenario that its environment names, if it names one."""
    key = os.environ.get(SCENARIO_VARIABLE)
    if key:
        _name_what_runs(key)


def scenario_of(context: str) -> str:
    """The scenario in the name that coverage gives what it measured; empty where it belongs to none.

    In a server's fork it is `one|other`: the scenario that started the server, and the one that the fork serves.
    """
    return context.rpartition("|")[2]


def _name_what_runs(context: str) -> None:
    from coverage import Coverage

    measuring = Coverage.current()
    if measuring is not None:
        measuring.switch_context(context)
