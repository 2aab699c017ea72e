"""The verbs of the acceptance suite: `foundry accept` and `foundry report`."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from foundry.errors import UserError

MERGE = "merge"
MAX_SEED = 1_000_000


def accept(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FEATURES]...", help="Files or folders; or `merge` and the folders of all shards."),
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tags", metavar="EXPRESSION", help="Only scenarios with these tags; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where report, record and history are written.")] = Path(
        "release"
    ),
    results: Annotated[Path, typer.Option(metavar="FOLDER", help="Where Allure's results are written.")] = Path(
        "allure-results"
    ),
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Processes that run scenarios side by side; default is 2, with --config 1."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="A scenario that takes longer is killed, and broken.")
    ] = 900.0,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only the I-th of N parts of the suite, for several hosts.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Run in the shuffled order that belongs to N.")
    ] = None,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Run in a shuffled order, and print its seed.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Begin nothing more after a failure.")] = False,
    last_failed: Annotated[
        bool, typer.Option("--last-failed", help="Only the scenarios that were not kept in the last run.")
    ] = False,
    config: Annotated[
        str, typer.Option(metavar="FILE", help="Try this experiment; without paths and --tags, @contract scenarios.")
    ] = "",
    repository: Annotated[
        str, typer.Option(metavar="PATH_OR_URL", help="Train on this git repository instead of the one in --config.")
    ] = "",
    model: Annotated[
        str, typer.Option(metavar="RUN_OR_MODEL", help="Look at this model instead of the one that is made for trial.")
    ] = "",
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="Where @contract scenarios compute: auto, cpu, cuda.")
    ] = "",
) -> None:
    """Run the acceptance suite and write its report; the exit code is 0 only where every promise is kept.

    With --config it tries the promises on an experiment of yours: @contract scenarios train it for a few steps
    (acceptance.steps), and hold the model to the limits in its section acceptance.

    \b
    Examples:
      foundry accept
      foundry accept features/training --tags=@critical
      foundry accept --tags="@gpu and not @slow" --workers 4 --out gpu
      foundry accept --last-failed
      foundry accept --config my.yaml --repository ../my-project
      foundry accept --config my.yaml --model runs/my-0123456789ab --tags "@contract and @critical"
      foundry accept --shard 2/5 --out shard-2; foundry accept merge shard-*
    """
    with _acceptance_extra():
        from foundry.acceptance.contract import CONTRACT_TAG, ContractOptions
        from foundry.acceptance.merging import merge
        from foundry.acceptance.runner import DEFAULT_WORKERS, Request
        from foundry.acceptance.runner import accept as run_suite
        from foundry.acceptance.shards import parse_shard
    if paths and paths[0] == MERGE:
        raise typer.Exit(merge([Path(folder) for folder in paths[1:]], results, out))
    request = Request(
        paths=tuple(paths or ["features"]),
        tags=tuple(tags or ([f"@{CONTRACT_TAG}"] if config and not paths else [])),
        results=results,
        out=out,
        workers=workers or (1 if config else DEFAULT_WORKERS),
        timeout=timeout,
        shard=parse_shard(shard) if shard is not None else None,
        seed=random.randrange(MAX_SEED) if shuffle and seed is None else seed,
        fail_fast=fail_fast,
        last_failed=last_failed,
        contract=ContractOptions(config, repository, model, device),
    )
    raise typer.Exit(run_suite(request))


def report(
    results: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="The folder with Allure's results.")] = Path(
        "allure-results"
    ),
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="The page to write.")] = Path(
        "report.html"
    ),
) -> None:
    """Write the report of the scenarios that `foundry accept` or `behave` ran last, as one page.

    \b
    Examples:
      foundry report
      foundry report allure-results --output report.html
    """
    with _acceptance_extra():
        from foundry.acceptance.report import build_report
    print(f"report: {build_report(results, output).resolve()}")


@contextlib.contextmanager
def _acceptance_extra() -> Iterator[None]:
    """Explain what to install where the libraries of the acceptance suite are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"the acceptance suite needs {error.name}; install it with `pip install 'foundry-lm[acceptance]'`"
        ) from error
