"""Sends the metrics of a run to Weights & Biases, while it is trained or afterwards.

The metrics file is the queue: the service is asked which step it holds, and gets the rows after it. Whatever ends this
process, the next one asks again, so no row is lost and none is sent twice. No more rows are handed to the library than
a window beyond what the service is known to hold, so the memory it takes is bounded however long the service is away.

What a loss spike takes out of a run after it was sent stays as it was sent: the service does not take a step back.
"""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from foundry.environments import ENVIRONMENT_NAME
from foundry.training.lifecycle import METRICS_NAME, RunRecord
from foundry.wandb_client.followed_metrics import FollowedMetrics, last_step_in
from foundry.wandb_client.problems import problem_of
from foundry.wandb_client.tracked_run import (
    RemoteRun,
    close_library,
    environment,
    exit_code,
    open_run,
    outcome,
    values_of,
)
from foundry.wandb_client.tracker_lock import TrackerLock

WINDOW_ROWS = 5_000
LOOK_SECONDS = 0.5
"""Between two looks at the metrics file."""
CONFIRM_SECONDS, CONFIRM_SOON_SECONDS = 30.0, 1.0
"""Between two questions what the service holds: while all goes well, and while something waits for the answer."""
CONFIRMED_WITHIN_SECONDS = 5.0
"""How long the service may take to count what the library says it has sent."""
STALL_SECONDS = 120.0
"""The library is begun anew where the service answers, and has for so long not taken what it was handed."""
LOWER_PRIORITY = 10
"""Training comes first on a machine that has no core to spare."""


class Stalled(ConnectionError):
    """The service answers, and does not take what it is sent."""


def track(request: dict[str, Any], tell: Any, messages: Any) -> dict[str, Any]:
    """Follow the metrics of a run until it is trained, and send what the service does not hold.

    Args:
        request: `folder` of the run, `entity` (or None), `project`, `group` (or None), `trainer`, the number of the
            process that trains, and `finish_seconds` that the library may take at the end. A message says that
            training has ended.

    Returns:
        `sent`: rows that the service has taken from this process; `held`: the last step that it holds; `last`: that
        of the file; `url` of the run.
    """
    os.nice(LOWER_PRIORITY)
    lock = TrackerLock(Path(request["folder"]))
    with lock.held(seconds=-1):
        run = open_run(request, transmit_seconds=None)
        lock.write_down_background()
        tell({"event": "tracking", "url": run.url})
        follower = _Follower(request, run, tell, is_patient=True)
        follower.follow(messages)
        follower.send_all()
        return follower.finish()


def sync(request: dict[str, Any], tell: Any, _messages: Any) -> dict[str, Any]:
    """Send what the service does not hold of the metrics of a run that nobody trains now.

    Args and returns: as of `track`, without `trainer`. Nothing is sent where the service holds all, and knows how the
    run has ended.
    """
    folder = Path(request["folder"])
    lock = TrackerLock(folder)
    with lock.held(seconds=0):
        found = RemoteRun.find(request["entity"], request["project"], RunRecord.read(folder).run_id)
        last = last_step_in(folder / METRICS_NAME)
        if found is not None and found.is_complete(last, outcome(folder)):
            return {"sent": 0, "held": last, "last": last, "url": found.url}
        run = open_run(request, transmit_seconds=CONFIRM_SOON_SECONDS)
        lock.write_down_background()
        follower = _Follower(request, run, tell, is_patient=False)
        follower.send_all()
        return follower.finish()


