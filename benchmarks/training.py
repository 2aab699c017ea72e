"""Steps a second of foundry's whole training session beside a bare PyTorch loop and two widely used trainers.

All four train the same GPT-2 on the same batches with AdamW, clipping and a learning-rate schedule; the trainers log
and checkpoint on the same schedule, the bare loop does neither. They take turns within one run, so that a busy
machine slows all of them; the figures are medians over the rounds, and ratios to the bare loop of the same round.

    python benchmarks/training.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foundry.data.batches import BatchOrder, BatchSource
from foundry.data.processor import DataProcessor
from foundry.models import create_model
from foundry.reproducibility import derived_seed
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.trainer import Trainer
from foundry.training.events import Event, StepDone


@dataclass(frozen=True)
class Shape:
    """One size of model and batch, and how long each contestant trains in a round."""

    layers: int
    width: int
    batch_size: int
    length: int
    steps: int
    log_interval: int = 10

    @property
    def name(self) -> str:
        return f"{self.layers} x {self.width}, batch {self.batch_size} x {self.length}"


SHAPES = (Shape(2, 64, 8, 32, steps=400), Shape(4, 256, 8, 128, steps=40))


class Clock:
    """Seconds a step, from the end of the third step on: the first ones warm up kernels."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def step_done(self) -> None:
        self.ends.append(time.perf_counter())

    @property
    def seconds_a_step(self) -> float:
        return (self.ends[-1] - self.ends[2]) / (len(self.ends) - 3)


class Contest:
    """One shape's experiment and its batches; each method is one contestant."""

    def __init__(self, shape: Shape, corpus: Path) -> None:
        self.shape = shape
        self.settings = {
            "data.source_corpus": str(corpus),
            "data.batch_size": shape.batch_size,
            "data.max_sequence_length": shape.length,
            "data.cache_dir": str(corpus.parent / "data"),
            "data.validation_fraction": 0,
            "tokenizer.vocab_size": 2048,
            "model.architecture": "gpt2",
            "model.layers": shape.layers,
            "model.hidden_size": shape.width,
            "model.attention_heads": shape.width // 32,
            "training.train_steps": shape.steps,
            "training.checkpoint_schedule": [shape.steps // 2],
            "training.evaluation_interval": shape.steps,
            "logging.log_interval": shape.log_interval,
        }
        self.config = small_experiment(self.settings)
        self.data = DataProcessor(self.config).prepare()
        order = BatchOrder(len(self.data.training), shape.batch_size, self.config.random_seed)
        batches = BatchSource(self.data.training, order)
        self.batches = [batches.batch(step) for step in range(1, shape.steps + 1)]
        self.rows = [ids for batch in self.batches for ids in batch.input_ids]

    def model(self) -> Any:
        torch.manual_seed(derived_seed(self.config.random_seed, "initial weights"))
        return create_model(self.config.model, self.data.tokenizer.vocab_size, self.shape.length)

    def bare(self, _folder: Path) -> float:
        """The loop that a careful engineer writes: fused AdamW, clipping, a schedule, nothing else."""
        model, clock = self.model(), Clock()
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
        model.train()
        for step, batch in enumerate(self.batches):
            optimizer.zero_grad(set_to_none=True)
            loss = model(input_ids=batch.input_ids, labels=batch.labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * (1 + math.cos(math.pi * step / len(self.batches))) / 2
            optimizer.step()
            loss.item()
            clock.step_done()
        return clock.seconds_a_step

    def foundry(self, folder: Path) -> float:
        """The whole session: logging, checkpoints, metrics, run record."""
        clock = Clock()

        def listen(event: Event) -> None:
            if isinstance(event, StepDone):
                clock.step_done()

        places = {"training.output_dir": str(folder / "runs"), "artifacts.path": str(folder / "artifacts")}
        Trainer(small_experiment({**self.settings, **places}), on_event=listen).train()
        return clock.seconds_a_step

    def transformers(self, folder: Path) -> float:
        """`transformers.Trainer`, logging and checkpointing as foundry does."""
        import transformers

        clock = Clock()

        class Watch(transformers.TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                clock.step_done()

        arguments = transformers.TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=self.shape.batch_size,
            max_steps=self.shape.steps,
            learning_rate=3e-3,
            adam_beta2=0.95,
            weight_decay=0.1,
            max_grad_norm=1.0,
            lr_scheduler_type="cosine",
            logging_steps=self.shape.log_interval,
            save_steps=self.shape.steps // 2,
            report_to=[],
            log_level="error",
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        rows = [{"input_ids": row, "labels": row} for row in self.rows]
        trainer = transformers.Trainer(
            self.model(), arguments, train_dataset=rows, callbacks=[Watch()], data_collator=stacked
        )
        trainer.train()
        return clock.seconds_a_step

    def lightning(self, folder: Path) -> float:
        """`lightning.Trainer`, logging and checkpointing as foundry does."""
        import lightning

        clock, inner, steps = Clock(), self.model(), self.shape.steps

        class Module(lightning.LightningModule):
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
                loss: Tensor = self.inner(**batch).loss
                self.log("loss", loss)
                return loss

            def configure_optimizers(self) -> Any:
                optimizer = torch.optim.AdamW(
                    self.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True
                )
                schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
                return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

            def on_train_batch_end(self, *_: Any, **__: Any) -> None:
                clock.step_done()

        trainer = lightning.Trainer(
            max_steps=steps,
            accelerator="cpu",
            default_root_dir=str(folder),
            logger=lightning.pytorch.loggers.CSVLogger(str(folder)),
            callbacks=[lightning.pytorch.callbacks.ModelCheckpoint(every_n_train_steps=steps // 2)],
            log_every_n_steps=self.shape.log_interval,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
        )
        loader = torch.utils.data.DataLoader(
            [{"input_ids": row, "labels": row} for row in self.rows],  # type: ignore[arg-type]
            batch_size=self.shape.batch_size,
            collate_fn=stacked,
        )
        trainer.fit(Module(), loader)
        return clock.seconds_a_step


def stacked(rows: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}


def measure(shape: Shape, rounds: int, corpus: Path) -> dict[str, Any]:
    """Let the contestants take turns; seconds a step, and the ratio of their speed to the bare loop's."""
    contest = Contest(shape, corpus)
    contestants: dict[str, Callable[[Path], float]] = {
        "bare": contest.bare,
        "foundry": contest.foundry,
        "transformers": contest.transformers,
        "lightning": contest.lightning,
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
                seconds[name].append(contestants[name](Path(folder)))
        latest = ", ".join(f"{name} {times[-1] * 1000:.1f} ms" for name, times in seconds.items())
        print(f"  round {number + 1} of {rounds}: {latest}")
    tokens = shape.batch_size * shape.length
    return {
        name: {
            "milliseconds_a_step": statistics.median(times) * 1000,
            "tokens_per_second": tokens / statistics.median(times),
            "speed_relative_to_bare": statistics.median(b / t for b, t in zip(seconds["bare"], times, strict=True)),
        }
        for name, times in seconds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for name in ("lightning", "lightning.pytorch", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_code_corpus(Path(folder) / "corpus", num_documents=200, functions=20)
        for shape in SHAPES:
            print(shape.name)
            for name, row in measure(shape, options.rounds, corpus).items():
                print(
                    f"  {name:13s} {row['milliseconds_a_step']:8.2f} ms a step   "
                    f"{row['tokens_per_second']:8.0f} tokens/s   {row['speed_relative_to_bare']:.3f} x bare"
                )


if __name__ == "__main__":
    main()
