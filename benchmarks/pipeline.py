"""The shipped pipeline on a repository, from nothing to an evaluated model, and again with nothing new.

    python benchmarks/pipeline.py [--repository PATH] [--config FILE]

Without a path it takes a fresh clone of the repository that this file belongs to. Whole processes, one run each; the
aims are 600 seconds in all, and 5 seconds where nothing is new.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alternating import report

HERE = Path(__file__).resolve().parent.parent


def launch(folder: Path, options: list[str]) -> tuple[float, dict[str, Any]]:
    """One launch of the pipeline in `folder`: its seconds, and its manifest."""
    command = [sys.executable, "-m", "foundry", "pipeline", *options, "--json"]
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - began, json.loads(done.stdout)


def main() -> None:
    """Measure in a folder of its own, with the `foundry` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", type=Path, help="the repository; default is a clone of this one")
    parser.add_argument("--config", type=Path, help="the pipeline's file; default is the shipped pipeline")
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = str(HERE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = asked.repository.resolve() if asked.repository is not None else folder / "repository"
        if asked.repository is None:
            subprocess.run(["git", "clone", "--quiet", str(HERE), str(source)], check=True)
        options = [str(source), *(["--config", str(asked.config.resolve())] if asked.config is not None else [])]
        seconds, manifest = launch(folder, options)
        again, _ = launch(folder, options)
    found = manifest["statistics"]
    rows = [{"what": name, "seconds": record["seconds"], "at most": ""} for name, record in manifest["phases"].items()]
    rows += [
        {"what": "the whole launch", "seconds": seconds, "at most": "600"},
        {"what": "again, nothing new", "seconds": again, "at most": "5"},
    ]
    report(f"Pipeline: {found['commits']:,} commits, {found['files']:,} files, {manifest['status']} (seconds)", rows)


if __name__ == "__main__":
    main()
