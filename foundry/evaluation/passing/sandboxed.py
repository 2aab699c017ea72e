"""The program that runs code under test: reads it from standard input, locks itself in, and says what calls returned.

It is started as a script of its own, knows no expected results, and imports nothing of foundry. `sandbox` starts it and
describes what holds it.

Request, one JSON object on standard input: `program` (text), `function` (its name), `calls` (lists of arguments),
`cpu_seconds`, `clock_seconds`, `memory_bytes`, `filter` (hexadecimal, or null). Answer, one JSON object on the
descriptor that the first argument names: `answers`, or a `problem` with the name of the `error` and the number of the
`call`, which is 0 where the program is none.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import Any, NoReturn

FORBIDDEN_EXIT = 86
MAX_RESULT_CHARACTERS = 10_000
"""Of one call's result as JSON; what is longer is answered with an empty object."""
USABLE_MODULES = (
    *("_strptime", "abc", "array", "bisect", "calendar", "cmath", "collections", "collections.abc", "contextlib"),
    *("copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "itertools", "json"),
    *("math", "numbers", "operator", "random", "re", "statistics", "string", "textwrap", "time", "types", "typing"),
    *("unicodedata", "encodings.ascii", "encodings.latin_1", "encodings.utf_8"),
)
"""Imported before the code under test runs, which cannot import others."""
_FORBIDDEN_EVENTS = frozenset(
    (
        *("_posixsubprocess", "_thread", "ctypes", "fcntl", "gc", "glob", "mmap", "open", "os", "pathlib", "pty"),
        *("resource", "shutil", "signal", "socket", "subprocess", "syslog", "tempfile", "webbrowser"),
    )
)
"""The beginnings of the names of audit events, see the table of them in Python's documentation."""
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


def main() -> NoReturn:
    """Read the request, lock the door, answer, and end without running anything that was left to run at the end."""
    out, request = int(sys.argv[1]), json.loads(sys.stdin.buffer.read())
    for name in USABLE_MODULES:
        importlib.import_module(name)
    random.seed(0)
    text = json.dumps(_answer(request)).encode("ascii")
    while text:
        text = text[os.write(out, text) :]
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    leave_system = _prepare_to_leave(request)
    try:
        code = compile(request["program"], "<program>", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return _problem("syntax error", error, 0)
    leave_system()
    return _answers(code, request["function"], request["calls"])


def _answers(code: CodeType, function: str, calls: Sequence[Sequence[Any]]) -> dict[str, Any]:
    answers: list[Any] = []
    try:
        module = ModuleType("program")
        exec(code, module.__dict__)
        call = getattr(module, function)
        answers.extend(_short(_plain(call(*arguments))) for arguments in calls)
    except MemoryError as error:
        return _problem("out of memory", error, len(answers) + 1)
    except BaseException as error:  # noqa: BLE001 - whatever code under test raises is its answer
        return _problem("exception", error, len(answers) + 1)
    return {"answers": answers}


def _problem(kind: str, error: BaseException, call: int) -> dict[str, Any]:
    return {"problem": kind, "error": type(error).__name__, "call": call}


def _short(answer: Any) -> Any:
    """What is longer than any known result is as wrong as an empty object, which none of them is."""
    return answer if len(json.dumps(answer)) <= MAX_RESULT_CHARACTERS else {}


def _plain(value: Any) -> Any:
    """A result as JSON from which its type can be told; what no known result is made of becomes its type's name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    return {"other": type(value).__name__}


def _prepare_to_leave(request: dict[str, Any]) -> Callable[[], None]:
    """Set the limits; returns what gives up, for good, whatever else computing does not need.

    In between is time to compile: the compiler looks for the source's file when it finds a mistake.
    """
    install = _filter_installer(bytes.fromhex(request["filter"])) if request["filter"] else None
    _set_limits(request)

    def leave_system() -> None:
        _forbid_imports()
        sys.addaudithook(_guard())
        if install is not None:
            install()

    return leave_system


def _set_limits(request: dict[str, Any]) -> None:
    cpu, memory = request["cpu_seconds"], request["memory_bytes"]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(request["clock_seconds"])  # for when the parent is killed, which keeps the exact time
    limits = {"CORE": 0, "FSIZE": 0, "NPROC": 0, "NOFILE": 0, "CPU": cpu}
    if sys.platform == "linux":  # macOS knows the limit and does not heed it
        limits["AS"] = memory
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value + (name == "CPU")))


def _forbid_imports() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in {"ctypes", "_ctypes", "resource"}]:
        del sys.modules[name]
    sys.path.clear()
    sys.meta_path[:] = [_NoFurtherModules()]


class _NoFurtherModules:
    """Ends the process where code under test imports a module of Python's that it may not; knows no others."""

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in sys.stdlib_module_names:
            os._exit(FORBIDDEN_EXIT)


def _guard() -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that ends the process at the first forbidden act, so that none can be caught and tried again."""
    forbidden, leave = _FORBIDDEN_EVENTS, os._exit

    def guard(event: str, _: tuple[Any, ...]) -> None:
        if event.partition(".")[0] in forbidden:
            leave(FORBIDDEN_EXIT)

    return guard


def _filter_installer(instructions: bytes) -> Callable[[], None]:
    """What hands the system calls' filter to the kernel; a kernel without such filters leaves it at the guard."""
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    program = Program(len(instructions) // 8, instructions)
    address = ctypes.addressof(program)
    prctl(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0)

    def install() -> None:
        assert program.instructions
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address, 0, 0)

    return install


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001 - such as a channel that code under test has closed; nobody reads a traceback
        os._exit(1)
