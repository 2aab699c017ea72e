"""One launch of a run: from what is on disk to the stop of training.

This is where the parts meet; each of them knows nothing of the others.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from foundry import files
from foundry.config import ExperimentConfig
from foundry.data.batches import BatchOrder, BatchSource
from foundry.data.processor import DataProcessor, PreparedData
from foundry.environments import record_environment
from foundry.errors import FoundryError, Interrupted
from foundry.hardware import check_precision, choose_device, prepare_backend
from foundry.models import create_model, enable_gradient_checkpointing
from foundry.reproducibility import derived_seed, restore_rng, rng_snapshot
from foundry.training.checkpointing import CheckpointManager
from foundry.training.early_stopping import EarlyStopping
from foundry.training.events import CheckpointSaved, Evaluated, Listener, Message, StepDone
from foundry.training.lifecycle import Run
from foundry.training.loop import StepResult, TrainingLoop
from foundry.training.metrics import MetricsLog
from foundry.training.optimizer import create_optimizer
from foundry.training.schedules import checkpoint_steps, is_evaluation_due, warmup_steps

SPEED_WINDOW_STEPS = 50


@dataclass(frozen=True)
class Outcome:
    """What one launch did.

    Attributes:
        first_step, last_step: the steps that this launch made; None where it made none.
        reason: why training stopped: `early_stopping` or `all_steps_completed`.
    """

    first_step: int | None
    last_step: int | None
    reason: str


@dataclass(frozen=True)
class Preparation:
    """What is known before a run folder is made.

    Attributes:
        total_steps: the length of the run.
    """

    device: torch.device
    data: PreparedData
    order: BatchOrder
    total_steps: int


def prepare(config: ExperimentConfig, listen: Listener) -> Preparation:
    """Check what can be checked and tokenize the corpus; no run folder is touched.

    Raises:
        UserError: the corpus, the device or the length of the run cannot be used.
    """
    device = choose_device(config.training.device)
    check_precision(config.training, device)
    data = DataProcessor(config, report=lambda text: listen(Message(text))).prepare()
    order = BatchOrder(len(data.training), config.global_batch_size, config.random_seed)
    total_steps = config.training.train_steps or order.total_steps(config.training.epochs or 1)
    warmup_steps(config.training, total_steps)
    return Preparation(device, data, order, total_steps)


class Session:
    """Trains one run from its newest whole checkpoint until it stops by itself."""

    def __init__(self, run: Run, config: ExperimentConfig, preparation: Preparation, listen: Listener) -> None:
        self.run = run
        self.config = config
        self.preparation = preparation
        self.listen = listen
        self.checkpoints = CheckpointManager(
            run.checkpoints,
            run.record.fingerprint,
            config.training.keep_checkpoints,
            warn=lambda text: listen(Message(text, warning=True)),
        )

    def train(self) -> Outcome:
        """Train to the end; the run is `stopped` afterwards.

        Raises:
            Interrupted: a signal asked to stop; the step was finished and checkpointed.
            FoundryError: what failed; the checkpoints are as they were.
        """
        data = self.preparation.data
        self._record_data(data)
        prepare_backend(self.config.training, self.preparation.device)
        with self._batches() as batches:
            loop = self._build(batches)
            done, stopping = self._restore(loop)
            next_step = min(done + 1, self.preparation.total_steps)
            reason = f"step {next_step} of {self.preparation.total_steps} is next"
            self.run.move("training", reason, steps_done=done)
            record_environment(self.run.folder, self.config, next_step=done + 1)
            return _Steps(self, loop).run_from(done, stopping)

    def _record_data(self, data: PreparedData) -> None:
        """Keep what the run is trained on, or refuse to go on with another corpus."""
        begun_with = self.run.record.data_digest
        if begun_with is not None and begun_with != data.digest:
            raise FoundryError(
                f"{self.run.folder}: this run was begun on other tokens (digest {begun_with[:12]}, now "
                f"{data.digest[:12]}); restore that corpus, or start anew by another experiment_name"
            )
        if not self.run.tokenizer.exists():
            with files.new_folder(self.run.tokenizer) as folder:
                data.tokenizer.save(folder)
        files.write_json(self.run.folder / "data.json", data.statistics)
        self.run.note(
            data_digest=data.digest,
            total_steps=self.preparation.total_steps,
            vocabulary_size=data.tokenizer.vocab_size,
        )

    @contextmanager
    def _batches(self) -> Iterator[BatchSource]:
        data = self.config.data
        source = BatchSource(self.preparation.data.training, self.preparation.order, data.batch_size, data.num_workers)
        try:
            yield source
        finally:
            source.close()

    def _build(self, batches: BatchSource) -> TrainingLoop:
        """The model with its initial weights, its optimizer, and the loop over both."""
        vocab_size = self.preparation.data.tokenizer.vocab_size
        torch.manual_seed(derived_seed(self.config.random_seed, "initial weights"))
        model = create_model(self.config.model, vocab_size, self.config.data.max_sequence_length)
        model.to(self.preparation.device)
        if self.config.training.use_gradient_checkpointing:
            enable_gradient_checkpointing(model)
        optimizer = create_optimizer(model, self.config.training)
        return TrainingLoop(
            model, optimizer, batches, self.config, self.preparation.total_steps, self.preparation.device
        )

    def _restore(self, loop: TrainingLoop) -> tuple[int, EarlyStopping]:
        """Steps done and early stopping, from the newest whole checkpoint or from the start."""
        training = self.config.training
        fresh = EarlyStopping(training.early_stopping_patience, training.early_stopping_min_delta)
        checkpoint = self.checkpoints.newest_whole()
        if checkpoint is None:
            return 0, fresh
        state = self.checkpoints.load(checkpoint, loop.model, loop.optimizer)
        loop.scaler.load_state_dict(state["scaler"])
        restore_rng(state["rng"])
        self.listen(Message(f"going on at step {checkpoint.step + 1}, from checkpoint {checkpoint.folder.name}"))
        return checkpoint.step, EarlyStopping(**state["early_stopping"])


class _Steps:
    """The steps of one launch, in order: update, evaluate, log, save."""

    def __init__(self, session: Session, loop: TrainingLoop) -> None:
        self.session = session
        self.run = session.run
        self.training = session.config.training
        self.listen = session.listen
        self.loop = loop
        self.validation = session.preparation.data.validation
        self.total_steps = session.preparation.total_steps
        steps_per_epoch = session.preparation.order.num_blocks / session.config.global_batch_size
        self.scheduled = set(checkpoint_steps(self.training, self.total_steps, steps_per_epoch))
        self.speed = _Speed()

    def run_from(self, done: int, stopping: EarlyStopping) -> Outcome:
        """Make the steps after `done`."""
        first = None
        self.metrics = MetricsLog(self.run.metrics, resume_after_step=done)
        with _signals() as signals:
            try:
                for step in range(done + 1, self.total_steps + 1):
                    if stopping.should_stop:
                        break
                    first = first or step
                    stopping = self._make(step, stopping, signals)
                    done = step
            finally:
                self.metrics.close()
        reason = "early_stopping" if stopping.should_stop else "all_steps_completed"
        self.run.move(
            "stopped",
            reason,
            steps_done=done,
            best_step=stopping.lowest_step or done,
            best_validation_loss=stopping.lowest,
        )
        return Outcome(first, done if first else None, reason)

    def _make(self, step: int, stopping: EarlyStopping, signals: _Signals) -> EarlyStopping:
        result = self.loop.step(step)
        seconds_a_step = self.speed.measure(result.num_targets)
        validation_loss = None
        if self.validation is not None and is_evaluation_due(self.training, step, self.total_steps):
            validation_loss = self.loop.validation_loss(self.validation)
            stopping = stopping.observe(step, validation_loss)
            self.listen(Evaluated(step, validation_loss, stopping.lowest_step == step))
            self.speed.restart()
        self._log(result, validation_loss)
        self._tell(result, seconds_a_step)
        is_last = step == self.total_steps or stopping.should_stop
        is_best = validation_loss is not None and stopping.lowest_step == step
        if is_last or is_best or step in self.scheduled or signals.received:
            self._save(step, stopping, validation_loss)
            self.speed.restart()
        if signals.received:
            raise Interrupted(signals.received, step)
        return stopping

    def _save(self, step: int, stopping: EarlyStopping, validation_loss: float | None) -> None:
        self.metrics.flush_to_disk()
        state = {
            "step": step,
            "early_stopping": stopping.to_json(),
            "scaler": self.loop.scaler.state_dict(),
            "rng": rng_snapshot(),
        }
        checkpoint = self.session.checkpoints.save(step, self.loop.model, self.loop.optimizer, state, validation_loss)
        self.run.note(steps_done=step, best_step=stopping.lowest_step, best_validation_loss=stopping.lowest)
        self.listen(CheckpointSaved(step, checkpoint.folder))

    def _log(self, result: StepResult, validation_loss: float | None) -> None:
        interval = self.session.config.logging.log_interval
        if result.step % interval and result.step not in (1, self.total_steps) and validation_loss is None:
            return
        row: dict[str, Any] = {
            "step": result.step,
            "loss": result.loss,
            "learning_rate": result.learning_rate,
            "gradient_norm": result.gradient_norm if math.isfinite(result.gradient_norm) else None,
        }
        if validation_loss is not None:
            row["validation_loss"] = validation_loss
        self.metrics.append({**row, "time": self.speed.figures()})

    def _tell(self, result: StepResult, seconds_a_step: float | None) -> None:
        left = None if seconds_a_step is None else seconds_a_step * (self.total_steps - result.step)
        self.listen(
            StepDone(
                result.step,
                self.total_steps,
                result.loss,
                result.learning_rate,
                result.gradient_norm,
                self.speed.tokens_per_second,
                left,
            )
        )


class _Speed:
    """Tokens a second over the last steps; evaluations and checkpoints do not count as training time."""

    def __init__(self) -> None:
        self.recent: deque[tuple[float, int]] = deque(maxlen=SPEED_WINDOW_STEPS)
        self.started = self.last = time.monotonic()

    def restart(self) -> None:
        """Do not count the time since the last step."""
        self.last = time.monotonic()

    def measure(self, num_tokens: int) -> float | None:
        """Count a step that has just ended; seconds a step, once two are known. The first step warms up kernels."""
        now = time.monotonic()
        self.recent.append((now - self.last, num_tokens))
        self.last = now
        steps = self._steps()
        return sum(seconds for seconds, _ in steps) / len(steps) if steps else None

    def _steps(self) -> list[tuple[float, int]]:
        return list(self.recent)[1:] if len(self.recent) < SPEED_WINDOW_STEPS else list(self.recent)

    @property
    def tokens_per_second(self) -> float:
        """Over the last steps; 0 until two are known."""
        steps = self._steps()
        seconds = sum(item[0] for item in steps)
        return sum(item[1] for item in steps) / seconds if seconds > 0 else 0.0

    def figures(self) -> dict[str, float]:
        """What a metrics row says of time."""
        return {
            "seconds": round(time.monotonic() - self.started, 3),
            "tokens_per_second": round(self.tokens_per_second, 1),
        }


class _Signals:
    """Remembers the first request to stop; a second one ends the process at once, as it would without us."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.previous: dict[int, Any] = {}

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Keep the signal, and give the old handlers back."""
        self.received = number
        self.give_back()

    def give_back(self) -> None:
        """Restore the handlers that were there before."""
        for number, handler in self.previous.items():
            signal.signal(number, handler)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """While the block runs, SIGINT and SIGTERM ask for a stop after the step; in the main thread only."""
    signals = _Signals()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signals.previous[number] = signal.signal(number, signals.handle)
    try:
        yield signals
    finally:
        signals.give_back()
