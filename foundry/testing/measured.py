"""Runs one `foundry` command as a process of its own, which writes down the most memory that it took.

    python -m foundry.testing.measured PEAK_FILE train my.yaml

The process measures itself: what a parent is told of an ended child includes the parent's own size.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foundry.monitoring.meters import MAXRSS_UNIT
from foundry.testing.processes import Finished, as_shell_reports, environment_of_command

STATUS = Path("/proc/self/status")
PEAK_LINE = "VmHWM:"


@dataclass(frozen=True)
class Measured(Finished):
    """A command that has ended.

    Attributes:
        peak_bytes: the most memory that it took: of the GPU where it computed on one, else its resident memory.
    """

    peak_bytes: int = 0


def run_measured(arguments: Sequence[str], num_threads: int, timeout: float) -> Measured:
    """Run `foundry` in the current folder to its end.

    Raises:
        subprocess.TimeoutExpired: it did not end in `timeout` seconds; it is killed then.
    """
    with tempfile.TemporaryDirectory(prefix="peak-") as folder:
        peak = Path(folder, "peak")
        process = subprocess.run(
            [sys.executable, "-m", "foundry.testing.measured", str(peak), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**environment_of_command(), "OMP_NUM_THREADS": str(num_threads)},
            timeout=timeout,
            check=False,
        )
        measured = int(peak.read_text()) if peak.exists() else 0
    return Measured(as_shell_reports(process.returncode), process.stdout, process.stderr, measured)


def peak_bytes_of_this_process() -> int:
    """The most memory that this process has had at a time, see `Measured`."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return int(max(torch.cuda.max_memory_reserved(number) for number in range(torch.cuda.device_count())))
    if STATUS.is_file():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(PEAK_LINE))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


def main() -> None:
    """Run the command, then write the peak beside its exit code."""
    from foundry.__main__ import main as run_command

    peak, *arguments = sys.argv[1:]
    try:
        run_command(arguments)
    finally:
        Path(peak).write_text(str(peak_bytes_of_this_process()))


if __name__ == "__main__":
    main()
