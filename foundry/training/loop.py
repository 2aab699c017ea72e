"""The training step: a pure function of weights, optimizer state, seed and step number.

The batch of step k, its learning rate and its random numbers are computed from `(seed, k)`. Resuming after step k,
and repeating step k + 1 after a failure, are therefore the same operation.
"""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foundry.config import ExperimentConfig
from foundry.data.batches import IGNORED_LABEL, Batch, BatchSource, sequential_batches
from foundry.data.blocks import BlockDataset
from foundry.errors import FoundryError, Untrainable
from foundry.hardware import computing_dtype, is_out_of_memory
from foundry.models.loss import loss_sum
from foundry.reproducibility import derived_seed, seed_generators
from foundry.training.parallel import ParallelModel
from foundry.training.processes import ALONE, Processes
from foundry.training.schedules import learning_rate

SMALLEST_LOSS_SCALE = 1.0
"""Where a float16 gradient overflows although the loss is scaled by no more than this, it is bad, not just too long."""


@dataclass(frozen=True)
class StepResult:
    """What one step looked like.

    Attributes:
        loss: mean cross-entropy over the target tokens of the global batch, in nats.
        gradient_norm: global L2 norm before clipping.
        num_targets: target tokens in the global batch.
        micro_batch_size: blocks that passed through the model together.
        is_applied: whether the weights were changed.
        is_bad: loss or gradient were not finite, and no loss scale is to blame; then the step was not applied.
    """

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    num_targets: int
    micro_batch_size: int
    is_applied: bool = True
    is_bad: bool = False


