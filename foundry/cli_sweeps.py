"""The verb that tries settings of an experiment: `foundry sweep`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundry.cli_runs import AsJson
from foundry.errors import FoundryError, UserError

if TYPE_CHECKING:
    from foundry.sweeps.study import SweepStudy
    from foundry.sweeps.summary import SweepSummary
    from foundry.sweeps.sweep import Sweep
    from foundry.training.events import Listener


def sweep(
    path: Annotated[Path, typer.Argument(metavar="SWEEP", help="A sweep's YAML file.")],
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes that train trials side by side.")] = 1,
    report: Annotated[bool, typer.Option("--report", help="Train nothing; show what has come of it so far.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the table at the end.")] = False,
    as_json: AsJson = False,
    worker: Annotated[int | None, typer.Option(hidden=True, help="Which of the processes this is.")] = None,
) -> None:
    """Try settings of an experiment, or go on with that where it was left; a sweep that is finished trains nothing.

    Each trial is a run of its own, which is used and gone on with as any run.

    \b
    Examples:
      foundry sweep configs/sweep.yaml
      foundry sweep configs/sweep.yaml --workers 2
      foundry sweep configs/sweep.yaml --report
    """
    from foundry.sweeps.sweep import load_sweep
    from foundry.training.processes import launched_processes
    from foundry.training.signals import left_at_once

    if launched_processes().count > 1:
        raise UserError("foundry sweep: starts processes itself; leave out torchrun, and use --workers")
    loaded = load_sweep(path)
    with _sweeps_extra(), left_at_once():
        if worker is not None:
            _work(loaded, worker, quiet)
        elif report:
            from foundry.sweeps.study import SweepStudy

            with SweepStudy.found(loaded) as study:
                _show(study, as_json)
        else:
            _launch(loaded, workers, quiet or as_json, as_json)


def _launch(loaded: Sweep, workers: int, quiet: bool, as_json: bool) -> None:
    """Bring the sweep to its end, and show what came of it."""
    from foundry.sweeps.study import SweepStudy
    from foundry.sweeps.summary import beginning
    from foundry.sweeps.work import work_on

    with SweepStudy.begun(loaded) as study:
        if not quiet:
            print(beginning(study), flush=True)
        if study.unfinished and workers > 1:
            _launch_workers(study, workers, quiet)
        elif study.unfinished:
            work_on(study, lambda number: _shown(study, number, quiet))
        _show(study, as_json)


def _launch_workers(study: SweepStudy, workers: int, quiet: bool) -> None:
    from foundry.sweeps.workers import run_workers

    codes = run_workers(study.sweep.path, workers, ["--quiet"] if quiet else [])
    if study.unfinished and any(codes):
        ends = ", ".join(f"worker {index} with {code}" for index, code in enumerate(codes) if code)
        raise FoundryError(f"{study.sweep.path}: not finished, because {ends} ended early; the same command goes on")


def _work(loaded: Sweep, index: int, quiet: bool) -> None:
    """What one of several workers does."""
    from foundry.sweeps.study import SweepStudy
    from foundry.sweeps.work import work_on
    from foundry.sweeps.workers import device_of_worker, parent_of_worker

    parent = parent_of_worker()
    device = device_of_worker(loaded.experiment.training.device, index)
    with SweepStudy.begun(loaded, parent) as study:
        work_on(study, lambda number: _shown_among_others(study, number, quiet), device)


@contextlib.contextmanager
def _shown(study: SweepStudy, number: int, quiet: bool) -> Iterator[Listener]:
    """Shows a trial that is trained in this process."""
    from foundry.progress import shown_progress
    from foundry.sweeps.summary import introduction, outcome

    if not quiet:
        print(f"\n{introduction(study, number)}", flush=True)
    with shown_progress(quiet) as listen:
        yield listen
    if not quiet:
        print(outcome(study, number), flush=True)


@contextlib.contextmanager
def _shown_among_others(study: SweepStudy, number: int, quiet: bool) -> Iterator[Listener]:
    """Shows a trial beside those of other processes that print to the same place: the number stands in each line."""
    from foundry.progress import PlainLines, shown_progress
    from foundry.sweeps.summary import introduction, outcome

    if quiet:
        with shown_progress(quiet) as listen:
            yield listen
        return
    print(introduction(study, number), flush=True)
    yield PlainLines(f"trial {number}: ")
    print(outcome(study, number), flush=True)


def _show(study: SweepStudy, as_json: bool) -> None:
    """Print what came of the sweep so far; for people, draw its page, too.

    Raises:
        FoundryError: every trial has come to its end, and none has a validation loss.
    """
    from foundry.sweeps.page import write_sweep_page
    from foundry.sweeps.summary import SweepSummary

    summary = SweepSummary.of(study)
    if as_json:
        print(json.dumps(summary.as_dict(), indent=2, ensure_ascii=False))
    else:
        print(_in_words(summary, write_sweep_page(summary)))
    if summary.best is None and summary.is_finished:
        raise FoundryError(f"{study.sweep.path}: no trial came to its end with a validation loss, see the reasons")


def _in_words(summary: SweepSummary, page: Path) -> str:
    parts = [summary.table(), f"{summary.counts()}\nplots: {page}"]
    if (best := summary.best) is not None:
        commands = "\n".join(f"  {command}" for command in summary.next_commands())
        parts.append(f"best: trial {best.number}, validation loss {best.loss:.4f}\n\nnext:\n{commands}")
    return "\n" + "\n\n".join(parts)


@contextlib.contextmanager
def _sweeps_extra() -> Iterator[None]:
    """Explain what to install where the libraries of sweeps are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("optuna", "sqlalchemy", "alembic"):
            raise
        raise UserError(f"a sweep needs {error.name}; install it with `pip install 'foundry-lm[sweeps]'`") from error
