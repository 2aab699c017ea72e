"""How much memory training takes, found out without taking it.

A training step is traced on tensors that have a shape and a device but no memory (torch's fake tensors). What the
backward pass will need is seen as it is saved, whatever the architecture; what else is alive at the worst moment is
one block's intermediate results, one matrix out of its bits, and one piece of logits.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from foundry.config import ExperimentConfig
from foundry.hardware import computing_dtype
from foundry.models.adapter import AdaptedLinear, add_adapter
from foundry.models.description import described_model
from foundry.models.factory import enable_gradient_checkpointing
from foundry.models.loading import held_dtype
from foundry.models.loss import PIECE_LOGITS

BITS = {"fp32": 32, "fp16": 16, "int8": 8, "nf4": 4}
SCALE_BITS = {True: 8 / 64 + 32 / (64 * 256), False: 32 / 64}
"""What the scales of 4-bit numbers add to each of them, in bits: quantised again, or as they are."""
ALLOCATOR_SHARE = 0.2
"""What rounding, holes and scratch space of matrix products add to activations and working memory, as measured."""
ADAM_NUMBERS = 2
"""AdamW keeps two for each trainable parameter."""


@dataclass(frozen=True)
class ModelNumbers:
    """The size of a model and of its training, in parameters and bytes.

    Attributes:
        total_parameters: of the base, each shared matrix counted once; the adapter is not among them.
        trainable_parameters: what the optimizer updates.
        weight_bytes: of all base weights at each precision, in theory.
        held_bytes: of the base as this experiment holds it: quantised matrices with their scales, the rest in the
            computing type.
        adapter_bytes, gradient_bytes, optimizer_bytes: of the trainable weights, in float32.
        activation_bytes: saved for the backward pass of one micro-batch.
        working_bytes: alive for a moment beside them.
    """

    total_parameters: int
    trainable_parameters: int
    weight_bytes: dict[str, int]
    held_bytes: int
    adapter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    working_bytes: int

    @property
    def trainable_percent(self) -> float:
        """Trainable parameters in per cent of the unquantised total."""
        return 100 * self.trainable_parameters / self.total_parameters

    @property
    def training_bytes(self) -> int:
        """The most that training takes at a time, the program itself left out."""
        fixed = self.held_bytes + self.adapter_bytes + self.gradient_bytes + self.optimizer_bytes
        return fixed + self.activation_bytes + self.working_bytes + self.allocator_bytes

    @property
    def allocator_bytes(self) -> int:
        """What the allocator takes beside what it was asked for."""
        return int(ALLOCATOR_SHARE * (self.activation_bytes + self.working_bytes))

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self) | {
            "allocator_bytes": self.allocator_bytes,
            "training_bytes": self.training_bytes,
            "trainable_percent": round(self.trainable_percent, 4),
        }


def model_numbers(config: ExperimentConfig) -> ModelNumbers:
    """The numbers of an experiment that begins with a pretrained model.

    Raises:
        UserError: there is no such model, or `lora.target_modules` match nothing.
        FoundryError: its configuration cannot be read.
    """
    assert config.model.pretrained is not None
    dtype = held_dtype(config.model, config.lora)
    model = described_model(config.model.pretrained, config.model.revision, dtype=dtype)
    head = cast(Any, model).get_output_embeddings()
    quantizable = sum(
        layer.weight.numel() for layer in model.modules() if type(layer) is nn.Linear and layer is not head
    )
    total = sum(parameter.numel() for parameter in model.parameters())
    held = _held_bytes(config, total, quantizable)
    if config.lora is not None:
        add_adapter(model, config.lora, dtype)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    activations = _saved_bytes(model, config)
    num_trainable = sum(parameter.numel() for parameter in trainable)
    adapter = 4 * num_trainable if config.lora is not None else 0
    return ModelNumbers(
        total_parameters=total,
        trainable_parameters=num_trainable,
        weight_bytes={name: total * bits // 8 for name, bits in BITS.items()},
        held_bytes=held,
        adapter_bytes=adapter,
        gradient_bytes=4 * num_trainable,
        optimizer_bytes=ADAM_NUMBERS * 4 * num_trainable,
        activation_bytes=activations,
        working_bytes=_working_bytes(model, config),
    )


def _held_bytes(config: ExperimentConfig, total: int, quantizable: int) -> int:
    element = held_dtype(config.model, config.lora).itemsize
    if config.model.quantization == "none":
        return total * element
    bits = 8.0 if config.model.quantization == "int8" else 4 + SCALE_BITS[config.model.double_quantization]
    return int(quantizable * bits / 8) + (total - quantizable) * element


def _saved_bytes(model: nn.Module, config: ExperimentConfig) -> int:
    """Bytes that autograd keeps for the backward pass of one micro-batch; what the model holds anyway is left out.

    Where the loss is computed in pieces, no logits are kept, and the pass ends with the hidden states.
    """
    if config.training.use_gradient_checkpointing:
        enable_gradient_checkpointing(model)
    model.train()
    body = cast(Any, model).get_decoder() if config.lora is not None else model
    dtype = computing_dtype(config)
    with FakeTensorMode():
        tensors = {
            name: torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu", requires_grad=tensor.requires_grad)
            for name, tensor in [*body.named_parameters(), *body.named_buffers()]
        }
        saved = _SavedStorages(tensors.values())
        ids_BL = torch.zeros((config.data.batch_size, config.data.max_sequence_length - 1), dtype=torch.int64)
        with saved.watching(), torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            output = torch.func.functional_call(body, tensors, kwargs={"input_ids": ids_BL, "use_cache": False})
            if config.lora is None:
                output.logits.float().logsumexp(dim=-1).sum()
        return saved.num_bytes


class _SavedStorages:
    """The memory of tensors that autograd saves, each counted once, and not what is `held` anyway."""

    def __init__(self, held: Iterable[Tensor]) -> None:
        self._held = {_place_of(tensor) for tensor in held}
        self._saved: dict[int, Tensor] = {}

    def watching(self) -> AbstractContextManager[None]:
        """Notice what is saved while the block runs."""
        hooks: AbstractContextManager[None] = torch.autograd.graph.saved_tensors_hooks(
            self._note, lambda tensor: tensor
        )
        return hooks

    def _note(self, tensor: Tensor) -> Tensor:
        place = _place_of(tensor)
        if place not in self._held:
            self._saved.setdefault(place, tensor)  # kept alive, so that no other storage takes its place
        return tensor

    @property
    def num_bytes(self) -> int:
        return sum(tensor.untyped_storage().nbytes() for tensor in self._saved.values())


def _place_of(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _working_bytes(model: nn.Module, config: ExperimentConfig) -> int:
    """The matrix in use, a gradient of the widest layer, and a piece of logits with its gradient."""
    element = computing_dtype(config).itemsize
    head = cast(Any, model).get_output_embeddings()
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear | AdaptedLinear) and layer is not head]
    largest = max((layer.in_features * layer.out_features for layer in layers), default=0)
    widest = max((max(layer.in_features, layer.out_features) for layer in layers), default=0)
    tokens = config.data.batch_size * (config.data.max_sequence_length - 1)
    piece = min(PIECE_LOGITS, tokens * head.out_features)
    return int(element * (largest + 4 * tokens * widest) + piece * (4 + 4 + element))
