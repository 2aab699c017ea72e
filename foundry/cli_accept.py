"""The verbs of the acceptance suite: `foundry accept` and `foundry report`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from foundry.errors import UserError


def accept(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[FEATURES]...", help="Files or folders.")] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tags", metavar="EXPRESSION", help="Only scenarios with these tags; repeatable."),
    ] = None,
    report: Annotated[Path, typer.Option(metavar="PATH", help="Where the report is written.")] = Path("report.html"),
    results: Annotated[Path, typer.Option(metavar="FOLDER", help="Where Allure's results are written.")] = Path(
        "allure-results"
    ),
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes that run features side by side.")] = 2,
    preflight_only: Annotated[bool, typer.Option("--preflight-only", help="Only look at the machine.")] = False,
) -> None:
    """Run the acceptance suite and write its report; the exit code is 0 only where every promise is kept.

    \b
    Examples:
      foundry accept
      foundry accept features/training --tags=@critical
      foundry accept --tags="@gpu and not @slow" --report gpu.html
      foundry accept --preflight-only
    """
    with _acceptance_extra():
        if preflight_only:
            _show_machine(tags or [], report.parent, workers)
            return
        from foundry.acceptance.runner import accept as run_suite
    raise typer.Exit(run_suite(paths or ["features"], tags=tags or [], results=results, report=report, workers=workers))


def _show_machine(tags: Sequence[str], out: Path, workers: int) -> None:
    """Print every check of the machine, and refuse it as a run would."""
    from foundry.acceptance.checks.check import as_lines
    from foundry.acceptance.preflight import preflight, refuse_what_is_missing

    checks = preflight(tags, out=out, workers=workers)
    print("\n".join(as_lines(checks)))
    refuse_what_is_missing(checks)


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
