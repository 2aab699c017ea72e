"""The parent's side: starts the client's process, hears what it tells, and ends it in time."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import foundry
from foundry.errors import FoundryError, UserError

OnProgress = Callable[[int, int], None]
"""Is given the bytes that are done, and the bytes there are."""

ENDING_SECONDS = 5.0
"""How long an ended client may take to be gone."""
LEAVING_SECONDS = 1.0
"""How long a client that has answered may take to leave by itself."""
LAST_EVENTS = ("answer", "problem")


class ServiceProblem(FoundryError):
    """Weights & Biases did not do what it was asked to, or not in time."""


class ServiceUnreachable(ServiceProblem):
    """Nothing answered, or not as a working service does; later it may."""


class ServiceTooSlow(ServiceUnreachable):
    """The time that an act was given has passed, and the client was ended."""


class ClientProcess:
    """One running client. It ends when it has answered, when `end` is called, and when this process is gone.

    Args:
        request: the act and its arguments, see `foundry.wandb_client.__main__`.

    Raises:
        UserError: the library is not installed.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        if importlib.util.find_spec("wandb") is None:
            raise UserError("Weights & Biases needs wandb; install it with `pip install 'foundry-lm[wandb]'`")
        self._folder = tempfile.TemporaryDirectory(prefix="foundry-wandb-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "foundry.wandb_client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(Path(self._folder.name) / "errors.txt").open("wb"),
            env=_environment(Path(self._folder.name)),
            start_new_session=True,  # Ctrl-C is ours to act on
        )
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._has_answered = False
        threading.Thread(target=self._hear, args=(self._process.stdout,), daemon=True).start()
        self.tell(request)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a further message; a client that is gone does not hear it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def next_event(self, seconds: float) -> dict[str, Any] | None:
        """The next thing that the client tells; None where it has told nothing for so long.

        Raises:
            ServiceProblem: the client ended without an answer.
        """
        try:
            event = self._events.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None
        if event is None:
            raise ServiceProblem(f"the client of Weights & Biases ended without an answer: {self._last_words()}")
        self._has_answered = event["event"] in LAST_EVENTS
        return event

    def end(self) -> None:
        """End the client, whatever it is doing. Nothing that it was asked for is done after this returns."""
        assert self._process.stdin is not None
        if self._has_answered:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVING_SECONDS)
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._folder.cleanup()

    def _hear(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def _last_words(self) -> str:
        errors = (Path(self._folder.name) / "errors.txt").read_text(encoding="utf-8", errors="replace").strip()
        return errors.rpartition("\n")[2] or f"exit code {self._process.wait(ENDING_SECONDS)}"


@contextlib.contextmanager
def client_process(request: Mapping[str, Any]) -> Iterator[ClientProcess]:
    """A client for the length of the block."""
    process = ClientProcess(request)
    try:
        yield process
    finally:
        process.end()


def ask(
    request: Mapping[str, Any],
    *,
    seconds: float | None = None,
    silence: float | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Have the client do one act, and give its answer.

    Args:
        seconds: how long the whole may take.
        silence: how long it may go without progress.

    Raises:
        UserError: the key, or what was named, is not there.
        ServiceTooSlow: it did not answer in time.
        ServiceUnreachable: nothing answered.
        ServiceProblem: the service refused, or the client failed.
    """
    begun = heard = time.monotonic()
    with client_process(request) as process:
        while True:
            now = time.monotonic()
            left = [
                limit
                for limit in (
                    None if seconds is None else begun + seconds - now,
                    None if silence is None else heard + silence - now,
                )
                if limit is not None
            ]
            event = process.next_event(min(left, default=threading.TIMEOUT_MAX))
            if event is None:
                raise _too_late(seconds, silence, time.monotonic() - begun)
            if event["event"] == "progress":
                heard = time.monotonic()
                if on_progress is not None:
                    on_progress(event["done"], event["total"])
                continue
            if event["event"] == "problem":
                raise problem_in(event)
            if event["event"] == "answer":
                return event


def problem_in(event: Mapping[str, Any]) -> FoundryError:
    """The exception for a problem that the client tells of."""
    kinds = {"user": UserError, "unreachable": ServiceUnreachable}
    return kinds.get(event["kind"], ServiceProblem)(event["message"])


def _too_late(seconds: float | None, silence: float | None, lasted: float) -> ServiceTooSlow:
    if seconds is not None and lasted >= seconds:
        return ServiceTooSlow(f"Weights & Biases was not done within {seconds:.3g} s")
    return ServiceTooSlow(f"Weights & Biases did not go on for {silence:g} s")


def _environment(folder: Path) -> dict[str, str]:
    """The client's environment: a background process and files of its own, no word on the terminal, no code sent."""
    source = str(Path(foundry.__file__).parent.parent)
    return {
        **{name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"},
        "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")])),
        **{f"WANDB_{name}": str(folder) for name in ("DIR", "DATA_DIR", "CACHE_DIR", "ARTIFACT_DIR")},
        "WANDB_MODE": "online",
        "WANDB_SILENT": "true",
        "WANDB_CONSOLE": "off",
        "WANDB_DISABLE_CODE": "true",
        "WANDB_DISABLE_GIT": "true",
        "WANDB_ERROR_REPORTING": "false",
    }
