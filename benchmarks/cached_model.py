"""How long `foundry generate` takes from the model cache, beside a local folder with the same model.

    python benchmarks/cached_model.py [--rounds 10]

Whole processes that write one token; they take turns within one run. Target: at most 1.10 of the local folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foundry.artifacts.cache import ModelCache
from foundry.publishing import publish_run
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.wandb_service import WandbService
from foundry.trainer import Trainer


def seconds_of(reference: str) -> float:
    """The wall time of one command."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "foundry", "generate", reference, "-p", "def ", "--max-new-tokens", "1"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Measure in a folder of its own, with the `foundry` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    origin = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, WandbService(Path(folder) / "service") as service:
        os.chdir(folder)
        os.environ.update(service.environment(Path(folder) / "client"))
        os.environ["FOUNDRY_CACHE"] = str(Path(folder) / "cache")
        write_code_corpus(Path("corpus"))
        settings = {"model.layers": 4, "model.hidden_size": 256, "training.train_steps": 1, "artifacts.store": "wandb"}
        report = Trainer(small_experiment(settings)).train()
        published = publish_run(report.run_folder, lambda _: None).published
        assert published is not None
        best = f"{published.location.rpartition(':')[0]}:best"
        seconds_of(best)
        seconds_of(published.location)
        cache = ModelCache.of_user()
        [digest] = cache.digests()
        references = {
            "local folder": str(cache.folder(digest)),
            "wandb://…:best": best,
            "wandb://…:v0": published.location,
        }
        asked = len(service.requests)
        found: dict[str, list[float]] = {name: [] for name in references}
        for number in range(rounds):
            for name in references if number % 2 else reversed(references):
                found[name].append(seconds_of(references[name]))
        late = len(service.requests) - asked
        os.chdir(origin)
    print(f"foundry generate, one token, a model of 3.2 M parameters (seconds); medians of {rounds} rounds")
    for name, seconds in found.items():
        ratios = [one / local for one, local in zip(seconds, found["local folder"], strict=True)]
        print(f"{name:>18}  {statistics.median(seconds):.3f}  ratio {statistics.median(ratios):.3f}")
    print(f"requests to the service meanwhile: {late}")


if __name__ == "__main__":
    main()
