"""Runs every benchmark, one after the other, each in a process of its own; the figures go to `benchmarks/results/`.

    python -m benchmarks
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Run them all; 1 where one of them failed."""
    results = FOLDER / "results"
    results.mkdir(exist_ok=True)
    failed = []
    for program in sorted(FOLDER.glob("*.py")):
        if program.name in ("__main__.py", "alternating.py"):
            continue
        print(f"\n== {program.stem}", flush=True)
        command = [sys.executable, str(program), "--json", str(results / f"{program.stem}.json")]
        if subprocess.run(command, cwd=FOLDER.parent, check=False).returncode:
            failed.append(program.stem)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
