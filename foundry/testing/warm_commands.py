"""Runs the `foundry` command in processes that start warm, and sees whether they start others or import the client."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

from foundry.testing.forking import forked
from foundry.testing.processes import Finished

TIMEOUT_SECONDS = 60
CLIENT = "wandb"


@dataclass(frozen=True)
class Observed(Finished):
    """A command that has ended.

    Attributes:
        exit_code: -9 where SIGKILL ended it.
        started: the processes that it started, by their command lines.
        imported_client: it imported the client library of Weights & Biases itself.
    """

    started: tuple[str, ...] = ()
    imported_client: bool = False


@dataclass
class Running:
    """A command that runs."""

    process: BaseProcess
    _hears: Connection
    _folder: Path

    def send(self, signal_name: str) -> None:
        """Send it a signal, such as SIGINT."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.Signals[signal_name])

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return (self._folder / "stderr").read_text(encoding="utf-8")

    def ended(self) -> Observed:
        """Wait for its end.

        Raises:
            AssertionError: it did not end in a minute.
        """
        self.process.join(TIMEOUT_SECONDS)
        assert self.process.exitcode is not None, f"did not end in {TIMEOUT_SECONDS} s: {self.stderr}"
        told: dict[str, Any] = {}
        with contextlib.suppress(EOFError):
            while self._hears.poll():
                subject, content = self._hears.recv()
                told[subject] = content
        stdout = (self._folder / "stdout").read_text(encoding="utf-8")
        return Observed(
            self.process.exitcode,
            stdout,
            self.stderr + told.get("problem", ""),
            tuple(told.get("started", ())),
            told.get("imported_client", False),
        )


@contextlib.contextmanager
def running(arguments: Sequence[str], *, on_terminal: bool = False) -> Iterator[Running]:
    """`foundry` with these arguments, in the current folder, with this process's environment; killed at the end.

    Args:
        on_terminal: standard error is a terminal.
    """
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="command-")))
        for stream in ("stdout", "stderr"):
            (folder / stream).touch()
        stderr = held.enter_context(terminal(folder / "stderr")) if on_terminal else folder / "stderr"
        process, hears = held.enter_context(forked(_command, tuple(arguments), Path.cwd(), folder / "stdout", stderr))
        yield Running(process, hears, folder)


@contextlib.contextmanager
def terminal(shown: Path) -> Iterator[Path]:
    """The path of a terminal; what is written to it is kept in `shown`."""
    controller, descriptor = pty.openpty()
    termios.tcsetwinsize(descriptor, (24, 100))

    def keep() -> None:
        with shown.open("ab", buffering=0) as kept, contextlib.suppress(OSError):
            while piece := os.read(controller, 4096):
                kept.write(piece)

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    yield Path(os.ttyname(descriptor))
    os.close(descriptor)
    keeper.join()
    os.close(controller)


def run_warm(arguments: Sequence[str], *, on_terminal: bool = False) -> Observed:
    """Run `foundry` to its end; see `running`."""
    with running(arguments, on_terminal=on_terminal) as command:
        return command.ended()


def _command(
    tell: Callable[[str, Any], None], arguments: Sequence[str], workspace: Path, stdout: Path, stderr: Path
) -> None:
    from foundry.__main__ import main

    os.chdir(workspace)
    os.setpgid(0, 0)  # Ctrl-C in the terminal is the parent's to act on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started: list[str] = []

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            started.append(" ".join(str(part) for part in given[1]))

    sys.addaudithook(watch)
    try:
        with (
            _put_on(stdout, sys.stdout.fileno()) as out,
            _put_on(stderr, sys.stderr.fileno()) as errors,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            main(arguments)
    finally:
        tell("started", started)
        tell("imported_client", CLIENT in sys.modules)


def _put_on(path: Path, number: int) -> TextIO:
    """A new stream on descriptor `number`, which leads to `path` from now on.

    The stream that had it keeps what it learned when it was opened, such as whether one can seek in its file.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    os.dup2(descriptor, number)
    os.close(descriptor)
    return os.fdopen(number, "w", encoding="utf-8", buffering=1, closefd=False)
