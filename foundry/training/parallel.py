"""One model trained by several processes: replicated (DDP) or sharded (FSDP2).

Either way each process computes the gradients of its share of the global batch, and the gradients are *summed*: the
loss of a micro-batch is already divided by the number of target tokens in the global batch.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from foundry.config import ExperimentConfig, TrainingConfig
from foundry.errors import UserError
from foundry.hardware import choose_device
from foundry.training.processes import Processes


class ParallelModel:
    """A model in one process, and what every strategy can do.

    Attributes:
        model: holds the parameters that the optimizer updates and the checkpoints name.
        forward: what is called in a training step; `model` itself, or a wrapper of it.
        is_sharded: whether each process holds only its part of every parameter.
    """

    is_sharded = False

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.forward = model

    def accumulation(self, is_last: bool) -> AbstractContextManager[None]:  # noqa: ARG002
        """Surrounds forward and backward pass of a micro-batch; gradients are summed over processes in the last."""
        return contextlib.nullcontext()

    def whole(self, norm: Tensor) -> Tensor:
        """A norm over all gradients, from one that this process may know in part."""
        return norm


class ReplicatedModel(ParallelModel):
    """Each process holds the whole model; `DistributedDataParallel` sums the gradients while they are computed."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.forward = self._wrapper = nn.parallel.DistributedDataParallel(model, **_without_buffers())
        self._wrapper.register_comm_hook(None, lambda _, bucket: _summed(bucket.buffer()))

    def accumulation(self, is_last: bool) -> AbstractContextManager[None]:
        """See `ParallelModel.accumulation`."""
        return contextlib.nullcontext() if is_last else self._wrapper.no_sync()


class ShardedModel(ParallelModel):
    """Each process holds a part of every parameter, of its gradient and of its optimizer state (FSDP2)."""

    is_sharded = True

    def __init__(self, model: nn.Module, device: torch.device, processes: Processes) -> None:
        super().__init__(model)
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard

        mesh = init_device_mesh(device.type, (processes.count,))
        for block in transformer_blocks(model):
            fully_shard(block, mesh=mesh)
        self._root = fully_shard(model, mesh=mesh)
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.set_gradient_divide_factor(1.0)
                module.set_force_sum_reduction_for_comms(True)  # gloo cannot multiply while it sums

    @contextlib.contextmanager
    def accumulation(self, is_last: bool) -> Iterator[None]:
        """See `ParallelModel.accumulation`."""
        self._root.set_requires_gradient_sync(is_last)
        yield

    def whole(self, norm: Tensor) -> Tensor:
        """See `ParallelModel.whole`."""
        from torch.distributed.tensor import DTensor

        return norm.full_tensor() if isinstance(norm, DTensor) else norm


def parallel_model(
    model: nn.Module, training: TrainingConfig, device: torch.device, processes: Processes
) -> ParallelModel:
    """`model`, which holds the same weights in every process, as `training.parallel` wants it trained.

    The optimizer is made afterwards, because sharding replaces the parameters.
    """
    if processes.count == 1:
        return ParallelModel(model)
    return ShardedModel(model, device, processes) if training.parallel == "fsdp" else ReplicatedModel(model)


def transformer_blocks(model: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer: the members of the largest list of modules in it, the outermost of equals."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return list(max(lists, key=_num_parameters, default=()))


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def device_of(training: TrainingConfig, processes: Processes) -> torch.device:
    """The device that this process computes on: each of several takes a GPU of its own.

    Raises:
        UserError: there is no such device, or too few of them, or several processes cannot use it.
    """
    if processes.count == 1:
        return choose_device(training.device)
    device = choose_device("cuda" if training.device.startswith("cuda:") else training.device)
    if training.device.startswith("cuda:") or device.type == "mps":
        raise UserError(
            f"training.device {training.device}: {processes.count} processes train on cpu or on cuda, where each "
            "takes a GPU of its own; use auto, cpu or cuda"
        )
    if device.type == "cuda":  # gpu-only
        if processes.local_rank >= torch.cuda.device_count():
            raise UserError(
                f"this machine has {torch.cuda.device_count()} CUDA devices, and process {processes.local_rank + 1} "
                "on it would need another; start no more processes than devices, or set training.device to cpu"
            )
        device = torch.device("cuda", processes.local_rank)
        torch.cuda.set_device(device)
    return device


def check_parallel(config: ExperimentConfig, processes: Processes) -> None:
    """Refuse what several processes cannot do.

    Raises:
        UserError: they cannot share the global batch equally, or shard gradients in float16.
    """
    if config.global_batch_size % processes.count:
        raise UserError(
            f"the global batch of {config.global_batch_size} blocks (data.batch_size * "
            f"training.gradient_accumulation_steps) must be divisible by the number of processes ({processes.count}); "
            "change one of them"
        )
    training = config.training
    if processes.count > 1 and training.parallel == "fsdp" and config.model.pretrained is not None:
        raise UserError(
            "training.parallel fsdp shards models that begin with fresh weights; a pretrained one is trained with ddp"
        )
    if processes.count > 1 and training.parallel == "fsdp" and training.use_amp and training.amp_dtype == "float16":
        raise UserError(
            "training.parallel fsdp trains in float32 or bfloat16, not in float16; set training.amp_dtype to bfloat16, "
            "or training.parallel to ddp"
        )


def _summed(gradients: Tensor) -> torch.futures.Future[Tensor]:
    """The gradients of all processes, added; `DistributedDataParallel` alone would take the mean."""
    from torch import distributed

    added: torch.futures.Future[list[Tensor]] = distributed.all_reduce(gradients, async_op=True).get_future()
    return added.then(lambda done: done.value()[0])


def _without_buffers() -> dict[str, Any]:
    """The option not to send buffers around in each pass: none of them changes. Its name depends on torch's version."""
    names = inspect.signature(nn.parallel.DistributedDataParallel.__init__).parameters
    return {"forward_sync_buffers" if "forward_sync_buffers" in names else "broadcast_buffers": False}
