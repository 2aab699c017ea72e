"""Weights on disk: safetensors only, whole or not at all, each shared matrix stored once."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from foundry import files
from foundry.errors import FoundryError
from foundry.manifests import WEIGHTS_NAME
from foundry.tensor_files import read_tensors, write_tensors


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the model's weights to one safetensors file, in one rename."""
    with files.new_file(path) as new:
        write_tensors(new, stored_tensors(model))


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill the model with the weights that `save_weights` wrote for a model of the same shape.

    Args:
        path: the file; or, in a verified checkpoint, the folder with its parts.

    Raises:
        FoundryError: the file is missing, is no safetensors file, or holds other names or shapes. The model is
            unchanged.
    """
    try:
        if path.is_dir():
            from foundry.tensor_shards import read_file_in_parts

            read_file_in_parts(path.parent, WEIGHTS_NAME, stored_tensors(model))
        else:
            read_tensors(path, stored_tensors(model))
    except ValueError as problem:
        raise FoundryError(f"{path.parent}: {problem}") from None


def stored_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's own tensors by name; of the names of a shared one only the first.

    Of a model with an adapter, what is trained: the base is not ours to keep.
    """
    if hasattr(model, "peft_config"):
        from foundry.models.adapter import adapter_tensors

        return adapter_tensors(model)
    state = model.state_dict()
    parameters = dict(model.named_parameters(remove_duplicate=False))
    first_names: dict[int, str] = {}
    for name, tensor in state.items():
        first_names.setdefault(id(parameters.get(name, tensor)), name)
    return {name: state[name] for name in first_names.values()}
