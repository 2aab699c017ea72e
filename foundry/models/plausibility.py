"""Whether a description and the weights beside it can belong together, judged before memory is taken for the model.

A few bytes of configuration can describe a model of a billion layers. The weights of a model take space on disk,
so that a file's header and size bound what may be built for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from foundry.config_model import ModelConfig
from foundry.errors import FoundryError
from foundry.models.factory import count_parameters
from foundry.untrusted import read_json, require_regular_files

MAX_CONFIG_BYTES = 10_000_000
PARAMETERS_PER_BYTE = 4
"""The most that quantised weights hold in a byte."""
LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_decoder_layers", "decoder_layers")
WIDTH_KEYS = ("vocab_size", "hidden_size", "n_embd", "d_model", "dim", "intermediate_size", "n_inner", "ffn_dim")


def require_weights_for(config: ModelConfig, vocab_size: int, max_sequence_length: int, weights: Path) -> None:
    """Check that the file holds enough for the model that `config` describes.

    Args:
        weights: the file, or a folder with its parts.

    Raises:
        FoundryError: it does not, or is no safetensors file.
    """
    num_tensors, num_bytes = _stored_in(sorted(weights.glob("*.safetensors")) if weights.is_dir() else [weights])
    width = config.embedding_size or config.hidden_size
    at_least = max(vocab_size * width, config.layers * config.hidden_size)
    if config.layers <= num_tensors and at_least <= num_bytes:  # few enough to be counted one by one
        at_least = count_parameters(config, vocab_size, max_sequence_length).total
    if config.layers > num_tensors or at_least > num_bytes:
        raise FoundryError(
            f"{weights}: {num_tensors:,} tensors in {num_bytes:,} bytes are too few for the model that the "
            f"configuration beside it describes: {config.layers:,} layers, {at_least:,} parameters"
        )


def require_weights_beside(folder: Path) -> None:
    """Check that the safetensors files of a Hugging Face folder hold enough for what its `config.json` describes.

    Raises:
        OSError, ValueError: it does not; says why.
    """
    require_regular_files(folder)
    config = read_json(folder / "config.json", MAX_CONFIG_BYTES, follow_link=True)
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise ValueError("the folder holds no weights as safetensors, and no other kind is loaded")
    num_tensors, num_bytes = _stored_in(paths)
    for key, number in _numbers(config):
        limit = num_tensors if key in LAYER_KEYS else num_bytes * PARAMETERS_PER_BYTE if key in WIDTH_KEYS else None
        if limit is not None and number > limit:
            raise ValueError(
                f"config.json: {key} {number:,} is more than the {num_bytes:,} bytes of weights can be for"
            )


def _numbers(config: Any) -> list[tuple[str, int]]:
    if not isinstance(config, dict):
        raise ValueError("config.json must hold an object")
    found = [(key, value) for key, value in config.items() if isinstance(value, int)]
    return found + [pair for value in config.values() if isinstance(value, dict) for pair in _numbers(value)]


def _stored_in(paths: list[Path]) -> tuple[int, int]:
    """How many tensors some files hold, of which each may hold a part of one, and their size in bytes."""
    names: set[str] = set()
    for path in paths:
        try:
            with safe_open(path, "pt") as opened:
                names.update(opened.keys())
        except (OSError, SafetensorError) as error:
            raise FoundryError(f"{path} is not a whole safetensors file: {error}") from error
    return len(names), sum(path.stat().st_size for path in paths)
