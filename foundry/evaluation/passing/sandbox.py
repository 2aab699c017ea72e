"""Runs code that nobody has read, in a process that can compute and do nothing else.

A fresh Python process, with no environment, no site packages and an empty working folder, in a session of its own that
is killed whole at the end. Before the code under test runs, the process gives up for good:

========================  ==================================================  ===========================
limit                     enforced by                                         where
========================  ==================================================  ===========================
processor time            the kernel (RLIMIT_CPU)                             everywhere
time on the clock         this process, which kills it; an alarm beside it    everywhere
memory                    the kernel (RLIMIT_AS)                              Linux; macOS does not heed it
opening files, sockets,   the kernel (RLIMIT_NOFILE and RLIMIT_FSIZE of 0)    everywhere
pipes; growing a file
starting processes        the kernel (RLIMIT_NPROC of 0), except for root     everywhere
all of these, and every   the kernel (seccomp: only the system calls of       Linux on x86-64 and ARM64
other system call         `seccomp.computing_only` are left)
files, folders, network,  the interpreter (an audit hook that ends the        everywhere
processes, signals,       process; imports beyond a closed list do, too)
memory outside Python
========================  ==================================================  ===========================

The interpreter's guard alone is no wall: code that finds a flaw in CPython gets past it. What holds then is the
kernel's part. Where there is no seccomp, on macOS above all, such code could still remove or rename the user's files by
their names, and signal the user's processes.

Nothing that is printed is kept: both streams lead to nowhere, and standard input is at its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.evaluation.passing import sandboxed, seccomp

MAX_ANSWER_BYTES = 1_000_000
_OPTIONS = ("-P", "-s", "-S", "-B", "-W", "ignore")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC0"}
"""Makes the order of sets the same each time, and the time zone one that needs no file."""
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Limits:
    """What code under test may use.

    Attributes:
        cpu_seconds: of one processor.
        clock_seconds: from start to end, Python's start included; well above `cpu_seconds`, for a busy machine.
        memory_bytes: of address space, Python's own 50 MB included.
    """

    cpu_seconds: int = 3
    clock_seconds: int = 15
    memory_bytes: int = 512_000_000


@dataclass(frozen=True)
class Ended:
    """How the process of some code under test came to its end.

    Attributes:
        exit_code: minus the signal's number where one ended it.
        answer: what it wrote to the channel for its answer, which may be anything; at `MAX_ANSWER_BYTES` it is killed.
        in_time: it did not have to be killed because its time was over.
    """

    exit_code: int
    answer: bytes
    in_time: bool


def run_sandboxed(program: str, function: str, calls: Sequence[Sequence[Any]], limits: Limits) -> Ended:
    """Run a Python program, then call a function of it with each list of arguments; see the head of this file.

    Args:
        calls: of plain JSON values.
    """
    request = {"program": program, "function": function, "calls": calls, "filter": _filter()}
    request |= {name: getattr(limits, name) for name in ("cpu_seconds", "clock_seconds", "memory_bytes")}
    deadline = time.monotonic() + limits.clock_seconds
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        process, channel = _start(folder)
        try:
            with contextlib.suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.write(json.dumps(request).encode("ascii"))
                process.stdin.close()
            answer = _read(channel, deadline)
            in_time = len(answer) == MAX_ANSWER_BYTES or _ends(process, deadline)
        finally:
            _kill(process)
            os.close(channel)
    return Ended(process.returncode, answer, in_time)


def _filter() -> str | None:
    found = seccomp.computing_only()
    return None if found is None else found.hex()


def _start(folder: str) -> tuple[subprocess.Popen[bytes], int]:
    """The process, which waits for its request, and the end of a pipe that its answer comes out of."""
    reads, writes = os.pipe()
    command = [sys.executable, *_OPTIONS, str(Path(sandboxed.__file__).resolve()), str(writes)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=_ENVIRONMENT,
            pass_fds=(writes,),
            start_new_session=True,
        )
    except BaseException:
        os.close(reads)
        raise
    finally:
        os.close(writes)
    return process, reads


def _read(channel: int, deadline: float) -> bytes:
    """What comes out of a pipe until it is closed, the time is over, or it is too much."""
    answer = b""
    while len(answer) < MAX_ANSWER_BYTES and (left := deadline - time.monotonic()) > 0:
        if select.select([channel], [], [], left)[0]:
            piece = os.read(channel, _READ_BYTES)
            if not piece:
                break
            answer += piece
    return answer[:MAX_ANSWER_BYTES]


def _ends(process: subprocess.Popen[bytes], deadline: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(deadline - time.monotonic(), 0))
        return True
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and all of its session that are still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