class _Follower:
    """Hands the rows of a run to the library, and keeps an eye on what has arrived.

    Args:
        is_patient: a service that does not answer may do so later.
    """

    def __init__(self, request: dict[str, Any], run: Any, tell: Any, *, is_patient: bool) -> None:
        self.folder = Path(request["folder"])
        self.is_patient = is_patient
        self.run = run
        self.tell = tell
        self.held = max(0, run.starting_step - 1)
        self.rows = FollowedMetrics(self.folder / METRICS_NAME, self.held)
        self.sent = 0
        self.under_way: deque[int] = deque()
        self.asked_at = self.taken_at = time.monotonic()
        self.answers = True
        self._remote: RemoteRun | None = None
        self._environment_changed = 0

    def follow(self, messages: Any) -> None:
        """Hand over each row soon after it is written, until a message says that training has ended."""
        while messages.arrived(LOOK_SECONDS) is None:
            self.hand_over()
            pause = CONFIRM_SOON_SECONDS if self.is_full else CONFIRM_SECONDS
            if self.under_way and time.monotonic() - self.asked_at > pause:
                self.look()

    def send_all(self) -> None:
        """Hand over every row that there is, never more than a window beyond what the service holds."""
        while self.hand_over() or self.is_full:
            self.tell({"event": "progress", "done": self.rows.bytes_read, "total": self.rows.total_bytes})
            if self.is_full:
                time.sleep(CONFIRM_SOON_SECONDS)
                self.look()

    def finish(self) -> dict[str, Any]:
        """Say how the run stands, end it, and see what the service holds then, whatever the library says of that."""
        self._tell_environment()
        self.run.summary.update(outcome(self.folder))
        if self.under_way:
            self.look()
        self.run.finish(exit_code=exit_code(self.folder))
        ends_at = time.monotonic() + CONFIRMED_WITHIN_SECONDS
        self.look()
        while self.under_way and time.monotonic() < ends_at:
            time.sleep(CONFIRM_SOON_SECONDS)
            self.look()
        close_library()
        return {"sent": self.sent, "held": self.held, "last": self.rows.last_step, "url": self.run.url}

    @property
    def is_full(self) -> bool:
        """Whether no more rows are handed over before some have arrived."""
        return len(self.under_way) >= WINDOW_ROWS

    def hand_over(self) -> int:
        """Give the library the rows that have been written meanwhile; how many."""
        rows = self.rows.new_rows(WINDOW_ROWS - len(self.under_way))
        if rows:
            self._tell_environment()
        if rows and not self.under_way:
            self.taken_at = time.monotonic()
        for row in rows:
            if values := values_of(row):
                self.run.log(values, step=row["step"], commit=True)
                self.under_way.append(row["step"])
        return len(rows)

    def look(self) -> None:
        """Ask what the service holds, and tell where it does not answer, if that may change.

        Raises:
            Stalled: see `confirm`.
            Exception: of the library, where the service does not let the user in, or does not answer.
        """
        try:
            self.confirm()
        except Stalled:
            raise
        except Exception as error:
            problem = problem_of(error)
            if problem["kind"] != "unreachable" or not self.is_patient:
                raise
            self._tell_answers(False, problem["message"])

    def confirm(self) -> None:
        """Ask what the service holds.

        Raises:
            Stalled: it has not taken anything for long.
            Exception: of the library, where it does not answer, or refuses.
        """
        self.asked_at = time.monotonic()
        if self._remote is None:
            self._remote = RemoteRun.find(self.run.entity, self.run.project, self.run.id)
        step = 0 if self._remote is None else self._remote.held_step()
        self._tell_answers(True)
        if step > self.held:
            self.held, self.taken_at = step, time.monotonic()
        while self.under_way and self.under_way[0] <= self.held:
            self.under_way.popleft()
            self.sent += 1
        if self.under_way and self.asked_at - self.taken_at > STALL_SECONDS:
            raise Stalled(f"it has taken nothing for {STALL_SECONDS:g} s")

    def _tell_answers(self, answers: bool, message: str = "") -> None:
        if answers != self.answers:
            self.answers, self.taken_at = answers, time.monotonic()
            self.tell({"event": "answers" if answers else "silent", "message": message})

    def _tell_environment(self) -> None:
        """Each launch writes anew what it computes with."""
        path = self.folder / ENVIRONMENT_NAME
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        if changed != self._environment_changed:
            self._environment_changed = changed
            self.run.config.update(environment(self.folder), allow_val_change=True)
