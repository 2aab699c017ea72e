"""How long the command line takes before it works: help, and the relaunch of a complete run.

usage: python benchmarks/startup.py [REPETITIONS]

Each figure is the median wall time of whole processes, Python's own start included, which is shown beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foundry.terminal import aligned
from foundry.testing.experiments import write_code_corpus

EXPERIMENT = """\
experiment_name: startup
data: {source_corpus: corpus, batch_size: 4, max_sequence_length: 32}
tokenizer: {vocab_size: 320}
model: {layers: 2, hidden_size: 32, attention_heads: 2}
training: {train_steps: 2}
"""
FOUNDRY = ["-m", "foundry"]
MEASURED = {
    "python -c pass": (["-c", "pass"], None),
    "foundry --help": ([*FOUNDRY, "--help"], 0.3),
    "foundry train, complete run": ([*FOUNDRY, "train", "startup.yaml"], 2.0),
}
"""What is run, and the limit for its median in seconds."""


def seconds(arguments: list[str]) -> float:
    """The wall time of one Python process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_code_corpus(Path("corpus"))
        Path("startup.yaml").write_text(EXPERIMENT, encoding="utf-8")
        seconds([*FOUNDRY, "train", "startup.yaml"])
        times: dict[str, list[float]] = {name: [] for name in MEASURED}
        for _ in range(repetitions):
            for name, (arguments, _) in MEASURED.items():
                times[name].append(seconds(arguments))
        os.chdir("/")
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [("process", "median", "best", "limit"), *(_row(name, times[name]) for name in MEASURED)]
    print(aligned(rows, right=(1, 2, 3)))
    return int(any(limit is not None and medians[name] > limit for name, (_, limit) in MEASURED.items()))


def _row(name: str, values: list[float]) -> tuple[str, str, str, str]:
    limit = MEASURED[name][1]
    return name, f"{statistics.median(values):.3f} s", f"{min(values):.3f} s", f"{limit:.1f} s" if limit else ""


if __name__ == "__main__":
    raise SystemExit(main())
