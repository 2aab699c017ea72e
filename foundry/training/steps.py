"""The steps of one launch, in order: update, evaluate, log, save; and what is done when one of them goes wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundry import files
from foundry.errors import FoundryError, Interrupted, LimitReached, Stopped, Untrainable
from foundry.evaluation.behaviour.during_training import BehaviourLog
from foundry.monitoring.monitor import Monitor
from foundry.training.checkpointing import checkpoint_tensors
from foundry.training.counters import Counters, state_of
from foundry.training.early_stopping import EarlyStopping
from foundry.training.events import CheckpointSaved, Evaluated, StepDone, StopAfterStep
from foundry.training.loop import StepResult, TrainingLoop
from foundry.training.metrics import MetricsLog, NoMetrics
from foundry.training.saving import CheckpointSaver
from foundry.training.schedules import is_evaluation_due, learning_rate
from foundry.training.signals import StopRequest, stop_requests
from foundry.training.speed import Speed

if TYPE_CHECKING:
    from foundry.training.session import Session


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


class Steps:
    """Makes the steps after those that `counters` says are done."""

    def __init__(self, session: Session, loop: TrainingLoop, counters: Counters, monitor: Monitor) -> None:
        self.session = session
        self.monitor = monitor
        self.training = session.config.training
        self.listen = session.listen
        self.loop = loop
        self.counters = counters
        self.first_step = counters.step + 1
        self.total_steps = session.preparation.total_steps
        self.metrics = self._metrics_log()
        self.behaviour = BehaviourLog(session, counters.step)
        self.saver = CheckpointSaver(
            session.checkpoints,
            lambda: self.metrics.flush_to_disk(),
            self.training.async_checkpoints and session.processes.count == 1,
        )
        self.stopping_at_save: dict[int, EarlyStopping] = {}
        self.asked_to_stop: StopAfterStep | None = None
        self.speed = Speed()

    def run(self) -> Outcome:
        """Make them until training stops by itself; the run is `stopped` afterwards.

        Raises:
            Interrupted: a signal asked to stop; the step was finished and checkpointed.
            Stopped: the listener asked to stop; the step was finished and checkpointed.
            LimitReached: the hardware is at a threshold that ends the run; the step was finished and checkpointed.
            FoundryError: what failed; the checkpoints are as they were.
        """
        with stop_requests(self.session.processes) as request:
            try:
                while self.counters.step < self.total_steps and not self.counters.early_stopping.should_stop:
                    self._make(self.counters.step + 1, request)
                self._note_saved(wait=True)
                if signal_number := request.agreed:
                    raise Interrupted(signal_number, self.counters.step)
            finally:
                self.saver.settle()
                self.metrics.close()
                self.behaviour.close()
                self.monitor.finish()
        return self._stop()

    def _stop(self) -> Outcome:
        done, stopping = self.counters.step, self.counters.early_stopping
        reason = "early_stopping" if stopping.should_stop else "all_steps_completed"
        self.session.run.move(
            "stopped",
            reason,
            steps_done=done,
            best_step=stopping.lowest_step or done,
            best_validation_loss=stopping.lowest,
        )
        has_made_steps = done >= self.first_step
        return Outcome(self.first_step if has_made_steps else None, done if has_made_steps else None, reason)

    def _make(self, step: int, request: StopRequest) -> None:
        """One step of the run, from its update to its checkpoint."""
        self._note_saved()
        if self._is_left_out(step):
            result = None
            self.counters = self.counters.after_left_out_step(step)
        else:
            result = self._update(step)
            if self.counters.is_spike(result.loss, self.training.loss_spike_factor) and self._roll_back(result):
                return
            self._count(result)
        seconds_a_step = self.speed.measure(result.num_targets if result else 0)
        validation_loss = self._evaluate(step)
        self._log(step, result, validation_loss)
        if result is not None:
            self._tell(result, seconds_a_step)
            self._stop_if_bad(result)
        stopping = self.counters.early_stopping
        is_best = validation_loss is not None and stopping.lowest_step == step
        is_last = step == self.total_steps or stopping.should_stop
        if self.behaviour.is_due(step, is_last):
            self.behaviour.evaluate(step, self.loop.model)
            self.speed.restart()
        signal_number = request.agreed
        limit = self._limit_of_hardware()
        is_to_stop = (self.asked_to_stop is not None or limit is not None) and not is_last
        if is_last or is_best or step in self.session.scheduled or signal_number or is_to_stop:
            self._save(step, validation_loss)
        if signal_number or is_to_stop:
            self._note_saved(wait=True)
            raise self._interruption(step, signal_number, limit)

    def _limit_of_hardware(self) -> str | None:
        """Why the hardware of any process of the launch is to end the run, if it is; tells what else was found."""
        self.monitor.tell()
        if not self.monitor.may_stop:
            return None
        limits = self.session.processes.together(lambda: self.monitor.limit)
        return next((limit for limit in limits if limit is not None), None)

    def _interruption(self, step: int, signal_number: int | None, limit: str | None) -> FoundryError:
        """What ends the launch after a step that is saved."""
        if signal_number:
            return Interrupted(signal_number, step)
        return Stopped(step, str(self.asked_to_stop)) if limit is None else LimitReached(step, limit)

    # --- the update, and what may be wrong with it ---

    def _update(self, step: int) -> StepResult:
        before = self.loop.micro_batch_size
        result = self.loop.step(step)
        if result.micro_batch_size != before:
            self.session.warn(
                f"step {step}: memory ran out with {before} blocks at a time; the step was made again with "
                f"{result.micro_batch_size}, and so are those after it. The global batch is the same"
            )
        return result

    def _count(self, result: StepResult) -> None:
        if result.is_bad:
            self.counters = self.counters.after_bad_step(result.step)
        elif result.is_applied:
            self.counters = self.counters.after_step(result.step, result.loss, result.micro_batch_size)
        else:
            self.counters = self.counters.after_left_out_step(result.step)

    def _stop_if_bad(self, result: StepResult) -> None:
        """Keep the batch of a bad step, and fail after too many of them in a row."""
        if not result.is_bad:
            return
        path = self.session.run.folder / "bad-steps" / f"step-{result.step:08d}.json"
        if self.session.processes.is_first:
            files.write_json(path, self._batch_for_people(result))
        what = f"step {result.step}: the loss is {result.loss} and the gradient norm {result.gradient_norm}"
        if self.counters.bad_steps >= self.training.max_bad_steps:
            raise Untrainable(
                f"{what}, in the {self.counters.bad_steps}. bad step in a row; the weights were not changed by them. "
                f"Lower training.learning_rate, or look at the batch in {path}"
            )
        self.session.warn(f"{what}; the weights were not changed. The batch is kept in {path}")

    def _batch_for_people(self, result: StepResult) -> dict[str, Any]:
        """The batch of a step as numbers and as text."""
        batch = self.loop.batches.batch(result.step)
        rows = batch.input_ids.tolist()
        tokenizer = self.session.preparation.data.tokenizer
        return {
            "step": result.step,
            "loss": str(result.loss),
            "gradient_norm": str(result.gradient_norm),
            "blocks": [
                {"block": number, "text": tokenizer.decode(row), "token_ids": row}
                for number, row in zip(self.loop.batches.block_numbers(result.step), rows, strict=True)
            ],
        }

    def _is_left_out(self, step: int) -> bool:
        return any(first <= step <= last for first, last in self.session.run.record.left_out_steps)

    def _roll_back(self, result: StepResult) -> bool:
        """Go back to the last checkpoint, and leave out the steps from there to the spike; False without a checkpoint.

        That they are left out is on disk before anything else is done, so a kill changes nothing.
        """
        self._note_saved(wait=True)
        run, spike = self.session.run, result.step
        if not run.record.steps_done:
            self.session.warn(f"step {spike}: the loss {result.loss:.3f} is a spike, and there is no checkpoint yet")
            return False
        first = run.record.steps_done + 1
        run.note(left_out_steps=(*run.record.left_out_steps, (first, spike)))
        self.session.warn(
            f"step {spike}: the loss {result.loss:.3f} is a spike; back to step {first - 1}, leaving out the batches "
            f"of steps {first} to {spike}"
        )
        self.counters = self.session.restore(self.loop)
        self.metrics.close()
        self.metrics = self._metrics_log()
        self.behaviour.rewind(self.counters.step)
        self.speed.restart()
        return True

    # --- looking, writing down, saving ---

    def _evaluate(self, step: int) -> float | None:
        validation = self.session.preparation.data.validation
        if validation is None or not is_evaluation_due(self.training, step, self.total_steps):
            return None
        loss = self.loop.validation_loss(validation)
        stopping = self.counters.early_stopping.observe(step, loss)
        self.counters = self.counters.model_copy(update={"early_stopping": stopping})
        try:
            self.listen(Evaluated(step, loss, stopping.lowest_step == step))
        except StopAfterStep as asked:
            self.asked_to_stop = asked
        self.speed.restart()
        return loss

    def _log(self, step: int, result: StepResult | None, validation_loss: float | None) -> None:
        is_notable = result is None or not result.is_applied or validation_loss is not None
        interval = self.session.config.logging.log_interval
        if step % interval and step not in (1, self.total_steps) and not is_notable:
            return
        row: dict[str, Any] = {
            "step": step,
            "loss": _number(result.loss) if result else None,
            "learning_rate": result.learning_rate if result else learning_rate(self.training, step, self.total_steps),
            "gradient_norm": _number(result.gradient_norm) if result else None,
        }
        if result is None or not result.is_applied:
            row["applied"] = False
        if validation_loss is not None:
            row["validation_loss"] = validation_loss
        hardware = {"hardware": self.monitor.latest} if self.monitor.latest else {}
        self.metrics.append({**row, "time": self.speed.figures(), **hardware})

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

    def _metrics_log(self) -> MetricsLog:
        if not self.session.processes.is_first:
            return NoMetrics()
        return MetricsLog(self.session.run.metrics, resume_after_step=self.counters.step)

    def _save(self, step: int, validation_loss: float | None) -> None:
        self.stopping_at_save[step] = self.counters.early_stopping
        tensors = checkpoint_tensors(self.loop.model, self.loop.optimizer)
        self.saver.save(step, tensors, state_of(self.loop.scaler, self.counters), validation_loss)
        self._note_saved()
        self.speed.restart()

    def _note_saved(self, wait: bool = False) -> None:
        """Write down and tell which checkpoints have come to be on disk."""
        for checkpoint in self.saver.saved(wait):
            stopping = self.stopping_at_save.pop(checkpoint.step)
            self.session.run.note(
                steps_done=checkpoint.step, best_step=stopping.lowest_step, best_validation_loss=stopping.lowest
            )
            self.listen(CheckpointSaved(checkpoint.step, checkpoint.folder))


def _number(value: float) -> float | None:
    """JSON knows no NaN and no infinity."""
    return value if math.isfinite(value) else None
