"""Disk, memory and network of the machine."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import psutil

from foundry.acceptance.checks.check import NOTHING, Check

TEMPORARY_BYTES = 1_000_000_000
"""What the scenarios of two processes may leave in their workspaces at one time, and some to spare."""
OUT_BYTES = 100_000_000
"""Results, report and what else is written of a run of the whole suite."""
WORKER_BYTES = 1_200_000_000
"""What a process that runs scenarios takes in memory at its peak, with the processes that it starts."""
HUB = "https://huggingface.co"
REACH_SECONDS = 1.0


def check_temporary_folder() -> Check:
    """Room for the workspaces of the scenarios."""
    remedy = "export TMPDIR=FOLDER with one that has"
    try:
        folder = Path(tempfile.gettempdir())
    except OSError as error:
        return Check("temporary folder", "failed", NOTHING, str(error.strerror), remedy, needed=True)
    return _check_room("temporary folder", folder, TEMPORARY_BYTES, remedy)


def check_out_folder(out: Path) -> Check:
    """Room for what the run writes to `out`, which may not exist yet."""
    return _check_room("folder of the results", out.absolute(), OUT_BYTES, "write it to another one with --out")


def _check_room(name: str, folder: Path, needed: int, remedy: str) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        free = shutil.disk_usage(existing).free
        if not existing.is_dir() or not _is_writable(existing):
            raise PermissionError(0, "nothing can be written there")
    except OSError as error:
        return Check(name, "failed", str(existing), str(error.strerror), remedy, needed=True)
    found = f"{free / 1e6:,.0f} MB free in {existing}"
    if free < needed:
        return Check(name, "failed", found, f"a run needs {needed / 1e6:,.0f} MB", remedy, needed=True)
    return Check(name, "ok", found, needed=True)


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made; permissions do not tell of a disk that is mounted read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def check_memory(workers: int) -> Check:
    """Memory for the processes that run scenarios."""
    free = _free_memory()
    found = f"{free / 1e9:.1f} GB free"
    fitting = int(free // WORKER_BYTES)
    if fitting >= workers:
        return Check("memory", "ok", found)
    reason = f"{workers} processes may take {workers * WORKER_BYTES / 1e9:.1f} GB"
    if fitting:
        return Check("memory", "failed", found, reason, f"foundry accept --workers {fitting}")
    return Check("memory", "failed", found, reason, "end what else runs on this machine", needed=True)


def _free_memory() -> int:
    """Bytes that a process may still take: what the machine has, within the limits of this process and its group."""
    import resource

    limits = [int(psutil.virtual_memory().available)]
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        limits.append(soft)
    of_group = free_in_group(Path("/sys/fs/cgroup"))
    return max(0, min(limits if of_group is None else [*limits, of_group]))


def free_in_group(folder: Path) -> int | None:
    """What a control group of Linux, such as a container, leaves in bytes; None where there is none, or no limit.

    What it has taken to cache files is given back when it is asked for.
    """
    try:
        limit, taken = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
        told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return limit - taken + int(told["inactive_file"]) + int(told["active_file"])
    except (OSError, ValueError, KeyError):  # there is no such group, or its limit is `max`
        return None


def check_network() -> Check:
    """Whether the model hub can be reached, through the proxy where there is one."""
    url = os.environ.get("HF_ENDPOINT") or HUB
    return replace(check_reach("network", url), tag="network")


def check_reach(name: str, url: str) -> Check:
    """Whether somebody answers at the address of `url`; nothing is sent."""
    asked = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(asked.scheme)
    address = urllib.parse.urlsplit(proxy) if proxy else asked
    shown = f"{asked.hostname}{f' through {address.hostname}:{address.port}' if proxy else ''}"
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        with socket.create_connection((address.hostname or "", port), timeout=REACH_SECONDS):
            return Check(name, "ok", shown)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Check(name, "missing", NOTHING, f"{shown} cannot be reached ({why})", "connect this machine")
