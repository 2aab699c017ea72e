"""Steps a second with tracking by Weights & Biases, beside the same training without it.

    python benchmarks/tracking.py [--rounds 7]

The service is the stand-in of `foundry.testing`, in a process of its own; in the third row it is gone before training
begins and stays away. All take turns within one run; the ratios are to the untracked training of the same round.
Target: at least 0.98.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone

STEPS = 600
WARM_UP_STEPS = 20


@contextmanager
def service(folder: Path) -> Iterator[dict[str, str]]:
    """The variables that lead to a service in a process of its own."""
    command = [sys.executable, "-m", "foundry.testing.wandb_service", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        variables: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.removeprefix("export ").strip().partition("=")
            if not line.startswith("export "):
                break
            variables[name] = value.strip("'")
            if name == "no_proxy":
                break
        try:
            yield variables
        finally:
            process.terminate()


def steps_a_second(name: str, number: int, tracked: bool) -> float:
    """Train once in the current folder; steps a second after the first ones."""
    times: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            times.append(time.perf_counter())

    config = small_experiment(
        {
            "experiment_name": f"{name}-{number}",
            "data.batch_size": 8,
            "model.hidden_size": 64,
            "training.train_steps": STEPS,
            "training.evaluation_interval": STEPS,
            "training.checkpoint_schedule": [],
            "training.auto_generate_checkpoints": False,
            "logging.log_interval": 10,
            "logging.use_wandb": tracked,
        }
    )
    Trainer(config, on_event=listen).train()
    return (STEPS - WARM_UP_STEPS) / (times[-1] - times[WARM_UP_STEPS - 1])


def closed_port() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def main() -> None:
    """Measure in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    origin = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "service") as variables:
        os.chdir(folder)
        write_code_corpus(Path("corpus"))
        os.environ.update(variables)
        found: dict[str, list[float]] = {"off": [], "on": [], "gone": []}
        for number in range(rounds + 1):
            for name in found if number % 2 else reversed(found):
                os.environ["WANDB_BASE_URL"] = closed_port() if name == "gone" else variables["WANDB_BASE_URL"]
                rate = steps_a_second(name, number, tracked=name != "off")
                if number:  # the first round warms up
                    found[name].append(rate)
        os.chdir(origin)
    print(f"Steps a second, {STEPS} steps of 2 x 64, batch 8 x 32, a row every 10 steps; medians of {rounds} rounds")
    titles = {"off": "use_wandb: false", "on": "tracked", "gone": "tracked, service gone"}
    for name, title in titles.items():
        ratios = [one / off for one, off in zip(found[name], found["off"], strict=True)]
        print(f"{title:>24}  {statistics.median(found[name]):>8.1f}  ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
