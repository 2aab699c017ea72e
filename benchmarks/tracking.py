"""Steps a second of a run that is shown in Weights & Biases, of one that is not, and of one whose service is gone.

The service is the stand-in, in a process of its own on this machine, and the client has the settings that it has by
default. The runs take turns. Every step is logged. The figures are medians over the rounds, the ratios those within a
round: of the whole run, in which the client's start is, and of its second half; target: at least 0.98 times the speed
without.

What the client's processes take is measured, too, while 100,000 rows pile up for a service that is gone: target: no
growth beyond the first window of rows.

    python benchmarks/tracking.py [--rounds 5] [--steps 2000]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.wandb_service import WandbService
from foundry.tracking import FINISH_SECONDS, STOP, request_of
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone
from foundry.wandb_client.process import ClientProcess, client_process

SETTINGS = {
    "data.batch_size": 8,
    "data.max_sequence_length": 64,
    "data.validation_fraction": 0,
    "tokenizer.vocab_size": 2048,
    "model.layers": 2,
    "model.hidden_size": 128,
    "model.attention_heads": 4,
    "logging.log_interval": 1,
    "wandb.project": "benchmark",
}
FIRST_COUNTED_STEP = 3
"""The steps before it warm up kernels."""
NOBODY = "http://127.0.0.1:9"
ROWS, ROWS_AT_A_TIME = 100_000, 10_000
HAND_OVER_SECONDS = 3.0
"""What the client has to look at rows that were written."""
PATIENCE_SECONDS = 600.0


@contextlib.contextmanager
def service() -> Iterator[str]:
    """The address of the stand-in, in a process of its own."""
    command = [sys.executable, "-m", "foundry.testing.wandb_service"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline().split()[1]
        process.terminate()


def seconds_a_step(folder: Path, settings: dict[str, Any]) -> tuple[float, float]:
    """Train once, through the facade; the seconds a step of the whole run, and of its second half."""
    ends: dict[int, float] = {}

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            ends[event.step] = time.perf_counter()

    places = {"training.output_dir": str(folder / "runs"), "artifacts.path": str(folder / "artifacts")}
    Trainer(small_experiment({**settings, **places}), on_event=listen).train()
    last = max(ends)
    whole, half = ((ends[last] - ends[first]) / (last - first) for first in (FIRST_COUNTED_STEP, last // 2))
    return whole, half


def throughput(url: str, corpus: Path, steps: int, rounds: int) -> None:
    """Let the three take turns, and print what they took."""
    settings = {
        **SETTINGS,
        "data.source_corpus": str(corpus),
        "data.cache_dir": str(corpus.parent / "data"),
        "training.train_steps": steps,
        "training.checkpoint_schedule": [steps],
    }
    peers = {"not shown": (False, url), "shown": (True, url), "service gone": (True, NOBODY)}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    for number in range(rounds):
        names = list(peers)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            is_shown, address = peers[name]
            os.environ["WANDB_BASE_URL"] = address
            with tempfile.TemporaryDirectory() as folder:
                seconds[name].append(seconds_a_step(Path(folder), {**settings, "logging.use_wandb": is_shown}))
        latest = ", ".join(f"{name} {times[-1][0] * 1000:.2f} ms" for name, times in seconds.items())
        print(f"  round {number + 1} of {rounds}: {latest}")
    for name, times in seconds.items():
        pairs = list(zip(seconds["not shown"], times, strict=True))
        whole, half = (statistics.median(alone[part] / other[part] for alone, other in pairs) for part in (0, 1))
        milliseconds = statistics.median(of_whole for of_whole, _ in times) * 1000
        print(f"  {name:13s} {milliseconds:8.2f} ms a step   {whole:.3f} x not shown, {half:.3f} x at last")


def memory(corpus: Path) -> None:
    """What the client's processes take while rows pile up, and whether the service has all when it is back."""
    with tempfile.TemporaryDirectory() as folder, WandbService(Path(folder) / "service") as here:
        os.environ.update({"WANDB_BASE_URL": here.url, "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1"})
        places = {"training.output_dir": f"{folder}/runs", "artifacts.path": f"{folder}/artifacts"}
        config = small_experiment({"data.source_corpus": str(corpus), "wandb.project": "benchmark", **places})
        run = Trainer(config).train().run_folder
        metrics = run / "metrics.jsonl"
        metrics.write_text("")
        with client_process(request_of("track", run, config, FINISH_SECONDS)) as client:
            answer_of(client, "tracking")
            here.stop()
            for written in range(0, ROWS, ROWS_AT_A_TIME):
                with metrics.open("a", encoding="utf-8") as stream:
                    stream.writelines(row(step) for step in range(written + 1, written + ROWS_AT_A_TIME + 1))
                time.sleep(HAND_OVER_SECONDS)
                print(f"  {written + ROWS_AT_A_TIME:7,} rows: {client_megabytes():.0f} MB")
            here.start()
            begun = time.perf_counter()
            client.tell(STOP)
            answer = answer_of(client, "answer")
        print(f"  back: step {answer['held']:,} of {answer['last']:,} held after {time.perf_counter() - begun:.0f} s")


def row(step: int) -> str:
    """A line of a metrics file."""
    times = {"seconds": step / 10, "tokens_per_second": 12345.6}
    values = {"loss": 1 / step, "learning_rate": 1e-4, "gradient_norm": 1.25, "time": times}
    return json.dumps({"step": step, **values}) + "\n"


def answer_of(client: ClientProcess, event: str) -> dict[str, Any]:
    """Wait until the client tells of that event."""
    while (told := client.next_event(PATIENCE_SECONDS)) is not None:
        assert told["event"] != "problem", told
        if told["event"] == event:
            return told
    raise AssertionError(f"no {event} within {PATIENCE_SECONDS:g} s")


def client_megabytes() -> float:
    """What the processes that this one has started hold in memory."""
    return sum(child.memory_info().rss for child in psutil.Process().children(recursive=True)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    os.environ.update({"WANDB_API_KEY": "0" * 40, "NO_PROXY": "*", "no_proxy": "*"})
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_code_corpus(Path(folder) / "corpus", num_documents=200, functions=20)
        print(f"{options.steps} steps of 2 x 128, batch 8 x 64, every step logged")
        with service() as url:
            throughput(url, corpus, options.steps, options.rounds)
        print("memory of the client while its service is gone")
        memory(corpus)


if __name__ == "__main__":
    main()
