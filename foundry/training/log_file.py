"""The log file of a run: the events of its launches, as lines of text with the time."""

from __future__ import annotations

import datetime
import logging
from pathlib import Path

from foundry.training.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    Listener,
    Message,
    StateChanged,
    StepDone,
    Transferred,
)


def log_to_file(folder: Path, run_id: str, level: str) -> Listener:
    """A listener that appends to `<folder>/<run_id>.log` what is at least as important as `level`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run_id}.log"
    threshold = logging.getLevelNamesMapping()[level]

    def write(event: Event) -> None:
        importance = importance_of(event)
        if importance >= threshold:
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"{now} {logging.getLevelName(importance)} {sentence_of(event)}\n")

    return write


def importance_of(event: Event) -> int:
    """The level of `logging` that an event has."""
    if isinstance(event, StepDone | Transferred):
        return logging.DEBUG
    if isinstance(event, Message) and event.warning:
        return logging.WARNING
    return logging.INFO


def sentence_of(event: Event) -> str:
    """An event in words."""
    match event:
        case Message():
            return event.text
        case StepDone():
            return (
                f"step {event.step} of {event.total_steps}: loss {event.loss:.4f}, "
                f"learning rate {event.learning_rate:.3g}, gradient norm {event.gradient_norm:.3g}"
            )
        case Evaluated():
            return f"step {event.step}: validation loss {event.validation_loss:.4f}{' (best)' if event.is_best else ''}"
        case CheckpointSaved():
            return f"step {event.step}: checkpoint {event.path.name} saved"
        case Transferred():
            return f"{event.what} {event.done} of {event.total} bytes"
        case StateChanged():
            return f"{event.state}: {event.reason}"
