"""What came of the trials of a sweep so far: best first, as a table and as plain values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from foundry.errors import UserError
from foundry.sweeps.study import PARAMETERS, REASON, RUN, STEPS, SweepStudy
from foundry.sweeps.sweep import Sweep
from foundry.terminal import aligned
from foundry.training.lifecycle import RunRecord

ORDER = ("complete", "pruned", "running", "interrupted", "failed", "waiting")
FINISHED = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


@dataclass(frozen=True)
class TrialSummary:
    """One trial.

    Attributes:
        loss: the lowest validation loss so far, in nats a token; None before the first.
        losses: step and validation loss of each evaluation.
        steps: `30 of 100`, or a dash.
        run_folder: None before the trial has begun.
        reason: why it was pruned, or gave no loss; else empty.
        owner: the process that works on it; empty where none does.
    """

    number: int
    state: str
    parameters: dict[str, Any]
    loss: float | None
    losses: tuple[tuple[int, float], ...]
    steps: str
    run_folder: Path | None
    reason: str
    owner: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            "number": self.number,
            "state": self.state,
            "parameters": self.parameters,
            "best_validation_loss": self.loss,
            "steps": self.steps,
            "run_folder": None if self.run_folder is None else str(self.run_folder),
            "reason": self.reason or None,
        }


@dataclass(frozen=True)
class SweepSummary:
    """A sweep and its trials, best first."""

    sweep: Sweep
    trials: tuple[TrialSummary, ...]

    @classmethod
    def of(cls, study: SweepStudy) -> SweepSummary:
        """The summary of a study as it is now."""
        trials = [_summary(study, trial) for trial in study.trials]
        return cls(study.sweep, tuple(sorted(trials, key=_rank)))

    @property
    def best(self) -> TrialSummary | None:
        """The complete trial with the lowest validation loss, ties to the earlier; None where none is complete."""
        first = self.trials[0] if self.trials else None
        return first if first is not None and first.state == "complete" else None

    @property
    def is_finished(self) -> bool:
        """Whether every trial has come to its end."""
        return not any(trial.state in ("running", "interrupted", "waiting") for trial in self.trials)

    def counts(self) -> str:
        """`8 complete, 3 pruned, 1 failed`."""
        numbers = {state: sum(trial.state == state for trial in self.trials) for state in ORDER}
        return ", ".join(f"{number} {state}" for state, number in numbers.items() if number)

    def table(self) -> str:
        """One line for each trial that was begun, and a line for each reason."""
        begun = [trial for trial in self.trials if trial.state != "waiting"]
        keys = list(self.sweep.choices)
        rows = [("trial", "state", *keys, "best validation loss", "steps", "run")]
        rows += [
            (
                str(trial.number),
                trial.state,
                *(shown_parameter(trial.parameters.get(key, "-")) for key in keys),
                "-" if trial.loss is None else f"{trial.loss:.4f}",
                trial.steps,
                "-" if trial.run_folder is None else str(trial.run_folder),
            )
            for trial in begun
        ]
        reasons = [
            f"trial {trial.number} {trial.state}: {trial.reason or trial.owner}"
            for trial in begun
            if trial.reason or trial.owner
        ]
        return "\n".join([aligned(rows, right=(0, len(keys) + 2)), *(["", *reasons] if reasons else [])])

    def next_commands(self) -> list[str]:
        """What to do with the best trial."""
        if self.best is None:
            return []
        overrides = " ".join(
            f"--set {shlex.quote(f'{key}={json.dumps(value, ensure_ascii=False)}')}"
            for key, value in self.best.parameters.items()
        )
        return [
            f'foundry generate {shlex.quote(str(self.best.run_folder))} --prompt "def "',
            f"foundry train {shlex.quote(str(self.sweep.experiment_path))} {overrides}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            "sweep": self.sweep.config.sweep_name,
            "experiment": str(self.sweep.experiment_path),
            "best": None if self.best is None else self.best.number,
            "trials": [trial.as_dict() for trial in self.trials],
        }


def beginning(study: SweepStudy) -> str:
    """What a launch is about to do."""
    config = study.sweep.config
    left = len(study.unfinished)
    if not left:
        return f"{config.folder}: all {config.trials} trials have come to their end, nothing is left to train"
    return f"{config.folder}: {left} of {config.trials} trials are left"


def introduction(study: SweepStudy, number: int) -> str:
    """What a trial tries."""
    return f"trial {number}: {in_words(study.parameters(number))}"


def outcome(study: SweepStudy, number: int) -> str:
    """How a trial ended that was in the hands of this process."""
    summary = SweepSummary.of(study)
    trial = next(trial for trial in summary.trials if trial.number == number)
    loss = "" if trial.loss is None or trial.state != "complete" else f", validation loss {trial.loss:.4f}"
    praise = ", the best so far" if summary.best is not None and summary.best.number == number else ""
    return f"trial {number}: {trial.state}{loss}{praise}{': ' if trial.reason else ''}{trial.reason}"


def in_words(parameters: Mapping[str, Any]) -> str:
    """The parameters of a trial in one line, to their last digit."""
    return ", ".join(f"{key}={shown_parameter(value)}" for key, value in parameters.items())


def shown_parameter(value: Any) -> str:
    """A parameter to its last digit."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rank(trial: TrialSummary) -> tuple[int, float, int]:
    has_value = trial.state in ("complete", "pruned") and trial.loss is not None
    return ORDER.index(trial.state), (trial.loss or 0.0) if has_value else 0.0, trial.number


def _summary(study: SweepStudy, trial: FrozenTrial) -> TrialSummary:
    kept = trial.user_attrs
    run_folder = study.sweep.config.folder / kept[RUN] if RUN in kept else None
    losses = tuple(sorted(trial.intermediate_values.items()))
    lowest = min((loss for _, loss in losses), default=None)
    state, owner = _state(study, trial), study.owner_of(trial)
    return TrialSummary(
        trial.number,
        state,
        kept.get(PARAMETERS, {}),
        trial.value if trial.state == TrialState.COMPLETE else lowest,
        losses,
        kept.get(STEPS) or _steps_so_far(run_folder),
        run_folder,
        kept.get(REASON, ""),
        f"by {owner}" if owner is not None and state == "running" else "",
    )


def _state(study: SweepStudy, trial: FrozenTrial) -> str:
    if trial.state == TrialState.RUNNING:
        return "interrupted" if study.is_left(trial) else "running"
    return FINISHED.get(trial.state, "waiting")


def _steps_so_far(run_folder: Path | None) -> str:
    """As the run says that is under way; a dash where it is on another host, or has not begun."""
    if run_folder is None:
        return "-"
    try:
        record = RunRecord.read(run_folder)
    except UserError:
        return "-"
    return f"{record.steps_done} of {record.total_steps or '?'}"
