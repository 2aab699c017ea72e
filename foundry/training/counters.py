"""What is counted from step to step, as one value: it is saved in every checkpoint and comes back as it was."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from foundry.reproducibility import restore_rng, rng_snapshot
from foundry.training.early_stopping import EarlyStopping
from foundry.untrusted import shown

RECENT_LOSSES = 16
"""A loss is a spike compared with the median of so many losses before it."""


class Counters(BaseModel):
    """Where training stands after a step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Annotated[int, Field(ge=0)]
    """Steps that are done."""
    early_stopping: EarlyStopping
    micro_batch_size: Annotated[int, Field(ge=1)]
    """Blocks that pass through the model together; less than the experiment says once memory has run out."""
    bad_steps: Annotated[int, Field(ge=0)] = 0
    """Steps in a row, up to now, whose loss or gradient was not finite."""
    recent_losses: tuple[FiniteFloat, ...] = ()
    """The losses of the last steps that changed the weights, in nats a token; the newest is the last."""

    def with_patience(self, patience: int | None, min_delta: float) -> Counters:
        """The same, with early stopping as the experiment now has it."""
        return self.model_copy(
            update={"early_stopping": replace(self.early_stopping, patience=patience, min_delta=min_delta)}
        )

    def after_step(self, step: int, loss: float, micro_batch_size: int) -> Counters:
        """The counters after a step that changed the weights."""
        recent = (*self.recent_losses, loss)[-RECENT_LOSSES:]
        return self.model_copy(
            update={"step": step, "bad_steps": 0, "recent_losses": recent, "micro_batch_size": micro_batch_size}
        )

    def after_bad_step(self, step: int) -> Counters:
        """The counters after a step that was not applied, because its numbers were not finite."""
        return self.model_copy(update={"step": step, "bad_steps": self.bad_steps + 1})

    def after_left_out_step(self, step: int) -> Counters:
        """The counters after a step that was left out."""
        return self.model_copy(update={"step": step})

    def is_spike(self, loss: float, factor: float | None) -> bool:
        """Whether `loss` is above `factor` times the median of the recent ones; never before there are enough."""
        if factor is None or len(self.recent_losses) < RECENT_LOSSES:
            return False
        return loss > factor * statistics.median(self.recent_losses)


def state_of(scaler: torch.amp.GradScaler, counters: Counters) -> dict[str, Any]:
    """What a checkpoint keeps beside the tensors."""
    return {**counters.model_dump(mode="json"), "scaler": scaler.state_dict(), "rng": rng_snapshot()}


def accepted_state(content: Any, scaler: torch.amp.GradScaler) -> Counters:
    """Put what `state_of` gave back into its places; the counters.

    Raises:
        ValueError: it is not such a state.
    """
    if not isinstance(content, dict) or not all(isinstance(content.get(name), dict) for name in ("scaler", "rng")):
        raise ValueError("state.json is not the state of a training run")
    scaler_state, rng = content.pop("scaler"), content.pop("rng")
    try:
        counters = Counters.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise ValueError(f"state.json: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    try:
        scaler.load_state_dict(scaler_state)
        restore_rng(rng)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"state.json holds no usable generator states: {shown(str(error))}") from None
    return counters
