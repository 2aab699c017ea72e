"""Saving and restoring a checkpoint of 135 million parameters with optimizer state, beside torch and the disk itself.

All contestants put the same 1.6 GB on the same disk and wait until they are there; before each reading the files are
dropped from the page cache. They take turns within one run; the figures are medians over the rounds. Then: what a save
beside training costs the training thread, what a save takes of memory, and how long a relaunch takes to its first step.

    python benchmarks/checkpoints.py [--rounds 9] [--folder PATH]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as distributed_checkpoint

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.models import create_model
from foundry.testing.experiments import small_experiment
from foundry.testing.forking import in_a_fork
from foundry.trainer import Trainer
from foundry.training.checkpointing import CheckpointManager, checkpoint_tensors
from foundry.training.events import Event, StepDone
from foundry.training.lifecycle import Run
from foundry.training.optimizer import create_optimizer
from foundry.training.saving import CheckpointSaver

LARGE = {
    "model.layers": 30,
    "model.hidden_size": 576,
    "model.intermediate_hidden_size": 1536,
    "model.attention_heads": 9,
    "model.key_value_heads": 3,
}
VOCABULARY = 49_152
PIECE = 4 << 20
FAR_STEP = 1_000_000
NUM_BLOCKS = 10_000_000


class Contest:
    """The model, its optimizer, and the places where each contestant keeps them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = small_experiment(LARGE)
        self.model = create_model(config.model, VOCABULARY, 64)
        self.optimizer = create_optimizer(self.model, config.training)
        for state in self.optimizer.state.values():
            state["exp_avg"].normal_()
            state["exp_avg_sq"].uniform_()
        self.tensors = checkpoint_tensors(self.model, self.optimizer)
        self.num_bytes = sum(
            tensor.numel() * tensor.element_size() for held in self.tensors.values() for tensor in held.values()
        )
        self.manager = CheckpointManager(folder / "foundry", "benchmark", keep=1, warn=print)

    def remove(self, name: str) -> None:
        """Remove what a contestant has written, so that removing it is not timed."""
        for path in self.folder.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        os.sync()

    def write_raw(self) -> None:
        """The same bytes, in one file, in pieces, then flushed: what the disk itself takes."""
        with (self.folder / "raw").open("wb", buffering=0) as stream:
            for held in self.tensors.values():
                for tensor in held.values():
                    content = memoryview(tensor.detach().reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
                    for start in range(0, len(content), PIECE):
                        stream.write(content[start : start + PIECE])
            os.fsync(stream.fileno())

    def read_raw(self) -> None:
        """All of it into one buffer of a piece's size."""
        buffer = bytearray(PIECE)
        with (self.folder / "raw").open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass

    def write_foundry(self) -> None:
        """A checkpoint with its digests, flushed, in one rename."""
        self.manager.save(1, self.tensors, {}, None)

    def read_foundry(self) -> None:
        """Every byte is hashed and compared with the manifest."""
        assert self.manager.restore(self.tensors, lambda content: content) is not None

    def write_torch(self) -> None:
        """`torch.save`, flushed; no digests."""
        path = self.folder / "torch.pt"
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}, path)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())

    def read_torch(self) -> None:
        """`torch.load` into model and optimizer; nothing is verified."""
        content = torch.load(self.folder / "torch.pt", weights_only=True)
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.tensors = checkpoint_tensors(self.model, self.optimizer)

    def _distributed_state(self) -> dict[str, Any]:
        return {file: dict(held) for file, held in self.tensors.items()}

    def write_distributed(self) -> None:
        """`torch.distributed.checkpoint`, which flushes its files; no digests."""
        distributed_checkpoint.save(
            self._distributed_state(), checkpoint_id=str(self.folder / "distributed"), no_dist=True
        )

    def read_distributed(self) -> None:
        """Into the same tensors; nothing is verified."""
        distributed_checkpoint.load(
            self._distributed_state(), checkpoint_id=str(self.folder / "distributed"), no_dist=True
        )