class TrainingLoop:
    """Makes optimizer updates of `model`, one a call of `step`.

    Args:
        model: on `device`, its trainable parameters held by `optimizer`.
        batches: gives the global batch of any step.
        total_steps: the length of the run, for the learning rate.
        processes: those that share each global batch.
        parallel: how they train `model`; None where one process trains it alone.

    Attributes:
        micro_batch_size: blocks that pass through the model together; halved when memory runs out.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        batches: BatchSource,
        config: ExperimentConfig,
        total_steps: int,
        device: torch.device,
        processes: Processes = ALONE,
        parallel: ParallelModel | None = None,
    ) -> None:
        self.model = model
        self.processes = processes
        self.parallel = parallel or ParallelModel(model)
        self.optimizer = optimizer
        self.batches = batches
        self.config = config
        self.total_steps = total_steps
        self.device = device
        self.micro_batch_size = config.data.batch_size
        self.amp_dtype = amp_dtype_of(config)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.amp_dtype is torch.float16)

    def step(self, step: int) -> StepResult:
        """Make the optimizer update number `step`, counted from 1.

        Where loss or gradient are not finite, the weights stay as they are, and the result says so. Where memory runs
        out, the step is made again with micro-batches of half the size, and so are those after it.

        Raises:
            Untrainable: there is not even memory for one block; the weights are as they were before the call.
        """
        batch = self.batches.batch(step)
        while (sums := self._accumulate(step, batch)) is None:
            self._halve(step)
        loss, num_targets = self.processes.sums([float(sums[0])])[0], sums[1]
        rate = learning_rate(self.config.training, step, self.total_steps)

        # The norm is that of the true gradients, so a scaled one is unscaled before it is clipped.
        self.scaler.unscale_(self.optimizer)
        norm = self._clip()
        is_applied = math.isfinite(loss) and math.isfinite(norm)
        is_bad = not is_applied and not self._is_scale_to_blame(loss)
        if is_applied:
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.scaler.step(self.optimizer)
        if self.scaler.is_enabled():
            self.scaler.update()
        return StepResult(step, loss, rate, norm, num_targets, self.micro_batch_size, is_applied, is_bad)

    def _accumulate(self, step: int, batch: Batch) -> tuple[Tensor, int] | None:
        """Gradients of the mean over the tokens of the global batch: each micro-batch adds its share of the sum.

        Returns:
            This process's share of the loss, and the number of target tokens; None where memory ran out.
        """
        num_targets = count_targets(batch.labels)
        if not self.model.training:
            self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        try:
            share = self.processes.share(len(batch.input_ids))
            for first, micro_batch in batch.micro_batches(self.micro_batch_size, share):
                seed_generators(derived_seed(self.config.random_seed, "step", step, first), self.device)
                with self.parallel.accumulation(is_last=first + self.micro_batch_size >= share.stop):
                    loss = self._loss_sum(micro_batch, self.parallel.forward)[0] / max(1, num_targets)
                    self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        return total, num_targets

    def _halve(self, step: int) -> None:
        """Give back what the failed attempt holds, and take half as many blocks at a time from now on."""
        self.optimizer.zero_grad(set_to_none=True)
        gc.collect()
        if self.device.type == "cuda":  # gpu-only
            torch.cuda.empty_cache()
        if self.processes.count > 1:
            raise FoundryError(
                f"step {step}: there is not enough memory on {self.device} for {self.micro_batch_size} blocks at a "
                "time; lower data.batch_size and raise training.gradient_accumulation_steps by as much. "
                "The checkpoints are whole"
            )
        if self.micro_batch_size == 1:
            data = self.config.data
            raise Untrainable(
                f"step {step}: there is not enough memory on {self.device} for one block of "
                f"{data.max_sequence_length} tokens; lower data.max_sequence_length or the model's size, or set "
                "training.use_gradient_checkpointing. The checkpoints are whole"
            )
        self.micro_batch_size = (self.micro_batch_size + 1) // 2

    @torch.no_grad()
    def validation_loss(self, validation: BlockDataset) -> float:
        """Mean cross-entropy over the target tokens of `validation`, in nats, without dropout.

        Raises:
            Untrainable: it is not finite, or there is no target.
        """
        self.model.eval()
        losses, counts = self._validation_sums(validation)
        total, num_targets = 0.0, 0
        for loss, count in zip(losses, counts, strict=True):
            total += loss
            num_targets += int(count)
        if num_targets == 0:
            raise Untrainable(
                "no token of the validation blocks counts in a loss; raise data.max_validation_blocks or add text"
            )
        if not math.isfinite(total):
            raise Untrainable(
                f"the validation loss is {total / num_targets}: the weights have diverged, and are not checkpointed. "
                "Lower training.learning_rate"
            )
        return total / num_targets

    def _validation_sums(self, validation: BlockDataset) -> tuple[list[float], list[float]]:
        """Summed loss and number of targets of each batch of `validation`, computed by the processes in turn.

        Where a pass through the model is an affair of all processes, those without a batch of their own in the last
        round join in with one whose result is not counted.
        """
        batches = sequential_batches(validation, self.micro_batch_size, self.config.data.max_validation_blocks)
        losses, counts = [], []
        for number, batch in enumerate(batches):
            is_mine = number % self.processes.count == self.processes.rank
            loss, count = self._loss_sum(batch, self.model) if is_mine else (0.0, 0)
            losses.append(float(loss))
            counts.append(float(count))
        if self.parallel.is_sharded and 0 < len(losses) % self.processes.count <= self.processes.rank:
            self._loss_sum(batch, self.model)
        return self.processes.sums(losses), self.processes.sums(counts)

    def _loss_sum(self, batch: Batch, model: nn.Module) -> tuple[Tensor, Tensor]:
        return batch_loss(model, batch, self.device, self.amp_dtype)

    def _clip(self) -> float:
        """Scale the gradients down to `max_grad_norm`; the norm they had before."""
        limit = self.config.training.max_grad_norm
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        norm = self.parallel.whole(nn.utils.get_total_norm(gradients))
        nn.utils.clip_grads_with_norm_(parameters, math.inf if limit is None else limit, norm)
        return float(norm)

    def _is_scale_to_blame(self, loss: float) -> bool:
        """float16 gradients overflow now and then: the scaler leaves such a step out, and scales less from then on."""
        return self.scaler.is_enabled() and math.isfinite(loss) and self.scaler.get_scale() > SMALLEST_LOSS_SCALE


def batch_loss(
    model: nn.Module, batch: Batch, device: torch.device, amp_dtype: torch.dtype | None
) -> tuple[Tensor, Tensor]:
    """The summed loss of a batch and its number of targets, see `loss_sum`.

    Args:
        amp_dtype: what autocast computes in; None computes in the type of the weights.
    """
    input_ids_BL = batch.input_ids.to(device, non_blocking=True)
    labels_BL = batch.labels.to(device, non_blocking=True)
    positions = batch.position_ids
    position_ids_BL = None if positions is None else positions.to(device, non_blocking=True)
    with torch.autocast(device.type, dtype=amp_dtype, enabled=amp_dtype is not None):
        return loss_sum(model, input_ids_BL, labels_BL, position_ids_BL)


def amp_dtype_of(config: ExperimentConfig) -> torch.dtype | None:
    """What autocast computes in; None where it is not used."""
    dtype = computing_dtype(config)
    return None if dtype == torch.float32 else dtype


def count_targets(labels_BL: Tensor) -> int:
    """How many tokens of a batch are predicted: all but the first of each row, those without a label left out."""
    return int((labels_BL[:, 1:] != IGNORED_LABEL).sum())
