"""Steps a second of a run whose hardware is looked at each second, as by default, and of one that is not.

The runs take turns. The figure is the median of the ratios within a round, of whole runs; target: at most 1 % less.

    python benchmarks/monitoring.py [--rounds 7] [--steps 1500]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from foundry.monitoring.record import HardwareRecord
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone

SETTINGS = {
    "data.batch_size": 8,
    "data.max_sequence_length": 64,
    "data.validation_fraction": 0,
    "tokenizer.vocab_size": 2048,
    "model.hidden_size": 128,
    "model.attention_heads": 4,
    "logging.log_interval": 10,
}
FIRST_COUNTED_STEP = 3
"""The steps before it warm up kernels."""


def seconds_a_step(folder: Path, settings: dict[str, Any]) -> tuple[float, HardwareRecord | None]:
    """Train once; the seconds a step, and what was recorded of the hardware."""
    ends: dict[int, float] = {}

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            ends[event.step] = time.perf_counter()

    places = {"training.output_dir": str(folder / "runs"), "artifacts.path": str(folder / "artifacts")}
    report = Trainer(small_experiment({**settings, **places}), on_event=listen).train()
    last = max(ends)
    seconds = (ends[last] - ends[FIRST_COUNTED_STEP]) / (last - FIRST_COUNTED_STEP)
    return seconds, HardwareRecord.read(report.run_folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    ratios, costs = [], []
    with tempfile.TemporaryDirectory() as place:
        settings = {
            **SETTINGS,
            "data.source_corpus": str(write_code_corpus(Path(place) / "corpus", num_documents=200, functions=20)),
            "data.cache_dir": f"{place}/data",
            "training.train_steps": options.steps,
            "training.checkpoint_schedule": [options.steps],
        }
        for number in range(options.rounds):
            seconds = {}
            for is_enabled in (True, False) if number % 2 else (False, True):
                with tempfile.TemporaryDirectory() as folder:
                    run = seconds_a_step(Path(folder), {**settings, "monitoring.enabled": is_enabled})
                seconds[is_enabled] = run[0]
                if run[1] is not None and run[1].sample_milliseconds is not None:
                    costs.append(run[1].sample_milliseconds.mean)
            ratios.append(seconds[False] / seconds[True])
            print(f"  round {number + 1}: off {1000 * seconds[False]:.3f} ms, on {1000 * seconds[True]:.3f} ms a step")
    print(f"  on: {statistics.median(ratios):.4f} x the speed of off; a look {statistics.median(costs):.2f} ms")


if __name__ == "__main__":
    main()
