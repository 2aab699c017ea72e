"""A run summed up from what stands in its folder. Imports nothing heavy."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.errors import UserError
from foundry.evaluation.hardware import hardware_facts
from foundry.monitoring.record import HardwareRecord
from foundry.terminal import age, aligned
from foundry.training.lifecycle import BEHAVIOUR_NAME, METRICS_NAME, RECORD_NAME, RunRecord
from foundry.training.metrics import read_metrics
from foundry.untrusted import read_json

MAX_DOCUMENT_BYTES = 16_000_000


@dataclass(frozen=True)
class RunSummary:
    """A run folder and its record.

    Attributes:
        changed: when the record was last written, in seconds since 1970.
    """

    folder: Path
    record: RunRecord
    changed: float

    @classmethod
    def read(cls, folder: Path) -> RunSummary:
        """The summary of the run in `folder`.

        Raises:
            UserError: there is no run, or another version wrote it, or its record is damaged.
        """
        record = RunRecord.read(folder)
        return cls(folder, record, (folder / RECORD_NAME).stat().st_mtime)

    @property
    def steps(self) -> str:
        """`30 of 100`."""
        total = self.record.total_steps
        return f"{self.record.steps_done} of {total}" if total is not None else str(self.record.steps_done)

    @property
    def best_loss(self) -> str:
        """The lowest validation loss, or a dash."""
        loss = self.record.best_validation_loss
        return f"{loss:.3f}" if loss is not None else "-"

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of the run's metrics."""
        return read_metrics(self.folder / METRICS_NAME)

    @property
    def behaviour(self) -> list[dict[str, Any]]:
        """The evaluations of what the model wrote while it was trained."""
        return read_metrics(self.folder / BEHAVIOUR_NAME)

    def document(self, name: str) -> dict[str, Any]:
        """A JSON file of the run folder; empty where there is none yet."""
        try:
            content = read_json(self.folder / name, MAX_DOCUMENT_BYTES)
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def facts(self) -> list[tuple[str, str]]:
        """What a person wants to know first, as names and values."""
        record = self.record
        facts = [
            ("run folder", str(self.folder)),
            ("state", f"{record.state} ({record.reason})" if record.reason else record.state),
            ("steps", self.steps),
        ]
        if record.origin is not None:
            facts.append((record.origin.how, str(record.origin)))
        if record.best_step is not None:
            facts.append(("best step", str(record.best_step)))
        if record.best_validation_loss is not None:
            facts.append(("validation loss", self._loss_in_words()))
        if behaviour := self.behaviour:
            facts.append(("texts that succeed", _behaviour_in_words(behaviour)))
        if self.hardware is not None:
            facts.extend(hardware_facts(self.hardware))
        if record.published is not None:
            facts.append(("published model", _short(record.published.location)))
        if (self.folder / METRICS_NAME).exists():
            facts.append(("metrics", str(self.folder / METRICS_NAME)))
        return facts

    @property
    def hardware(self) -> HardwareRecord | None:
        """What the launches have taken of the machine; None where it was not looked at, or the record is damaged."""
        try:
            return HardwareRecord.read(self.folder)
        except ValueError:
            return None

    def history(self) -> list[tuple[str, str, str, str]]:
        """The moves of the state machine: time, state, steps done, reason; the first row is a heading."""
        rows = [(moment.time, moment.state, str(moment.step), moment.reason) for moment in self.record.history]
        return [("time (UTC)", "state", "steps", "reason"), *rows]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        hardware = None if self.hardware is None else self.hardware.model_dump()
        return {
            "folder": str(self.folder),
            **self.record.model_dump(exclude={"format_version"}),
            "hardware": hardware,
        }

    def _loss_in_words(self) -> str:
        loss = self.record.best_validation_loss or 0.0
        if self.record.vocabulary_size is None:
            return f"{loss:.3f} nats a token"
        size = self.record.vocabulary_size
        guess = math.log(size)
        return f"{loss:.3f} nats a token, {guess - loss:.2f} below guessing (ln {size:,} = {guess:.3f})"


def _behaviour_in_words(rows: list[dict[str, Any]]) -> str:
    """The newest evaluation of what the model wrote, and the first, where there was another."""
    last, first = rows[-1], rows[0]
    begun = f" ({first.get('success_rate', 0):.0%} at step {first['step']})" if len(rows) > 1 else ""
    return f"{last.get('success_rate', 0):.0%} of {last.get('samples')} at step {last['step']}{begun}"


def _short(location: str) -> str:
    """Where a model is kept; a path from the current folder, where it lies below it."""
    path = Path(location)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else location


def find_runs(output_dir: Path) -> tuple[list[RunSummary], list[str]]:
    """The runs below `output_dir`, the newest first, and what is wrong with those that cannot be read.

    Raises:
        UserError: there is no such folder.
    """
    if not output_dir.is_dir():
        raise UserError(f"{output_dir}: no such folder; `foundry train CONFIG` makes runs")
    found, problems = [], []
    for path in sorted(output_dir.glob(f"*/{RECORD_NAME}")):
        try:
            found.append(RunSummary.read(path.parent))
        except UserError as error:
            problems.append(str(error))
    return sorted(found, key=lambda run: run.changed, reverse=True), problems


def table_of_runs(runs: list[RunSummary]) -> str:
    """One line for each run."""
    now = time.time()
    rows = [
        (str(run.folder), run.record.state, run.steps, run.best_loss, f"{age(now - run.changed)} ago") for run in runs
    ]
    return aligned([("run", "state", "steps", "best validation loss", "changed"), *rows], right=(3,))
