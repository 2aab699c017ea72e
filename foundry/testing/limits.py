"""The limits that a machine runs into: no space, no permission, files and memory that may not grow.

Each is a real one, set by the operating system for as long as a block lasts. Where the machine cannot set it (another
system than Linux, a container without the right to mount), `NotPermitted` says why, for the test to be skipped with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 0x1, 0x20, 0x4000, 0x40000
_MNT_DETACH = 2
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_CAPABILITY_VERSION = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
_CHUNK = bytes(1 << 16)


class NotPermitted(Exception):
    """This machine cannot set the limit; the message says why."""


@dataclass(frozen=True)
class SmallFilesystem:
    """A filesystem of its own in memory, of a fixed size.

    Attributes:
        folder: where it is mounted.
        size: in bytes.
    """

    folder: Path
    size: int

    def fill(self, leave: int = 0, name: str = "filler") -> Path:
        """Write a file until only `leave` bytes are free, to the nearest block; remove it to make room again."""
        filler = self.folder / name
        with filler.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
            while (free := self.free - leave) > 0:
                stream.write(_CHUNK[:free])
        return filler

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        space = os.statvfs(self.folder)
        return space.f_bavail * space.f_frsize

    def read_only(self, read_only: bool = True) -> None:
        """Refuse all writes from now on, or allow them again.

        Raises:
            OSError: a file is open for writing.
        """
        _mount(self.folder, _MS_REMOUNT | (_MS_RDONLY if read_only else 0), f"size={self.size}")


@contextlib.contextmanager
def small_filesystem(folder: Path, size: int) -> Iterator[SmallFilesystem]:
    """Mount a filesystem of `size` bytes at `folder`, which is made; it is gone with all it holds after the block.

    Where tests remove their workspace before they leave the block, `folder` must lie outside of it.

    Root may mount in any process. Another user needs a user namespace, which only a process with a single thread can
    enter, such as one of `foundry.testing.forking.in_a_fork`; it never leaves it again.

    Raises:
        NotPermitted: neither is possible here.
    """
    _needs_linux("mounting a filesystem in memory")
    folder = folder.resolve()
    folder.mkdir(parents=True)
    try:
        _mount(folder, 0, f"size={size}")
    except PermissionError:
        _enter_namespace()
        _mount(folder, 0, f"size={size}")
    try:
        yield SmallFilesystem(folder, size)
    finally:
        _call("umount2", os.fsencode(folder), _MNT_DETACH)
        folder.rmdir()


@contextlib.contextmanager
def file_size_limit(num_bytes: int) -> Iterator[None]:
    """Let each write beyond `num_bytes` of any file fail (EFBIG), in this whole process, while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def limit_file_size(num_bytes: int) -> None:
    """Let each write beyond `num_bytes` of any file fail (EFBIG), until this process and its children end."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, num_bytes))


@contextlib.contextmanager
def allocation_limit(extra_bytes: int) -> Iterator[None]:
    """Let allocations fail that take more than `extra_bytes` of further address space, while the block runs.

    What the process holds already, freed or not, may be used again: for a sharp limit, use it in a process that has
    just been forked.

    Raises:
        NotPermitted: the system does not enforce such a limit.
    """
    _needs_linux("limiting the address space")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def permissions_bind() -> Iterator[None]:
    """Let the permissions of files and folders bind root, too, in this thread and those that it starts.

    For another user they always do.

    Raises:
        NotPermitted: root cannot give up its privilege on this system.
    """
    if os.geteuid() != 0:
        yield
        return
    _needs_linux("giving up root's privilege over files")
    before = _capabilities()
    _set_effective(before, before[0].effective & ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH))
    try:
        yield
    finally:
        _set_effective(before, before[0].effective)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySet(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _capabilities() -> ctypes.Array[_CapabilitySet]:
    sets = (_CapabilitySet * 2)()
    _call("capget", ctypes.byref(_CapabilityHeader(_CAPABILITY_VERSION, 0)), sets)
    return sets


def _set_effective(before: ctypes.Array[_CapabilitySet], effective: int) -> None:
    first, second = before
    sets = (_CapabilitySet * 2)(_CapabilitySet(effective, first.permitted, first.inheritable), second)
    _call("capset", ctypes.byref(_CapabilityHeader(_CAPABILITY_VERSION, 0)), sets)


def _mount(folder: Path, flags: int, options: str) -> None:
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options.encode())


def _enter_namespace() -> None:
    """Become root of a user namespace, in which mounting is allowed."""
    uid, gid = os.getuid(), os.getgid()
    try:
        _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
        for name, content in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            Path(f"/proc/self/{name}").write_text(content)
        _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    except OSError as error:
        reason = "it has several threads" if error.errno == errno.EINVAL else error.strerror
        raise NotPermitted(f"this process may not mount, nor enter a user namespace to do so: {reason}") from None


def _call(function: str, *arguments: object) -> None:
    """Call a function of the C library.

    Raises:
        OSError: it failed.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _needs_linux(what: str) -> None:
    if sys.platform != "linux":
        raise NotPermitted(f"{what} needs Linux")
