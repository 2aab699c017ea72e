"""Runs `foundry` on input that may be hostile: in a process of its own, with little memory and little time.

The process is forked from a warm server, so that it costs a tenth of a second instead of the imports' three.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foundry.testing.forking import context

HEADROOM_BYTES = 1_500_000_000
"""Address space beyond what the warm process has; whoever asks for more in one piece is refused it."""
TIMEOUT_SECONDS = 20
KILLED = -signal.SIGKILL
ANSWERS = b"y\n" * 100
"""Stands on standard input: whoever asks whether to run foreign code is told to go ahead."""


@dataclass(frozen=True)
class Confined:
    """What came of a confined command.

    Attributes:
        exit_code: -9 where it did not end in time and was killed.
        seconds: from its first line of code to its end.
        grown_bytes: the most memory that it held at a time, beyond what the warm process held.
    """

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    grown_bytes: int


def run_confined(arguments: Sequence[str], timeout: float = TIMEOUT_SECONDS) -> Confined:
    """Run `foundry` with `arguments` in the current folder, within `HEADROOM_BYTES` and `timeout` seconds."""
    return call_confined(_Command(tuple(arguments)), timeout)


def call_confined(act: Callable[[], None], timeout: float = TIMEOUT_SECONDS) -> Confined:
    """Call a picklable function in the same way; an exception that leaves it is a traceback and exit code 1."""
    with tempfile.TemporaryDirectory(prefix="confined-") as folder:
        for name in ("stdout", "stderr", "figures"):
            (Path(folder) / name).touch()
        (Path(folder) / "stdin").write_bytes(ANSWERS)
        child = context().Process(target=_confined, args=(act, str(Path.cwd()), folder))
        child.start()
        child.join(timeout)
        if child.exitcode is None:
            child.kill()
            child.join()
        stdout, stderr, figures = (
            (Path(folder) / name).read_text("utf-8", "replace") for name in ("stdout", "stderr", "figures")
        )
    seconds, grown = (float(part) for part in figures.split()) if figures else (timeout, 0.0)
    assert child.exitcode is not None
    return Confined(child.exitcode, stdout, stderr, seconds, int(grown))


@dataclass(frozen=True)
class _Command:
    """The `foundry` command, called in this process."""

    arguments: tuple[str, ...]

    def __call__(self) -> None:
        from foundry.__main__ import main

        sys.argv[:] = ["foundry", *self.arguments]
        main()


def _confined(act: Callable[[], None], workspace: str, folder: str) -> None:
    os.chdir(workspace)
    for stream, name in ((sys.stdin, "stdin"), (sys.stdout, "stdout"), (sys.stderr, "stderr")):
        os.dup2(os.open(Path(folder) / name, os.O_RDONLY if name == "stdin" else os.O_WRONLY), stream.fileno())
    _limit_memory()
    before, started = _peak_bytes(), time.monotonic()
    try:
        act()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - the caller reads the traceback
        traceback.print_exception(error)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    (Path(folder) / "figures").write_text(f"{time.monotonic() - started} {_peak_bytes() - before}")
    os._exit(code)


def _limit_memory() -> None:
    """Where the system can: macOS knows the limit and does not heed it."""
    import psutil

    limit = psutil.Process().memory_info().vms + HEADROOM_BYTES
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _peak_bytes() -> int:
    """The most memory that this process has held at a time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
