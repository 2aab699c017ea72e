"""When validation has stopped improving."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class EarlyStopping:
    """Counts evaluations without improvement; a value, so that it is saved and restored as it is.

    Attributes:
        patience: evaluations without improvement after which training stops; None never stops.
        min_delta: an improvement is a loss below `best` by more than this.
        best: the loss of the last improvement, in nats a token.
        lowest, lowest_step: the lowest loss seen, which may lie within `min_delta` of `best`; ties to the earlier step.
    """

    patience: int | None
    min_delta: float
    best: float | None = None
    evaluations_without_improvement: int = 0
    lowest: float | None = None
    lowest_step: int | None = None

    def observe(self, step: int, loss: float) -> EarlyStopping:
        """The state after the validation loss of `step`."""
        lowered = self.lowest is None or loss < self.lowest
        seen = replace(self, lowest=loss, lowest_step=step) if lowered else self
        if self.best is None or loss < self.best - self.min_delta:
            return replace(seen, best=loss, evaluations_without_improvement=0)
        return replace(seen, evaluations_without_improvement=self.evaluations_without_improvement + 1)

    @property
    def should_stop(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.evaluations_without_improvement >= self.patience

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return asdict(self)
