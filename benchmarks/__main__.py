"""Runs every benchmark, one after the other, each in a process of its own; the figures go to `benchmarks/results/`.

python -m benchmarks [NAME ...]
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_BENCHMARKS = ("__main__", "alternating")


def processor() -> str:
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def run(program: Path) -> int:
    """Run one benchmark; what it prints is shown, and kept with what the machine is."""
    command = [sys.executable, "-u", str(program)]
    lines = [
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"torch {importlib.metadata.version('torch')}\n\n"
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parent) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    results = FOLDER / "results"
    results.mkdir(exist_ok=True)
    (results / f"{program.stem}.txt").write_text("".join(lines), encoding="utf-8")
    return process.returncode


def main() -> int:
    """Run the benchmarks that are named, or all; 1 where one of them failed."""
    programs = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in NOT_BENCHMARKS]
    wanted = sys.argv[1:]
    if unknown := set(wanted) - {path.stem for path in programs}:
        print(f"no such benchmark: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    failed = []
    for program in programs:
        if not wanted or program.stem in wanted:
            print(f"\n== {program.stem}", flush=True)
            if run(program):
                failed.append(program.stem)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
