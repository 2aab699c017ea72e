"""Shows a run in Weights & Biases while it is trained. Training never waits for it, and never ends because of it.

A client of its own process follows the metrics file (`foundry.wandb_client.tracking`). A thread here hears what it
tells, and begins another one where it has ended before its work was done. When training is over, the client has a
limited time for the rest; `foundry sync` sends what is missing then.
"""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.training.events import Event, Listener, Message
from foundry.wandb_client.mode import wandb_mode
from foundry.wandb_client.pauses import doubling_pauses
from foundry.wandb_client.process import (
    ENDING_SECONDS,
    ClientProcess,
    ServiceProblem,
    ServiceUnreachable,
    ask,
    client_process,
    problem_in,
)

REST_SECONDS = 30.0
"""What a client may take for the rest when training is over."""
LAST_TRY_SECONDS = 3.0
"""The same, where the service did not answer before."""
UNTOLD_SECONDS = 2.0
"""A user who waits longer is told what for."""
FINISH_SECONDS = 20.0
"""What of that the library may take for its end."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Between a client that has failed and the next one."""
HEARING_SECONDS = 1.0
"""How often the thread looks whether training is over."""
STOP = {"training": "is over"}
"""The message to the client."""


def request_of(act: str, run_folder: Path, config: ExperimentConfig, finish_seconds: float) -> dict[str, Any]:
    """What a client is asked that sends the metrics of a run, and may take so many seconds when all is handed over."""
    return {
        "act": act,
        "folder": str(run_folder.absolute()),
        "entity": config.wandb.entity,
        "project": config.wandb_project,
        "group": config.wandb.group,
        "trainer": os.getpid() if act == "track" else None,
        "finish_seconds": finish_seconds,
    }


@contextlib.contextmanager
def tracked(run_folder: Path, config: ExperimentConfig, tell: Listener, is_reachable: bool) -> Iterator[Listener]:
    """Send the metrics of a run as they are written, while the block runs, and for a limited time after it.

    Args:
        tell: is told what there is to say of it, in the thread of the block.
        is_reachable: whether the service has answered before.

    Yields:
        `tell`, for all that the run has to tell meanwhile.
    """
    mode = wandb_mode(config)
    if mode != "online":
        yield tell
        if mode == "offline":
            tell(Message(f"Weights & Biases is offline (wandb.mode, WANDB_MODE); {remedy(run_folder)} the metrics"))
        return
    tracker = _Tracker(run_folder, config, tell, is_reachable)
    tracker.begin()
    try:
        yield tracker.listen
    finally:
        tracker.end()


def send_rest(run_folder: Path, config: ExperimentConfig, tell: Listener) -> None:
    """Send what the service does not hold of a run that is trained, in a limited time; it is told where that fails."""
    if wandb_mode(config) != "online":
        return
    try:
        ask(request_of("sync", run_folder, config, FINISH_SECONDS), seconds=REST_SECONDS)
    except FoundryError as problem:
        tell(Message(f"{problem}; {remedy(run_folder)} the metrics that are missing there", warning=True))


def remedy(run_folder: Path) -> str:
    """The command that sends what is missing, and the verb to go on with."""
    return f"`foundry sync {shlex.quote(str(run_folder))}` sends"


