"""Judges texts in a process with limits, which is started again where a text was too much for it.

A model may write anything: parentheses nested so deep that a compiler crashes, or a text on which a pattern from a
file of prompts takes for ever. `python -m foundry.evaluation.behaviour.judge` reads one request a line and answers
each by one line.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import foundry
from foundry.evaluation.behaviour.patterns import patterns_found
from foundry.evaluation.behaviour.repetition import repetition
from foundry.evaluation.behaviour.syntax import Syntax, check_syntax

SECONDS_FOR_A_TEXT = 10.0
SECONDS_TO_START = 60.0
MAX_MEMORY_BYTES = 1 << 30
MAX_SEARCHED_CHARACTERS = 50_000


def judgement(prompt: str, completion: str, language: str, is_cut: bool, expect: Sequence[str]) -> dict[str, Any]:
    """What is found out about one text, as plain values.

    Args:
        expect: regular expressions to look for in `completion`.
    """
    searched = completion[:MAX_SEARCHED_CHARACTERS]
    return {
        "syntax": check_syntax(prompt, completion, language, is_cut).as_dict(),
        "repetition": repetition(searched),
        "patterns": patterns_found(searched, language),
        "expected": [re.search(pattern, searched, re.MULTILINE) is not None for pattern in expect],
    }


class Judge:
    """Judges one text after another.

    Args:
        seconds: how long a text may take.
    """

    def __init__(self, seconds: float = SECONDS_FOR_A_TEXT) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def judged(
        self, prompt: str, completion: str, language: str, is_cut: bool, expect: Sequence[str]
    ) -> dict[str, Any]:
        """See `judgement`; where the text was too much, the syntax says so."""
        request = [prompt, completion, language, is_cut, list(expect)]
        try:
            answer: dict[str, Any] = self._ask(request)
        except (OSError, ValueError) as error:
            self._end()
            problem = Syntax(False, len(prompt) + len(completion), problem=f"could not be judged: {error}")
            return {"syntax": problem.as_dict(), "repetition": "", "patterns": {}, "expected": [False] * len(expect)}
        return answer

    def _ask(self, request: list[Any]) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(_line_within(process.stdout, self._seconds))
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        """The process, once it is ready."""
        environment = {**os.environ, "PYTHONPATH": str(Path(foundry.__file__).parents[1])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for those who asked
        )
        assert self._process.stdout is not None
        _line_within(self._process.stdout, SECONDS_TO_START)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def _line_within(stream: Any, seconds: float) -> bytes:
    """The next line of a pipe.

    Raises:
        ValueError: it does not come in time, or the pipe ends.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        if not selector.select(seconds):
            raise ValueError(f"took more than {seconds:g} seconds")
    line: bytes = stream.readline()
    if not line.endswith(b"\n"):
        raise ValueError("the parser crashed, or ran out of memory")
    return line


def _limit_this_process() -> None:
    """No more memory than a text of the largest size needs, no file that grows, no dump of a crash."""
    for kind, limit in (("RLIMIT_AS", MAX_MEMORY_BYTES), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, kind), (limit, limit))
        except (OSError, ValueError):  # macOS knows no limit of the address space
            continue


def answer_requests(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each line of `requests` by one line, after a line that says that one is ready."""
    answers.write(b"ready\n")
    answers.flush()
    for line in requests:
        answers.write(json.dumps(judgement(*json.loads(line))).encode("ascii") + b"\n")
        answers.flush()


if __name__ == "__main__":
    _limit_this_process()
    answer_requests(sys.stdin.buffer, sys.stdout.buffer)
