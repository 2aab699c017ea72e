"""Weights on disk: safetensors only, whole or not at all, each shared matrix stored once."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from foundry import files
from foundry.errors import FoundryError
from foundry.tensor_files import read_tensors, write_tensors


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the model's weights to one safetensors file, in one rename."""
    with files.new_file(path) as new:
        write_tensors(new, stored_tensors(model))


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill the model with the weights of a file that `save_weights` wrote for a model of the same shape.

    Raises:
        FoundryError: the file is missing, is no safetensors file, or holds other names or shapes. The model is
            unchanged.
    """
    try:
        read_tensors(path, stored_tensors(model))
    except ValueError as problem:
        raise FoundryError(f"{path.parent}: {problem}") from None


def stored_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's own tensors by name; of those that share one storage only the first."""
    by_place: dict[tuple[int, int], str] = {}
    state = model.state_dict()
    for name, tensor in state.items():
        by_place.setdefault((tensor.data_ptr(), tensor.numel()), name)
    return {name: state[name] for name in by_place.values()}
