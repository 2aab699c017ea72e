"""Runs the real `foundry` command as a process of its own, with the limits that a small machine would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foundry.testing.limits import limit_file_size

TIMEOUT_SECONDS = 400
NOT_INHERITED = ("COLUMNS", "LINES", "FORCE_COLOR", "PYTHONUNBUFFERED")


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes:
        exit_code: as a shell reports it: 128 plus its number where a signal ended the process.
    """

    exit_code: int
    stdout: str
    stderr: str

    @property
    def imported_modules(self) -> set[str]:
        """The modules that were imported, where the process ran with `trace_imports`."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("import time:")]
        return {line.rpartition("|")[2].strip() for line in lines}


def run_foundry(
    arguments: Sequence[str], *, trace_imports: bool = False, max_file_bytes: int | None = None
) -> Finished:
    """Run `foundry` in the current folder to its end, with the `foundry` that this process has imported.

    Args:
        trace_imports: have Python list each imported module on standard error.
        max_file_bytes: the size at which writing a file fails, as on a disk without space.

    Raises:
        subprocess.TimeoutExpired: it did not end in `TIMEOUT_SECONDS`; it is killed then.
    """
    options = ["-X", "importtime"] if trace_imports else []
    environment = environment_of_command()
    if max_file_bytes is not None:
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            environment.pop(name, None)  # coverage would meet the limit, too, and say so
    process = subprocess.run(
        [sys.executable, *options, "-m", "foundry", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=TIMEOUT_SECONDS,
        check=False,
        preexec_fn=None if max_file_bytes is None else lambda: limit_file_size(max_file_bytes),
    )
    return Finished(as_shell_reports(process.returncode), process.stdout, process.stderr)


@dataclass(frozen=True)
class Command:
    """The `foundry` command as a task for a process that is forked warm.

    What it prints goes into `stdout.txt` and `stderr.txt` in its folder.

    Attributes:
        arguments: as on the command line, without the command itself.
    """

    arguments: tuple[str, ...]

    def __call__(self) -> None:
        """Run the command in the current folder, and end the process with its exit code."""
        from foundry.__main__ import main

        sys.argv[1:] = self.arguments
        for stream in (sys.stdout, sys.stderr):
            name = "stdout.txt" if stream is sys.stdout else "stderr.txt"
            with Path(name).open("w", encoding="utf-8") as written:
                os.dup2(written.fileno(), stream.fileno())
        main()


def run_torchrun(arguments: Sequence[str], count: int) -> Finished:
    """Have torchrun start `foundry` in `count` processes, in the current folder.

    Raises:
        subprocess.TimeoutExpired: it did not end in `TIMEOUT_SECONDS`; it is killed then.
    """
    process = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"),
            *("-m", "foundry", *arguments),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment_of_command(),
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Finished(as_shell_reports(process.returncode), process.stdout, process.stderr)


def run_foundry_until(arguments: Sequence[str], text: str, signal_name: str) -> Finished:
    """Run `foundry`, and send it a signal as soon as a line with `text` stands on its standard output.

    Raises:
        AssertionError: it ended without printing the text.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "foundry", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment_of_command(),
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if text in line:
            process.send_signal(signal.Signals[signal_name])
            break
    rest, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert printed and text in printed[-1], f"ended before it printed {text!r}: {printed}{errors}"
    return Finished(as_shell_reports(process.returncode), "".join(printed) + rest, errors)


def run_foundry_unread(arguments: Sequence[str]) -> Finished:
    """Run `foundry` with a standard output whose reader has gone away before the first byte."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "foundry", *arguments],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_of_command(),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    finally:
        os.close(write_end)
    return Finished(as_shell_reports(process.returncode), "", process.stderr)


def environment_of_command() -> dict[str, str]:
    """This process's environment, with its own `foundry` first, and without what changes how text is written."""
    import foundry

    source = str(Path(foundry.__file__).parent.parent)
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))}


def as_shell_reports(code: int) -> int:
    """The exit code of a process as a shell has it: 128 plus its number where a signal ended it."""
    return 128 - code if code < 0 else code
