"""The verbs of the acceptance suite: `foundry accept` and `foundry report`."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from foundry.errors import UserError

MERGE = "merge"
MERGE_PARAMETERS = ("paths", "out", "results", "gate")
MAX_SEED = 1_000_000


def accept(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FEATURES]...", help="Files or folders; or `merge` and the folders of all shards."),
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tags", metavar="EXPRESSION", help="Only scenarios with these tags; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the bundle for the release is written.")] = Path(
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
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Measure which lines and branches of the product are executed.")
    ] = False,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 1 where anything is worse than in the last run like this one.")
    ] = False,
    modules: Annotated[
        str | None, typer.Option(metavar="I/N", help="With --coverage: measure only the I-th of N groups of modules.")
    ] = None,
    preflight_only: Annotated[bool, typer.Option("--preflight-only", help="Only look at the machine.")] = False,
    planted_faults: Annotated[
        bool,
        typer.Option(
            "--planted-faults", help="Then break the product on purpose; some scenario must notice each time."
        ),
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="With --planted-faults: the time for that, and for random mutants: 90s, 10m."
        ),
    ] = None,
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
      foundry accept --coverage
      foundry accept --planted-faults --budget 10m
      foundry accept --coverage --gate
      foundry accept --config my.yaml --repository ../my-project
      foundry accept --config my.yaml --model runs/my-0123456789ab --tags "@contract and @critical"
      foundry accept --shard 2/5 --out shard-2; foundry accept merge shard-*
      foundry accept --preflight-only
    """
    with _acceptance_extra():
        from foundry.acceptance.contract import CONTRACT_TAG, ContractOptions
        from foundry.acceptance.faults.budget import budget_seconds
        from foundry.acceptance.merging import merge
        from foundry.acceptance.runner import DEFAULT_WORKERS, Request
        from foundry.acceptance.runner import accept as run_suite
        from foundry.acceptance.shards import parse_shard
    if preflight_only:
        _show_machine(tags or [], out, workers or DEFAULT_WORKERS)
        return
    if paths and paths[0] == MERGE:
        _refuse_options_of_runs(context)
        raise typer.Exit(merge([Path(folder) for folder in paths[1:]], results, out, gate=gate))
    if modules is not None and not coverage:
        raise UserError(f"--modules {modules}: says what --coverage measures; add --coverage")
    if budget is not None and not planted_faults:
        raise UserError(f"--budget {budget}: is the time for planted faults; add --planted-faults")
    _refuse_parts_of_parts(shard, modules, planted_faults)
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
        coverage=coverage,
        gate=gate,
        modules=parse_shard(modules, "--modules") if modules is not None else None,
        planted_faults=planted_faults,
        budget=budget_seconds(budget) if budget is not None else None,
        contract=ContractOptions(config, repository, model, device),
    )
    raise typer.Exit(run_suite(request))


def _refuse_parts_of_parts(shard: str | None, modules: str | None, planted_faults: bool) -> None:
    """What is asked of a part must be something that `merge` can put together."""
    if modules is not None and shard is not None:
        raise UserError(f"--modules {modules}: goes with a run of all scenarios; leave --shard out")
    if planted_faults and (shard or modules):
        part = f"--shard {shard}" if shard else f"--modules {modules}"
        raise UserError(
            f"--planted-faults: goes with a run of the whole, for shards are merged without it; leave {part} out"
        )


def _show_machine(tags: Sequence[str], out: Path, workers: int) -> None:
    """Print every check of the machine, and refuse it as a run would."""
    from foundry.acceptance.checks.check import as_lines
    from foundry.acceptance.preflight import preflight, refuse_what_is_missing

    checks = preflight(tags, out=out, workers=workers)
    print("\n".join(as_lines(checks)))
    refuse_what_is_missing(checks)


def _refuse_options_of_runs(context: typer.Context) -> None:
    """Shards are what they are: the options of a run mean nothing when they are merged."""
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name not in MERGE_PARAMETERS and source is not None and source.name == "COMMANDLINE":
            raise UserError(
                f"{parameter.opts[0]}: shards are merged as they ran; `merge` takes only --out, --results and --gate"
            )


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
