"""The verb that hands a fine-tuned model to other libraries, and the numbers of a model before it is trained."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from foundry.terminal import aligned


def export(
    reference: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run folder, or a published model.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder.")],
    merge: Annotated[bool, typer.Option("--merge", help="Add the adapter to the unquantised base.")] = False,
    dtype: Annotated[
        str, typer.Option(metavar="TYPE", help="Of the merged weights: float32, bfloat16 or float16.")
    ] = "float32",
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Where the pretrained model of the adapter is now.")
    ] = None,
) -> None:
    """Write a fine-tuned model for other libraries: its adapter in the form of peft, or merged for transformers.

    \b
    Examples:
      foundry export runs/smollm2-qlora-0123456789ab --output adapter
      foundry export runs/smollm2-qlora-0123456789ab --output merged --merge --dtype bfloat16
    """
    from foundry.artifacts.download import Fetching
    from foundry.exporting import export_model

    export_model(reference, output, Fetching(), merge=merge, number_format=dtype, base=base)
    print(f"{'merged model' if merge else 'adapter'}: {output}")
    if merge:
        print(f'\nnext:\n  foundry generate {shlex.quote(str(output))} --prompt "def "')


def print_model_numbers(reference: str, overrides: list[str], as_json: bool) -> None:
    """Print how large a model is, and what training it takes.

    Args:
        reference: an experiment's file, or what `model.pretrained` takes.
    """
    from foundry.evaluation.model_table import experiment_of, table
    from foundry.models.pretrained import require_libraries

    config = experiment_of(reference, overrides)
    require_libraries(config.model, config.lora is not None)
    from foundry.models.memory import model_numbers

    numbers = model_numbers(config)
    content = {"model": config.model.pretrained, **numbers.as_dict()}
    print(json.dumps(content, indent=2) if as_json else aligned(table(config, numbers)))
