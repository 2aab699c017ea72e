"""What is read of the hardware, by names that hold the unit. A figure that cannot be read is None."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

FIGURES = (
    "resident_bytes",
    "process_cpu_percent",
    "memory_used_bytes",
    "cpu_percent",
    "disk_free_bytes",
    "gpu_allocated_bytes",
    "gpu_reserved_bytes",
    "gpu_utilisation_percent",
    "gpu_power_watts",
    "gpu_temperature_celsius",
)
"""What a sample holds. `resident_bytes` and `process_cpu_percent` (100 is one core) are sums over this process and
those below it, and pages that they share count in each; `gpu_allocated_bytes` and `gpu_reserved_bytes` are those of
this process; the others are the machine's, or the GPU's as a whole."""

Figures = Mapping[str, float | None]
SECONDS_BETWEEN_SCANS = 10.0
"""Finding the processes below this one means a look at all of the machine."""
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Reading:
    """What one meter shows.

    Attributes:
        figures: at this moment.
        peaks: of some figures, the highest value since the meter was made, where the system keeps it.
        totals: what there is of something; constant.
    """

    figures: Figures
    peaks: Figures = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)


class Meter(Protocol):
    """Reads some of the figures."""

    def read(self) -> Reading:
        """The figures now; raises whatever the system raises where they cannot be read."""

    def close(self) -> None:
        """Give back what the meter holds."""


class HostMeter:
    """Memory and processor: of this process with those below it, and of the machine."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._below: list[psutil.Process] = []
        self._scanned_at = -SECONDS_BETWEEN_SCANS
        self._peak_at_start = _own_peak()
        self._last: tuple[float, float] | None = None
        self._last_machine = psutil.cpu_times()

    def read(self) -> Reading:
        """See `Meter.read`."""
        resident, seconds = self._of_tree()
        memory = psutil.virtual_memory()
        figures = {
            "resident_bytes": resident,
            "process_cpu_percent": self._process_percent(seconds),
            "memory_used_bytes": memory.total - memory.available,
            "cpu_percent": self._machine_percent(),
        }
        peak = _own_peak()
        # A peak from before this launch says nothing of it.
        peaks = {"resident_bytes": peak} if peak > self._peak_at_start else {}
        return Reading(figures, peaks, {"memory_total_bytes": memory.total})

    def close(self) -> None:
        """Nothing is held."""

    def _of_tree(self) -> tuple[int, float]:
        """Resident bytes, and the seconds of processor time that were used so far."""
        now = time.monotonic()
        if now - self._scanned_at >= SECONDS_BETWEEN_SCANS:
            self._below, self._scanned_at = self._process.children(recursive=True), now
        resident, seconds, alive = 0, 0.0, []
        for process in (self._process, *self._below):
            try:
                with process.oneshot():
                    resident += process.memory_info().rss
                    times = process.cpu_times()
            except psutil.Error:  # it has ended, or has become somebody else's
                continue
            seconds += times.user + times.system
            alive.append(process)
        self._below = alive[1:]
        return resident, seconds

    def _process_percent(self, seconds: float) -> float | None:
        """Since the last reading; None at the first."""
        last, self._last = self._last, (time.monotonic(), seconds)
        if last is None or self._last[0] <= last[0]:
            return None
        return round(max(0.0, 100 * (seconds - last[1]) / (self._last[0] - last[0])), 1)

    def _machine_percent(self) -> float | None:
        """Since the last reading: the share of the time in which the cores were not idle."""
        last, self._last_machine = self._last_machine, psutil.cpu_times()
        idle = [times.idle + getattr(times, "iowait", 0.0) for times in (last, self._last_machine)]
        whole = [
            sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
            for times in (last, self._last_machine)
        ]
        if whole[1] <= whole[0]:
            return None
        return round(min(100.0, max(0.0, 100 - 100 * (idle[1] - idle[0]) / (whole[1] - whole[0]))), 1)


def _own_peak() -> int:
    """The highest resident size that this process has ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


class DiskMeter:
    """What is free on the disk of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Reading:
        """See `Meter.read`."""
        return Reading({"disk_free_bytes": shutil.disk_usage(self._folder).free})

    def close(self) -> None:
        """Nothing is held."""
