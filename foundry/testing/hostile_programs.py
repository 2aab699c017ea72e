"""Bodies of `sum_of_squares` that do what code under test must not do, and then answer rightly.

The right answer at the end makes a sandbox visible that lets the act happen: the body would pass.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from foundry.evaluation.passing import problems, seccomp
from foundry.evaluation.passing.sandbox import Limits
from foundry.evaluation.passing.verdict import Verdict, judge

RIGHT_ANSWER = "return sum(number * number for number in numbers)"
_PERSONALITY_OF_32_BITS = 8
SECRET_NAME, SECRET = "FOUNDRY_TEST_TOKEN", "swordfish"

_HOSTILE = {
    "loops for ever": "while True: pass",
    "sleeps for ever": "import time; time.sleep(10**6)",
    "starts 63 copies of itself": "import os\nfor _ in range(6): os.fork()\nos.execlp('sleep', 'sleep', {sleep!r})",
    "takes all memory at once": "block = bytearray(10**11)",
    "takes memory bit by bit": "blocks = []\nwhile True: blocks.append(bytearray(10**7))",
    "takes 200 MB": "block = bytearray(200_000_000)",
    "writes a file of 1 GB": "with open('large', 'wb') as file:\n    for _ in range(1000): file.write(bytes(10**6))",
    "writes outside its folder": "open({victim!r}, 'w').write('changed')",
    "writes outside and hides the error": "try: open({victim!r}, 'w').write('x')\nexcept BaseException: pass",
    "removes a file of the user": "import os; os.remove({victim!r})",
    "renames a file of the user": "import os; os.rename({victim!r}, {victim!r} + '.gone')",
    "reads a file of the user": "text = open({victim!r}).read()",
    "reads the password file": "text = open('/etc/passwd').read()",
    "reads the known results": "text = open({problems!r}).read()",
    "lists a folder": "import os; os.listdir('/')",
    "opens a socket": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "sends with a library for the web": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}')",
    "starts a program": "import subprocess; subprocess.run(['sleep', {sleep!r}])",
    "starts a program through a shell": "import os; os.system('sleep {sleep} &')",
    "leaves a process in the background": (
        "import os\nif os.fork() == 0: os.setsid(), os.execlp('sleep', 'sleep', {sleep!r})"
    ),
    "becomes another program": "import os; os.execlp('sleep', 'sleep', {sleep!r})",
    "starts a thread": "import _thread; _thread.start_new_thread(print, ())",
    "kills its parent": "import os; os.kill(os.getppid(), 9)",
    "kills every process": "import os; os.kill(-1, 9)",
    "calls the C library": "import ctypes; ctypes.CDLL(None).getpid()",
    "looks for objects in memory": "import gc; gc.get_objects()",
    "raises its limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
    "prints 1 GB": "for _ in range(1000): print('x' * 10**6)",
    "answers with 10 MB": "return 'x' * 10**7",
    "recurses for ever": "return sum_of_squares(numbers)",
    "waits for input": "input()",
    "looks for a secret in the environment": "import os\nif os.environ.get({secret!r}) is None: return None",
    # What the interpreter's guard does not see.
    "asks whether a file exists": "import os; os.access({victim!r}, 0)",
    "opens a pipe": "import os; os.pipe()",
    "makes a file in memory": "import os; os.memfd_create('file')",
    "leaves its session": "import os; os.setsid()",
    "makes a named pipe": "import os; os.mkfifo('pipe')",
    "lowers the priority of others": "import os; os.setpriority(os.PRIO_USER, 0, 19)",
    "takes a processor for itself": "import os; os.sched_setaffinity(0, {{0}})",
    # What would pass for a solution.
    "exits with 0": "raise SystemExit(0)",
    "ends the process with 0": "import os; os._exit(0)",
    "prints that it passed": "print('passed'); return None",
    "returns what equals everything": "class Equal:\n    def __eq__(self, other): return True\nreturn Equal()",
    "returns a number that equals all": "class Equal(int):\n    def __eq__(self, other): return True\nreturn Equal(3)",
    "returns True for every number": "return True",
    "returns text that looks like the number": "return str(sum(number * number for number in numbers))",
    "writes its own verdict": 'import os, sys; os.write(int(sys.argv[1]), b\'{{"outcome": "passed"}}\'); os._exit(0)',
    "writes its own answers": "import os, sys; os.write(int(sys.argv[1]), b'{{\"answers\": []}}'); os._exit(0)",
    "writes answers without end": "import os, sys\nwhile True: os.write(int(sys.argv[1]), bytes(10**4))",
    "writes brackets without end": "import os, sys; os.write(int(sys.argv[1]), b'[' * 10**5); os._exit(0)",
    "writes an endless number": "import os, sys; os.write(int(sys.argv[1]), b'9' * 10**5); os._exit(0)",
    "closes the channel": "import os, sys; os.close(int(sys.argv[1]))",
    "replaces the writer of JSON": "import json; json.dumps = lambda *_: '{{\"answers\": [true]}}'; return None",
    "replaces the comparison": "import operator; operator.eq = lambda *_: True; return None",
    "patches the library for tests": "import unittest; unittest.TestCase.assertEqual = print",
    "looks for the results in all frames": (
        "import sys\nframe, seen = sys._getframe(), ''\nwhile frame: seen, frame = seen + repr(frame.f_locals) "
        "+ repr(list(frame.f_globals.values())), frame.f_back\n"
        "if not any(left + str(15 * 15) + right in seen for left in ' [(' for right in ',])'): return None"
    ),
}


@dataclass
class Surroundings:
    """What hostile code would reach for: a file, a service, and what it might leave behind.

    Attributes:
        victim: a file of the user.
        connections: how many the service has accepted.
    """

    victim: Path
    port: int
    connections: int = 0

    def body(self, name: str) -> str:
        """The hostile body of that name, indented, with the right answer after the act."""
        places = {"victim": str(self.victim), "problems": str(problems.__file__)}
        act = _HOSTILE[name].format(**places, port=self.port, secret=SECRET_NAME, sleep=self._sleep)
        return "".join(f"    {line}\n" for line in [*act.splitlines(), RIGHT_ANSWER])

    @property
    def _sleep(self) -> str:
        """How many seconds the programs sleep that hostile bodies start: no other program sleeps so long."""
        return f"9{self.port}"

    def left_processes(self) -> list[psutil.Process]:
        """What hostile bodies have started and is still there."""
        return [
            process for process in psutil.process_iter(["cmdline"]) if self._sleep in (process.info["cmdline"] or ())
        ]


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """A file in `folder`, and a service over loopback that runs while the block does."""
    victim = folder / "victim.txt"
    victim.write_text("as it was\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as service:
        found = Surroundings(victim, service.getsockname()[1])
        thread = threading.Thread(target=_count_connections, args=(service, found), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            service.shutdown(socket.SHUT_RDWR)
            thread.join()


def judge_elsewhere(_: Callable[[str, Any], None], body: str, limits: Limits) -> None:
    """Try a body, in a process of `foundry.testing.forking.forked`."""
    judge(problems.PROBLEMS[0], body, limits)


def judge_without_filter(bodies: Sequence[str]) -> list[Verdict]:
    """Try bodies where the kernel filters no system calls; for `foundry.testing.forking.in_a_fork`.

    On Linux the process, and what it starts, is told that this is a machine with an older processor. Empty where there
    is a filter all the same.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).personality(_PERSONALITY_OF_32_BITS)
    if seccomp.computing_only() is not None:
        return []
    return [judge(problems.PROBLEMS[0], body, Limits()) for body in bodies]


def _count_connections(service: socket.socket, found: Surroundings) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = service.accept()
            found.connections += 1
            connection.close()
