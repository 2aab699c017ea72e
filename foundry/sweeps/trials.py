"""One trial: a normal run in its own folder, whose validation losses the study hears."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.errors import FoundryError, Stopped, Untrainable, UserError
from foundry.evaluation.plan import plan_of
from foundry.sweeps.study import SweepStudy, is_decided
from foundry.trainer import Trainer
from foundry.training.events import Evaluated, Event, Listener, Message, StopAfterStep, ignore_event
from foundry.training.lifecycle import METRICS_NAME, RECORD_NAME, RunRecord
from foundry.training.metrics import read_metrics
from foundry.training.processes import ALONE

SECONDS_BETWEEN_LOOKS = 0.2


class TrialRun:
    """Brings one trial, which this process has claimed, to its end.

    Args:
        listen: is told what happens.
        device: the GPU to train on, where the experiment leaves that open; None leaves it to the experiment.
    """

    def __init__(self, study: SweepStudy, number: int, listen: Listener, device: str | None) -> None:
        self._study = study
        self._number = number
        self._listen = listen
        self._places = {} if device is None else {"training.device": device}
        self._is_lost = False
        self._run_folder = Path()

    def carry_out(self) -> None:
        """Train the run of the trial, or go on with it, or take over what another trial has made of the same run.

        Raises:
            Interrupted: SIGTERM or Ctrl-C; the run is saved, and the trial is left in the middle.
            FoundryError: what failed, and is not due to the parameters; the trial is left in the middle.
        """
        parameters = self._study.parameters(self._number)
        try:
            config = self._study.sweep.experiment_with(parameters, **self._places)
        except UserError as error:
            self._study.fail(self._number, str(error))
            return
        trainer = Trainer(config, on_event=self._hear)
        self._run_folder = trainer.run_folder
        while (other := self._study.leader(self._number, trainer.run_id)) is not None:
            if is_decided(other):
                self._listen(Message(f"the same parameters as in trial {other.number}, whose result this is"))
                self._study.take_over_result(self._number, other)
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if self._is_pruned(trainer):
            self._study.prune(self._number, _steps_of(RunRecord.read(trainer.run_folder)))
        else:
            self._train(trainer, config)

    def _is_pruned(self, trainer: Trainer) -> bool:
        """Whether the trial was found hopeless before, and its run is saved at that step."""
        pruned_at = self._study.pruned_at(self._number)
        if pruned_at is None or not (trainer.run_folder / RECORD_NAME).exists():
            return False
        return RunRecord.read(trainer.run_folder).steps_done >= pruned_at

    def _train(self, trainer: Trainer, config: ExperimentConfig) -> None:
        self._report_what_was_made(trainer.run_folder)
        try:
            record = trainer.train().record
        except Stopped:
            if not self._is_lost:
                self._study.prune(self._number, _steps_of(RunRecord.read(trainer.run_folder)))
            return
        except FoundryError as error:
            if (trained := _record_if_trained(trainer.run_folder)) is None:
                self._blame(error, config)
                return
            self._listen(Message(str(error), warning=True))
            record = trained
        except OSError:
            raise
        except Exception as error:  # a bug: it keeps its traceback, but does not meet the sweep again at every launch
            self._study.fail(self._number, f"{type(error).__name__}: {error}")
            raise
        if record.best_validation_loss is None:
            self._study.fail(self._number, "the corpus left no document for validation, so there is no loss")
            return
        self._report_what_was_made(trainer.run_folder)
        self._study.complete(self._number, record.best_validation_loss, _steps_of(record))

    def _report_what_was_made(self, run_folder: Path) -> None:
        """Let the study know the losses of a run that was trained before the study heard of it."""
        if not (run_folder / RECORD_NAME).exists():
            return
        done = RunRecord.read(run_folder).steps_done
        rows = [row for row in read_metrics(run_folder / METRICS_NAME) if row["step"] <= done]
        losses = [(row["step"], row["validation_loss"]) for row in rows if "validation_loss" in row]
        self._study.report_all(self._number, losses)

    def _hear(self, event: Event) -> None:
        self._listen(event)
        if not isinstance(event, Evaluated):
            return
        if not self._study.is_mine(self._number):
            self._is_lost = True
            raise StopAfterStep("another process has taken over the trial, because this one was silent for too long")
        is_last = event.step == RunRecord.read(self._run_folder).total_steps
        reason = self._study.report(self._number, event.step, event.validation_loss, is_last=is_last)
        if reason is not None:
            raise StopAfterStep(f"pruned: {reason}")

    def _blame(self, error: FoundryError, config: ExperimentConfig) -> None:
        """Close the trial, where its parameters are why it was not trained.

        Raises:
            FoundryError: `error` has other reasons.
        """
        is_impossible = isinstance(error, UserError) and self._is_due_to_parameters(config)
        if not (is_impossible or isinstance(error, Untrainable)):
            raise error
        self._study.fail(self._number, str(error))

    def _is_due_to_parameters(self, config: ExperimentConfig) -> bool:
        """Whether what the experiment asks for is impossible with the parameters of the trial, and not without them."""
        return not _can_be_prepared(config) and _can_be_prepared(self._study.sweep.experiment)


def _can_be_prepared(config: ExperimentConfig) -> bool:
    from foundry.training.session import prepare

    with contextlib.suppress(UserError):
        prepare(config, ALONE, ignore_event, None)
        plan_of(config)
        return True
    return False


def _record_if_trained(run_folder: Path) -> RunRecord | None:
    """The record of a run that has come to its end, although it is not published; its losses are all there."""
    if not (run_folder / RECORD_NAME).exists():
        return None
    record = RunRecord.read(run_folder)
    return record if record.state == "stopped" else None


def _steps_of(record: RunRecord) -> str:
    """`30 of 100`."""
    return f"{record.steps_done} of {record.total_steps}"
