"""What a pretrained model is like, from its configuration alone: no weight is read, no memory taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from foundry.errors import FoundryError, UserError
from foundry.models.loading import require_own_architecture
from foundry.models.pretrained import CONFIG, HUB_NAME, PretrainedFiles, located


def described_model(reference: str, revision: str | None, **settings: Any) -> nn.Module:
    """The model of that reference on the meta device, with no memory behind its weights.

    Args:
        reference: what `model.pretrained` takes; a folder needs no more than `config.json` here.
        settings: for `from_config`, such as `dtype`.

    Raises:
        UserError: there is no such model.
        FoundryError: the hub cannot be reached, or the configuration cannot be read.
    """
    build: Callable[..., nn.Module] = AutoModelForCausalLM.from_config
    try:
        config = _config_of(reference, revision)
        with torch.device("meta"):
            return build(config, **settings)
    except FoundryError:
        raise
    except Exception as error:  # whatever a damaged file makes of the library's many readers
        raise FoundryError(f"{reference}: no model is described there: {' '.join(str(error).split())}") from error


def _config_of(reference: str, revision: str | None) -> Any:
    read: Callable[..., Any] = AutoConfig.from_pretrained
    folder = Path(reference).expanduser()
    if (folder / CONFIG).is_file():
        files = PretrainedFiles(reference, folder)
        require_own_architecture(files, files.config_dict())
        return read(folder, local_files_only=True, trust_remote_code=False)
    if not folder.exists() and HUB_NAME.fullmatch(reference) and not reference.endswith(".gguf"):
        return _from_hub(reference, revision)
    found: PretrainedFiles = located(reference, revision)
    return read(found.folder, gguf_file=found.gguf, local_files_only=True, trust_remote_code=False)


def _from_hub(name: str, revision: str | None) -> Any:
    read: Callable[..., Any] = AutoConfig.from_pretrained
    try:
        return read(name, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise UserError(
            f"{name}: is neither a folder with a {CONFIG} nor, as far as the model hub can be asked, a model there"
        ) from error
