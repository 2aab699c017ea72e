"""What `foundry accept` costs beside plain behave with one worker, and what a second worker brings.

    python benchmarks/acceptance.py [FEATURES ...]

Whole processes that take turns on the same features. Drawing the report is no part of running the suite, and plain
behave draws none: its time, measured beside them, is taken off. Targets: at most 1.03 x behave with one worker; at
least 1.7 x faster with two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from alternating import report, seconds_of

ROUNDS = 3
PROJECT = Path(__file__).resolve().parent.parent
FEATURES = ("features/configuration", "features/models")


def run(*arguments: str) -> None:
    """Run a module of Python to its end; scenarios that fail are no matter here, and a refusal to run is."""
    ended = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        sys.exit(f"{' '.join(arguments)} ended with {ended.returncode}: {ended.stderr.strip()}")


def main() -> None:
    """Measure in this project, with results and reports in a folder of its own."""
    features = sys.argv[1:] or list(FEATURES)
    os.chdir(PROJECT)
    os.environ["PYTHONPATH"] = str(PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        results = f"{folder}/results"
        accept = ["foundry", "accept", *features, "--results", results, "--out", f"{folder}/release"]
        behave = ["--outfile", f"{folder}/plain", "--format", "foundry.acceptance.formatter:AllureFormatter"]
        peers = {
            "behave": partial(run, "behave", *features, *behave),
            "accept, 1 worker": partial(run, *accept, "--workers", "1"),
            "accept, 2 workers": partial(run, *accept, "--workers", "2"),
            "the report": partial(run, "foundry", "report", results, "--output", f"{folder}/page.html"),
        }
        run(*accept)  # the report is drawn first in the first round, and needs results
        medians = seconds_of(peers, ROUNDS)
    drawing = medians.pop("the report")
    seconds = {name: took - drawing * name.startswith("accept") for name, took in medians.items()}
    one = seconds["accept, 1 worker"]
    report(
        f"The suite of {' '.join(features)} (seconds, without the report's {drawing:.1f})",
        [
            {"run": name, "median": took, "beside behave": took / seconds["behave"], "beside 1 worker": one / took}
            for name, took in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
