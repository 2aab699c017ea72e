"""Weights on disk: safetensors only, whole or not at all, each shared matrix stored once."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from foundry import files
from foundry.errors import FoundryError


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the model's weights to one safetensors file, in one rename."""
    files.write_bytes(path, save({name: tensor.contiguous() for name, tensor in _stored_tensors(model).items()}))


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill the model with the weights of a file that `save_weights` wrote for a model of the same shape.

    Raises:
        FoundryError: the file is missing, is no safetensors file, or holds other names or shapes. The model is
            unchanged.
    """
    try:
        stored = load(path.read_bytes())
    except OSError as error:
        raise FoundryError(f"cannot read the weights {path}: {error.strerror}") from error
    except SafetensorError as error:
        raise FoundryError(f"{path} is not a whole safetensors file: {error}") from error
    expected = _stored_tensors(model)
    _require_same_names(path, set(stored), set(expected))
    for name, tensor in expected.items():
        if stored[name].shape != tensor.shape:
            raise FoundryError(
                f"{path} holds {name} of shape {tuple(stored[name].shape)}, but the model needs {tuple(tensor.shape)}"
            )
    for name, tensor in expected.items():
        tensor.copy_(stored[name])


def _stored_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's own tensors by name; of those that share one storage only the first."""
    by_place: dict[tuple[int, int], str] = {}
    state = model.state_dict()
    for name, tensor in state.items():
        by_place.setdefault((tensor.data_ptr(), tensor.numel()), name)
    return {name: state[name] for name in by_place.values()}


def _require_same_names(path: Path, stored: set[str], expected: set[str]) -> None:
    if missing := sorted(expected - stored):
        raise FoundryError(f"{path} lacks {len(missing)} weights of this model, such as {missing[0]}")
    if surplus := sorted(stored - expected):
        raise FoundryError(f"{path} holds {len(surplus)} weights that this model has not, such as {surplus[0]}")
