"""What one process does for a sweep: it takes one trial after another until there is none left."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from foundry.errors import FoundryError, Interrupted
from foundry.sweeps.study import SweepStudy
from foundry.sweeps.trials import TrialRun
from foundry.training.events import Listener

SECONDS_BETWEEN_LOOKS = 0.2

Shown = Callable[[int], AbstractContextManager[Listener]]
"""Gives the listener of a trial, by its number; when the block ends, the trial has come to its end."""


class InterruptedTrial(FoundryError):
    """A signal came while a trial was trained; exit code 128 plus the signal's number."""

    def __init__(self, number: int, interruption: Interrupted) -> None:
        self.exit_code = interruption.exit_code
        super().__init__(f"trial {number}: {interruption}")


def work_on(study: SweepStudy, shown: Shown, device: str | None = None) -> None:
    """Take trials until all have come to their end, or are in the hands of other processes.

    Args:
        device: the GPU to train on, where the experiment leaves that open.

    Raises:
        InterruptedTrial: SIGTERM or Ctrl-C; the trial is saved, and handed out again by the next launch.
        FoundryError: what failed; the same.
    """
    while True:
        number = study.claim()
        if number is not None:
            _carry_out(study, number, shown, device)
        elif study.may_be_left():
            time.sleep(SECONDS_BETWEEN_LOOKS)
        else:
            return


def _carry_out(study: SweepStudy, number: int, shown: Shown, device: str | None) -> None:
    try:
        with shown(number) as listen, study.signs_of_life(number):
            TrialRun(study, number, listen, device).carry_out()
    except Interrupted as interruption:
        study.release(number)
        raise InterruptedTrial(number, interruption) from None
    except BaseException:
        study.release(number)
        raise
