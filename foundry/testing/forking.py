"""Processes that start warm: a server imports what a training run needs once, and each process is forked from it.

A launch then takes a hundredth of a second to begin instead of the seconds that importing torch lasts, and nothing of
what this process has done (threads, generators, open files) is in it.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from foundry.acceptance.scenario_tracing import trace_forked_process
from foundry.errors import FoundryError

WARM_MODULES = [
    "foundry.__main__",
    "foundry.acceptance.worker",
    "foundry.artifacts.opening",
    "foundry.evaluation.differences",
    "foundry.evaluation.run_page",
    "foundry.evaluation.verification",
    "foundry.generation",
    "foundry.pipeline.loading",
    "foundry.pipeline.manifest",
    "foundry.publishing",
    "foundry.sweeps.study",
    "foundry.tensor_shards",
    "foundry.testing.faults",
    "foundry.testing.kill_points",
    "foundry.testing.launches",
    "foundry.training.session",
    "numpy.ma",
    "plotext",
    "tokenizers",
    "torch._dynamo",
    "torch.distributed.fsdp",
    "transformers.models.gpt2.modeling_gpt2",
    "foundry.testing.frozen",  # the last one
]
"""What a launch or a command imports, and what runs scenarios; the server imports it once for all of them.

Nothing of it may import what speaks to Weights & Biases: scenarios look whether a launch does.
"""
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a forked process came to its end.

    Attributes:
        exit_code: 0, the exit code of a `FoundryError`, 130 for Ctrl-C, 1 for another exception, -9 for SIGKILL.
        answer: what the function returned; None where it did not return.
        problem: the message of what it raised; empty where it raised nothing.
    """

    exit_code: int
    answer: Any
    problem: str


@functools.cache
def _start_server() -> None:
    """Wait until the server has imported everything; Ctrl-C may end this wait."""
    process = context().Process(target=_nothing)
    process.start()
    process.join()


def _nothing() -> None:
    pass


def context() -> multiprocessing.context.ForkServerContext:
    """The multiprocessing context whose processes are forked from the warm server."""
    warm = multiprocessing.get_context("forkserver")
    warm.set_forkserver_preload(WARM_MODULES)
    return warm


@contextlib.contextmanager
def forked(function: Callable[..., Any], *arguments: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """A warm process that runs `function(tell, *arguments)`, and the pipe on which it hears what `tell` is given.

    The function must be one that can be pickled. When the block ends, the process is killed if it still runs.
    """
    _start_server()
    warm = context()
    hears, speaks = warm.Pipe(duplex=False)
    process = warm.Process(target=_run, args=(function, speaks, dict(os.environ), arguments))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C must not part us from a process just begun
    try:
        process.start()
        speaks.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        yield process, hears
    finally:
        if process.pid is not None:  # Ctrl-C may have come by way of another thread before it was started
            process.kill()
            process.join()
        hears.close()


def in_a_fork(function: Callable[..., Any], *arguments: Any, timeout: float = TIMEOUT_SECONDS) -> Ended:
    """Run `function(*arguments)` in a warm process of its own, to its end.

    Limits and hooks that cannot be taken back once they are set end with that process.

    Args:
        function: one that can be pickled, as must be its arguments and what it returns.

    Raises:
        TimeoutError: it did not end in time; it is killed.
    """
    with forked(_answer, function, arguments) as (process, hears):
        messages = []
        with contextlib.suppress(EOFError):
            while True:
                if not hears.poll(timeout):
                    raise TimeoutError(f"{function} did not end within {timeout:g} s")
                messages.append(hears.recv())
        process.join(timeout)
        return ended(process, messages)


def ended(process: BaseProcess, messages: list[tuple[str, Any]]) -> Ended:
    """How a process ended that is over, from its exit code and what it told."""
    assert process.exitcode is not None, "the process still runs"
    told = dict(messages)
    return Ended(process.exitcode, told.get("answer"), told.get("problem", ""))


def _answer(tell: Callable[[str, Any], None], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    tell("answer", function(*arguments))


def _run(
    function: Callable[..., Any], speaks: Connection, environment: dict[str, str], arguments: tuple[Any, ...]
) -> None:
    # The server has the variables of the moment in which it was started.
    os.environ.clear()
    os.environ.update(environment)
    trace_forked_process()

    def tell(subject: str, content: Any) -> None:
        speaks.send((subject, content))

    try:
        function(tell, *arguments)
    except FoundryError as error:
        tell("problem", str(error))
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        tell("problem", "KeyboardInterrupt")
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception:
        tell("problem", traceback.format_exc().strip())
        raise


def go_to(folder: Path) -> None:
    """Make `folder` the working directory, and leave the terminal's group, so that Ctrl-C is the parent's alone."""
    os.chdir(folder)
    os.setpgid(0, 0)
