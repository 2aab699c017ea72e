"""The training step: a pure function of weights, optimizer state, seed and step number.

The batch of step k, its learning rate and its random numbers are computed from `(seed, k)`. Resuming after step k,
and repeating step k + 1 after a failure, are therefore the same operation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foundry.config import ExperimentConfig
from foundry.data.batches import IGNORED_LABEL, Batch, BatchSource, sequential_batches
from foundry.data.blocks import BlockDataset
from foundry.errors import FoundryError
from foundry.models.loss import loss_sum
from foundry.reproducibility import derived_seed, seed_generators
from foundry.training.schedules import learning_rate


@dataclass(frozen=True)
class StepResult:
    """What one optimizer update looked like.

    Attributes:
        loss: mean cross-entropy over the target tokens of the global batch, in nats.
        gradient_norm: global L2 norm before clipping.
        num_targets: target tokens in the global batch.
    """

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    num_targets: int


class TrainingLoop:
    """Makes optimizer updates of `model`, one a call of `step`.

    Args:
        model: on `device`, its trainable parameters held by `optimizer`.
        batches: gives the micro-batches of any step.
        total_steps: the length of the run, for the learning rate.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        batches: BatchSource,
        config: ExperimentConfig,
        total_steps: int,
        device: torch.device,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.batches = batches
        self.config = config
        self.total_steps = total_steps
        self.device = device
        self.amp_dtype = getattr(torch, config.training.amp_dtype) if config.training.use_amp else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.amp_dtype is torch.float16)

    def step(self, step: int) -> StepResult:
        """Make the optimizer update number `step`, counted from 1.

        Raises:
            FoundryError: loss or gradient is not finite; the weights are as they were before the call.
        """
        micro_batches = self.batches.micro_batches(step)
        num_targets = sum(count_targets(batch.labels) for batch in micro_batches)
        rate = learning_rate(self.config.training, step, self.total_steps)

        # Gradients of the mean over the tokens of the global batch: each micro-batch adds its share of the sum.
        if not self.model.training:
            self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for position, batch in enumerate(micro_batches):
            seed_generators(derived_seed(self.config.random_seed, "step", step, position), self.device)
            loss = self._loss_sum(batch)[0] / max(1, num_targets)
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()

        # One update. The norm is that of the true gradients, so a scaled one is unscaled before it is clipped.
        self.scaler.unscale_(self.optimizer)
        norm = self._clip()
        self._refuse_bad_numbers(step, float(total), norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return StepResult(step, float(total), rate, norm, num_targets)

    @torch.no_grad()
    def validation_loss(self, validation: BlockDataset) -> float:
        """Mean cross-entropy over the target tokens of `validation`, in nats, without dropout.

        Raises:
            FoundryError: it is not finite.
        """
        data = self.config.data
        self.model.eval()
        total, num_targets = 0.0, 0
        for batch in sequential_batches(validation, data.batch_size, data.max_validation_blocks):
            loss, count = self._loss_sum(batch)
            total += float(loss)
            num_targets += int(count)
        if not math.isfinite(total):
            raise FoundryError(
                f"the validation loss is {total / num_targets}: the weights have diverged, and are not checkpointed. "
                "Lower training.learning_rate"
            )
        return total / num_targets

    def _loss_sum(self, batch: Batch) -> tuple[Tensor, Tensor]:
        input_ids_BL = batch.input_ids.to(self.device, non_blocking=True)
        labels_BL = batch.labels.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, dtype=self.amp_dtype, enabled=self.amp_dtype is not None):
            return loss_sum(self.model, input_ids_BL, labels_BL)

    def _clip(self) -> float:
        """Scale the gradients down to `max_grad_norm`; the norm they had before."""
        limit = self.config.training.max_grad_norm
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        return float(nn.utils.clip_grad_norm_(parameters, math.inf if limit is None else limit))

    def _refuse_bad_numbers(self, step: int, loss: float, norm: float) -> None:
        """A bad number must not reach the weights. float16 gradients may overflow: the scaler skips such a step."""
        if not math.isfinite(loss) or (not math.isfinite(norm) and not self.scaler.is_enabled()):
            raise FoundryError(
                f"step {step}: the loss is {loss} and the gradient norm {norm}; the weights were not changed. "
                "Lower training.learning_rate, or look at the data of this step"
            )


def count_targets(labels_BL: Tensor) -> int:
    """How many tokens of a batch are predicted: all but the first of each row, padding left out."""
    return int((labels_BL[:, 1:] != IGNORED_LABEL).sum())
