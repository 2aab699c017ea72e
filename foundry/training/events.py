"""What a training run tells its listener while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Message:
    """A sentence for the user."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class StepDone:
    """One optimizer update has been made.

    Attributes:
        loss: mean over the tokens of the global batch, in nats.
        learning_rate: the one this step used.
        gradient_norm: the global norm before clipping.
        tokens_per_second: over the last few seconds, training only; 0 where nothing is measured yet.
    """

    step: int
    total_steps: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    seconds_left: float | None


@dataclass(frozen=True)
class Evaluated:
    """A validation loss has been computed, in nats a token."""

    step: int
    validation_loss: float
    is_best: bool


@dataclass(frozen=True)
class CheckpointSaved:
    """A checkpoint is whole and on disk."""

    step: int
    path: Path


@dataclass(frozen=True)
class Transferred:
    """A part of a model is on its way.

    Attributes:
        what: `sent` or `received`.
        done, total: in bytes.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class StateChanged:
    """The run's state machine has moved, and `run.json` says so."""

    state: str
    reason: str


class StopAfterStep(Exception):
    """A listener raises this at `Evaluated`, and training ends by `foundry.errors.Stopped` once the step is saved.

    A run whose last step this is stops by itself as ever. Only for launches of one process.
    """


Event = Message | StepDone | Evaluated | CheckpointSaved | Transferred | StateChanged
Listener = Callable[[Event], None]


def ignore_event(_event: Event) -> None:
    """The listener of those who do not listen."""


def both(first: Listener, second: Listener) -> Listener:
    """A listener that tells two others, in this order."""

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell
