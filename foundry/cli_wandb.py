"""The verbs that finish what could not be sent while a run was trained: `foundry publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foundry.terminal import aligned


def publish(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs that have been trained.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor the table.")] = False,
) -> None:
    """Publish the best checkpoint of a trained run, where that was not done yet or has failed. Trains nothing.

    Goes to the store that the experiment names (artifacts.store), also where Weights & Biases was offline (wandb.mode)
    when it was trained. What is published already is not sent again.

    \b
    Examples:
      foundry publish runs/tiny-0123456789ab
      foundry publish runs/tiny-*
    """
    from foundry.evaluation.summary import RunSummary
    from foundry.progress import shown_progress
    from foundry.publishing import publish_run
    from foundry.training.signals import left_at_once

    for folder in runs:
        with shown_progress(quiet) as listen, left_at_once():
            publish_run(folder, listen)
        if not quiet:
            print(aligned(RunSummary.read(folder).facts()))
