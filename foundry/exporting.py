"""A fine-tuned model in the forms that other libraries load: an adapter for `peft`, or merged for `transformers`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from foundry import files
from foundry.artifacts.download import Fetching
from foundry.base_models import ADAPTER_CONFIG_NAME, ADAPTER_WEIGHTS_NAME
from foundry.errors import FoundryError, UserError
from foundry.evaluation.training_info import TRAINING_INFO_NAME, published_info, training_info
from foundry.model_files import ModelFiles, opened_model
from foundry.training.lifecycle import RECORD_NAME

NUMBER_FORMATS = ("float32", "bfloat16", "float16")
QUANTIZED = ("int8", "nf4", "fp4")


def export_model(
    reference: str, target: Path, how: Fetching, *, merge: bool, number_format: str, base: str | None
) -> None:
    """Write the model of a run or an artifact into `target`, which appears whole in one rename.

    Args:
        merge: add the adapter to the unquantised base; else only the adapter is written.
        number_format: of the merged weights, one of `NUMBER_FORMATS`.
        base: where the pretrained model is now, if not where the experiment said.

    Raises:
        UserError: there is no such model, or nothing to merge, or `target` exists, or the format cannot hold a merge.
        FoundryError: a file is damaged, or there is no room.
    """
    _require_number_format(number_format)
    if target.exists():
        raise UserError(f"--output: {target} exists already; name a new folder, or remove it")
    with opened_model(reference, how) as found, files.disk_failures_explained(target.parent):
        if found.base is None:
            raise UserError(
                f"{reference}: began with fresh weights, and export is for fine-tuned models; `foundry generate` "
                "reads it as it is"
            )
        place = Path(reference) if Path(reference).is_dir() else found.weights.parent
        with files.new_folder(target) as new:
            if merge or found.config.lora is None:
                _write_merged(found, new, number_format, base)
            else:
                _write_adapter(found, place, new)
            for path in sorted(found.tokenizer.iterdir()):
                shutil.copyfile(path, new / path.name)
            is_run = (place / RECORD_NAME).is_file()
            files.write_json(new / TRAINING_INFO_NAME, training_info(place) if is_run else published_info(place))


def _require_number_format(number_format: str) -> None:
    if number_format in QUANTIZED:
        raise UserError(
            f"--dtype {number_format}: an adapter is not merged into quantised weights, because rounding the sums to "
            "so few bits again would lose most of what was learned; merge in bfloat16, and quantise when loading"
        )
    if number_format not in NUMBER_FORMATS:
        raise UserError(f"--dtype {number_format}: must be one of {', '.join(NUMBER_FORMATS)}")


def _write_merged(found: ModelFiles, folder: Path, number_format: str, base: str | None) -> None:
    import torch
    from transformers.utils import logging

    from foundry.models.restoring import merged_model

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = cast(Any, merged_model(found, base).to(getattr(torch, number_format)))
    model.config.dtype = number_format
    save: Callable[..., None] = model.save_pretrained
    save(folder)


def _write_adapter(found: ModelFiles, place: Path, folder: Path) -> None:
    description = place / ADAPTER_CONFIG_NAME
    if not description.is_file():
        raise FoundryError(f"{description}: is missing; put it back from a copy")
    shutil.copyfile(description, folder / ADAPTER_CONFIG_NAME)
    shutil.copyfile(found.weights, folder / ADAPTER_WEIGHTS_NAME)
