"""How long the command line takes before it works: help, and the relaunch of a complete run.

    python benchmarks/startup.py [--json PATH]

Median wall times of whole processes; Python's own start stands beside them. Targets: at most 0.3 s for help, and at
most 2 s for the relaunch.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from alternating import report, seconds_of

from foundry.testing.experiments import write_code_corpus

ROUNDS = 10
EXPERIMENT = """\
experiment_name: startup
data: {source_corpus: corpus, batch_size: 4, max_sequence_length: 32}
tokenizer: {vocab_size: 320}
model: {layers: 2, hidden_size: 32, attention_heads: 2}
training: {train_steps: 2}
"""
FOUNDRY = ("-m", "foundry")


def run(*arguments: str) -> None:
    """Run Python with these arguments to its end."""
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Measure in a folder of its own, with the `foundry` beside this file."""
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    origin = Path.cwd()
    peers = {
        "python -c pass": (partial(run, "-c", "pass"), ""),
        "foundry --help": (partial(run, *FOUNDRY, "--help"), "0.3"),
        "relaunch, complete run": (partial(run, *FOUNDRY, "train", "startup.yaml"), "2.0"),
    }
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_code_corpus(Path("corpus"))
        Path("startup.yaml").write_text(EXPERIMENT, encoding="utf-8")
        run(*FOUNDRY, "train", "startup.yaml")
        medians = seconds_of({name: process for name, (process, _) in peers.items()}, ROUNDS)
        os.chdir(origin)
    report(
        "Start of the command line (seconds)",
        [{"process": name, "median": medians[name], "at most": limit} for name, (_, limit) in peers.items()],
    )


if __name__ == "__main__":
    main()