class _Tracker:
    """The clients that follow one run, one after another, and the thread that hears them."""

    def __init__(self, run_folder: Path, config: ExperimentConfig, tell: Listener, is_reachable: bool) -> None:
        self._request = request_of("track", run_folder, config, FINISH_SECONDS)
        self._remedy = remedy(run_folder)
        self._tell = tell
        self._sayings: deque[Message] = deque()
        self._is_silent = self._has_warned = not is_reachable
        self._has_told_return = self._is_shown = self._is_complete = self._has_given_up = False
        self._held = 0
        self._client: ClientProcess | None = None
        self._changing_client = threading.Lock()
        self._ends_at: float | None = None
        self._is_ending = threading.Event()
        self._is_over = threading.Event()

    # --- in the thread of the training ---

    def begin(self) -> None:
        """Begin to follow; returns at once."""
        threading.Thread(target=self._work, name="tracking", daemon=True).start()

    def listen(self, event: Event) -> None:
        """Tell what there is to say of the tracking, then the event."""
        self._say_what_is_new()
        self._tell(event)

    def end(self) -> None:
        """Let the client send the rest, in a limited time, and end it."""
        self._ends_at = time.monotonic() + REST_SECONDS
        self._is_ending.set()
        with self._changing_client:
            if self._client is not None:
                self._client.tell(STOP)
        try:
            if not self._is_over.wait(UNTOLD_SECONDS):
                self._say_what_is_new()
                left = self._left()
                if left > UNTOLD_SECONDS:
                    self._tell(Message(f"waiting up to {left:.0f} s for Weights & Biases to take the last metrics"))
                self._is_over.wait(left + ENDING_SECONDS)
        finally:
            self._ends_at = -math.inf
            with self._changing_client:
                if self._client is not None:
                    self._client.end()
        self._say_what_is_new()
        if not self._is_complete and not self._has_given_up:
            held = f" beyond step {self._held}" if self._held else ""
            text = f"Weights & Biases is not known to hold all metrics{held}; {self._remedy} what is missing"
            self._tell(Message(text, warning=True))

    def _say_what_is_new(self) -> None:
        while self._sayings:
            self._tell(self._sayings.popleft())

    # --- in the thread that hears the clients ---

    def _work(self) -> None:
        pauses = doubling_pauses(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        try:
            while not self._follow() and self._left() > 0:
                if self._is_shown and not self._is_silent:
                    pauses = doubling_pauses(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
                if self._is_ending.wait(next(pauses)):
                    time.sleep(FIRST_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with tracking, training goes on
            self._give_up(f"{type(error).__name__}: {error}")
        finally:
            self._is_over.set()

    def _follow(self) -> bool:
        """Have one client follow the run; whether another one is of no use."""
        with self._running_client() as client:
            try:
                while (left := self._left()) > 0:
                    event = client.next_event(min(HEARING_SECONDS, left))
                    if event is not None and (is_done := self._hear(event)) is not None:
                        return is_done
            except ServiceProblem as problem:
                self._warn_of_silence(str(problem))
        return False

    @contextlib.contextmanager
    def _running_client(self) -> Iterator[ClientProcess]:
        with client_process(self._request) as client:
            with self._changing_client:
                self._client = client
                if self._is_ending.is_set():
                    client.tell(STOP)
            try:
                yield client
            finally:
                with self._changing_client:
                    self._client = None

    def _hear(self, event: Mapping[str, Any]) -> bool | None:
        """Act on what a client tells; where it has ended, whether another one is of no use."""
        match event["event"]:
            case "tracking":
                self._note_answer()
                if not self._is_shown:
                    self._is_shown = True
                    self._sayings.append(Message(f"the metrics are shown at {event['url']}"))
            case "answers":
                self._note_answer()
            case "silent":
                self._warn_of_silence(event["message"])
            case "problem":
                problem = problem_in(event)
                if not isinstance(problem, ServiceUnreachable):
                    self._give_up(str(problem))
                    return True
                self._warn_of_silence(str(problem))
                return False
            case "answer":
                self._held, self._is_complete = event["held"], event["held"] >= event["last"]
                return self._is_complete
        return None

    def _note_answer(self) -> None:
        was_silent, self._is_silent = self._is_silent, False
        if was_silent and not self._has_told_return:
            self._has_told_return = True
            self._sayings.append(Message("Weights & Biases answers again, and gets the metrics that it has missed"))

    def _warn_of_silence(self, problem: str) -> None:
        self._is_silent = True
        if not self._has_warned:
            self._has_warned = True
            text = f"{problem}; training goes on, and what is missed is sent when it answers again"
            self._sayings.append(Message(text, warning=True))

    def _give_up(self, problem: str) -> None:
        self._has_given_up = True
        text = f"{problem}; training goes on without it, and {self._remedy} the metrics later"
        self._sayings.append(Message(text, warning=True))

    def _left(self) -> float:
        """Seconds that a client has; without end while the run is trained."""
        if self._ends_at is None:
            return math.inf
        late = REST_SECONDS - LAST_TRY_SECONDS if self._is_silent else 0.0
        return self._ends_at - late - time.monotonic()