def drop_from_cache(folder: Path) -> None:
    """Let the next reading of the files below `folder` come from the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def take_turns(contest: Contest, kind: str, rounds: int) -> dict[str, float]:
    """The median seconds of each contestant."""
    names = ["raw", "foundry", "torch", "distributed"]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[number % 4 :] + names[: number % 4]:
            if kind == "read":
                drop_from_cache(contest.folder)
            else:
                contest.remove(name)
            act: Callable[[], None] = getattr(contest, f"{kind}_{name}")
            started = time.perf_counter()
            act()
            seconds[name].append(time.perf_counter() - started)
        print(
            f"  {kind}, round {number + 1} of {rounds}: " + ", ".join(f"{n} {s[-1]:.2f} s" for n, s in seconds.items())
        )
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        relative = statistics.median(own / raw for own, raw in zip(seconds[name], seconds["raw"], strict=True))
        rate = contest.num_bytes / median / 1e6
        print(f"  {kind} {name:12s} {median:6.2f} s   {rate:6.0f} MB/s   {relative:.2f} x raw")
    return medians


def stall(contest: Contest, synchronous_seconds: float, rounds: int) -> None:
    """What saving beside training costs the training thread, once the memory for the copy is there."""
    saver = CheckpointSaver(contest.manager, lambda: None, asynchronous=True)
    seconds = []
    for number in range(rounds + 1):
        shutil.rmtree(contest.manager.folder, ignore_errors=True)
        started = time.perf_counter()
        saver.save(1, contest.tensors, {}, None)
        seconds.append(time.perf_counter() - started)
        saver.saved(wait=True)
        if number == 0:
            print(f"  first save beside training: {seconds[0]:.3f} s, the memory for the copy included")
    median = statistics.median(seconds[1:])
    print(f"  stall of a later one: {median:.3f} s, {median / synchronous_seconds:.1%} of the synchronous write")


def extra_memory(contest: Contest) -> None:
    """The most resident memory that a synchronous save adds."""
    peak = Path("/proc/self/clear_refs")
    if not peak.exists():
        return
    contest.remove("foundry")
    peak.write_text("5")  # resets the high-water mark
    before = high_water_mark()
    contest.write_foundry()
    print(f"  peak extra memory of a synchronous save: {(high_water_mark() - before) / 1e6:.1f} MB")


def high_water_mark() -> int:
    """The most memory that was resident since the mark was reset, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


class Enough(Exception):
    """The first step was made."""


def seconds_to_first_step(config: ExperimentConfig, folder: Path) -> float:
    """From the launch to the end of the first step that it makes."""
    os.chdir(folder)
    started = time.perf_counter()

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            raise Enough

    try:
        Trainer(config, on_event=listen).train()
    except Enough:
        return time.perf_counter() - started
    raise AssertionError("no step was made")


def write_many_blocks(folder: Path) -> None:
    """A corpus of a little more than ten million blocks of four tokens, as text."""
    folder.mkdir()
    line = "def load_row(rows):\n    return rows\n" * 40
    for number in range(66):
        (folder / f"part_{number:02d}.py").write_text(f"# {number}\n" + line * 1_400, encoding="utf-8")


def relaunch(folder: Path, rounds: int) -> None:
    """The same run, once after 10 steps and once with its checkpoint and metrics moved to step 1,000,000."""
    write_many_blocks(folder / "corpus")
    os.chdir(folder)
    configs = {}
    for step in (10, FAR_STEP):
        configs[step] = small_experiment(
            {
                "data.max_sequence_length": 4,
                "data.validation_fraction": 0,
                "data.cache_dir": str(folder / "data"),
                "training.train_steps": 2 * FAR_STEP,
                "training.checkpoint_schedule": [10],
                "training.output_dir": str(folder / f"runs-{step}"),
            }
        )
        begin(configs[step], step)
    seconds: dict[int, list[float]] = {step: [] for step in configs}
    for _ in range(rounds):
        for step, config in configs.items():
            end = in_a_fork(seconds_to_first_step, config, folder)
            seconds[step].append(end.answer)
    blocks = in_a_fork(count_blocks, configs[10], folder).answer
    for step, values in seconds.items():
        print(f"  relaunch after step {step:>9,} of {blocks:,} blocks: {statistics.median(values):.2f} s to its step")


def count_blocks(config: ExperimentConfig, folder: Path) -> int:
    """How many blocks the prepared corpus has."""
    from foundry.data import DataProcessor

    os.chdir(folder)
    return len(DataProcessor(config).prepare().training)


def begin(config: ExperimentConfig, step: int) -> None:
    """Make ten steps, then let run and checkpoint say that `step` steps are done."""

    def stop(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == 11:
            raise Enough

    trainer = Trainer(config, on_event=stop)
    with contextlib.suppress(Enough):
        trainer.train()
    run = Run.open(trainer.run_folder)
    if step == 10:
        return
    old = manifests.checkpoint_folder(run.checkpoints, 10)
    new = old.rename(manifests.checkpoint_folder(run.checkpoints, step))
    state = (new / "state.json").read_text().replace('"step": 10,', f'"step": {step},')
    (new / "state.json").write_text(state)
    manifest = manifests.read_manifest(new)
    described = {**manifest.files, "state.json": manifests.FileDigest.of(new / "state.json")}
    manifests.store_manifest(new, manifest.model_copy(update={"step": step, "files": described}))
    with run.metrics.open("w", encoding="utf-8") as stream:
        for number in range(1, step + 1):
            stream.write(f'{{"step": {number}, "loss": 2.5, "learning_rate": 0.001, "gradient_norm": 1.0}}\n')
    run.note(steps_done=step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure; default: the current one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder or Path.cwd(), prefix=".benchmark-") as folder:
        contest = Contest(Path(folder).resolve())
        print(f"checkpoint of {contest.num_bytes / 1e9:.2f} GB")
        written = take_turns(contest, "write", options.rounds)
        take_turns(contest, "read", options.rounds)
        stall(contest, written["foundry"], options.rounds)
        extra_memory(contest)
        del contest
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        relaunch(Path(folder).resolve(), options.rounds)


if __name__ == "__main__":
    main()
