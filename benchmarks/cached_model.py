"""How long `foundry generate` takes with a model from the cache, beside the same model in a local folder.

    python benchmarks/cached_model.py

Median wall times of whole processes that take turns. The registry is the test kit's own, and is stopped before anything
is measured: whoever asked it would fail. Target: at most 1.10 of the time with the local folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from alternating import report, seconds_of

from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.registry import Registry
from foundry.testing.wandb_service.shelf import files_below, put_artifact
from foundry.trainer import Trainer

ROUNDS = 10
LIMIT = 1.10
SIZES = {
    "small": {"model.hidden_size": 32, "model.layers": 2},
    "large": {"model.hidden_size": 768, "model.layers": 12, "model.attention_heads": 12},
}
STEPS = {"training.train_steps": 1, "training.checkpoint_schedule": [1], "training.evaluation_interval": 1}


def generate(reference: str) -> None:
    """Run the command to its end."""
    command = [sys.executable, "-m", "foundry", "generate", reference, "--prompt", "def ", "--max-new-tokens", "1"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def measured(registry: Registry, size: str) -> dict[str, object]:
    """The row of a model of that size, which is trained and fetched first."""
    artifact = f"model-{size}"
    settings = {**SIZES[size], **STEPS, "experiment_name": size, "artifacts.keep_local_checkpoints": False}
    published = Trainer(small_experiment(settings)).train().record.published
    assert published is not None
    put_artifact(registry.service, registry.project, artifact, files_below(Path(published.location)))
    reference = f"wandb://{registry.entity}/{registry.project}/{artifact}"
    generate(reference)
    registry.service.stop()
    medians = seconds_of(
        {"folder": partial(generate, published.location), "cache": partial(generate, reference)}, ROUNDS
    )
    registry.service.start()
    return {
        "model": size,
        "MB": sum(path.stat().st_size for path in Path(published.location).rglob("*") if path.is_file()) / 1e6,
        **medians,
        "ratio": medians["cache"] / medians["folder"],
        "at most": LIMIT,
    }


def main() -> None:
    """Measure in a folder of its own, with the `foundry` beside this file."""
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    origin = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_code_corpus(Path("corpus"))
        registry = Registry()
        registry.open_here(Path(folder) / "registry")
        rows = [measured(registry, size) for size in SIZES]
        registry.close()
        os.chdir(origin)
    report("Generating from the cache and from a local folder (seconds)", rows)


if __name__ == "__main__":
    main()
