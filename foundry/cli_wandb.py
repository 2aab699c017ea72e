"""The verbs that finish what could not be sent while a run was trained: `foundry publish` and `foundry sync`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundry.terminal import aligned

if TYPE_CHECKING:
    from foundry.training.events import Listener

SILENT_SECONDS = 2.0


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


def sync(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs that nobody trains now.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor what was sent.")] = False,
) -> None:
    """Send the metrics of a run to Weights & Biases that it does not hold yet, and how the run has ended.

    For runs that were trained offline (wandb.mode), while the service was out of reach, or without tracking
    (logging.use_wandb). What is there already is not sent again.

    \b
    Examples:
      foundry sync runs/tiny-0123456789ab
      foundry sync runs/tiny-*
    """
    from foundry.progress import shown_progress
    from foundry.syncing import sync_run
    from foundry.training.signals import left_at_once

    for folder in runs:
        with shown_progress(quiet) as listen, left_at_once():
            synced = sync_run(folder, _sent(listen))
        if not quiet:
            what = f"sent {synced.rows:,} rows" if synced.rows else "nothing was missing"
            print(f"{folder}: {what}; {synced.url}")


def _sent(listen: Listener) -> Callable[[int, int], None]:
    """Tells a listener how much is sent, once the whole has lasted so long that a user may wonder."""
    from foundry.training.events import Transferred

    begun = time.monotonic()

    def tell(done: int, total: int) -> None:
        if time.monotonic() - begun >= SILENT_SECONDS:
            listen(Transferred("sent", done, total))

    return tell
