"""The system calls that code under test may make on Linux, as a filter that the kernel enforces.

A process that computes needs memory, a clock, and the descriptors that it has been given. Whatever else it asks for
(to open, start, connect to, signal or look at anything) ends it at once with SIGSYS. See seccomp(2), and bpf(4) for the
instructions.
"""

from __future__ import annotations

import os
import struct
import sys

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050001
"""Actions of the kernel; the third answers EPERM."""

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The kernel's number of a machine, and the column of the tables below."""
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "times": (100, 153),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
_REFUSED = {"ioctl": (16, 29), "rt_sigaction": (13, 134), "fcntl": (72, 25), "tgkill": (234, 131)}
"""What the C library and Python ask for without meaning harm: whether a stream is a terminal, how to abort."""


def computing_only() -> bytes | None:
    """The filter as an array of `struct sock_filter`; None where this system or this processor has none."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in _ARCHITECTURES or sys.maxsize < 2**32:
        return None
    architecture, column = _ARCHITECTURES[machine]
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    for numbers, action in ((_ALLOWED, _ALLOW), (_REFUSED, _REFUSE)):
        for columns in numbers.values():
            instructions += [(_JUMP_IF_EQUAL, 0, 1, columns[column]), (_RETURN, 0, 0, action)]
    instructions.append((_RETURN, 0, 0, _KILL))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
