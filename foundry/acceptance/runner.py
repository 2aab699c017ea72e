"""Runs the acceptance suite: selects, drives worker processes, records what became of the scenarios, and reports."""

from __future__ import annotations

import contextlib
import datetime
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

import foundry
from foundry import files
from foundry.acceptance.board import Board, show_summary
from foundry.acceptance.contract import ContractOptions, require_contract
from foundry.acceptance.coordinator import Coordinator
from foundry.acceptance.formatter import clear_results, history_id, place_of
from foundry.acceptance.history import HISTORY_NAME, History, read_history, write_history
from foundry.acceptance.ledger import Ledger
from foundry.acceptance.record import RECORD_NAME, AcceptanceRecord, write_record
from foundry.acceptance.report import build_report, source_version
from foundry.acceptance.schedule import Piece, expected_seconds, num_steps, pieces_of, shuffled
from foundry.acceptance.selection import SelectedFeature, narrowed, select
from foundry.acceptance.shards import Shard, in_shard
from foundry.acceptance.stopping import StopRequest
from foundry.acceptance.worker_process import WorkerSettings
from foundry.errors import UserError

DEFAULT_WORKERS = 2
DEFAULT_TIMEOUT = 900.0
RESULTS_NAME = "results"
"""The folder with Allure's results in what a shard leaves, for whoever merges the shards."""
REPORT_NAME = "report.html"


@dataclass(frozen=True)
class Request:
    """What an acceptance run is asked for.

    Attributes:
        results: the folder for Allure's results; those of an earlier run are removed.
        out: the folder for the record, the history and the report.
        timeout: the seconds that one scenario may take.
        seed: of a shuffled order; None runs what takes longest first.
        fail_fast: hand out nothing more after the first failure.
        last_failed: only what was not kept in the last run.
        contract: the experiment that `@contract` scenarios try.
    """

    paths: tuple[str, ...] = ("features",)
    tags: tuple[str, ...] = ()
    results: Path = Path("allure-results")
    out: Path = Path("release")
    workers: int = DEFAULT_WORKERS
    timeout: float = DEFAULT_TIMEOUT
    shard: Shard | None = None
    seed: int | None = None
    fail_fast: bool = False
    last_failed: bool = False
    contract: ContractOptions = field(default_factory=ContractOptions)


def accept(request: Request, console: Console | None = None) -> int:
    """Run the scenarios that are asked for, and write their record, the history and the report.

    Returns:
        0 where every selected scenario that can run here passed, 1 where one did not, 2 where none could run, 130 or
        143 where a signal ended the run early.

    Raises:
        UserError: there is no such feature, no scenario is selected, a tag is not on the list, or the history is
            unreadable, or what is named of the team's own is not there.
        FoundryError: the report cannot be built; everything else is done by then.
    """
    console = console or Console(highlight=False, soft_wrap=True)
    history = read_history(request.out / HISTORY_NAME)
    selected = _selected(request, history)
    clear_results(request.results)
    remove_bundle(request.out)
    stop = StopRequest()
    with _workspaces() as workspaces:
        record = _run(request, selected, history, workspaces, console, stop)
    show_summary(console, record, workspaces)
    write_bundle(record, request.results, request.out, history.with_run(record), console)
    return 128 + stop.signal_number if stop.signal_number else exit_code(record)


def _selected(request: Request, history: History) -> list[SelectedFeature]:
    request.contract.require_usable(Path())
    selected = select(request.paths, request.tags)
    require_contract(request.contract, selected)
    if request.last_failed:
        selected = _last_failed(selected, history, request.out / HISTORY_NAME)
    return in_shard(selected, request.shard) if request.shard else selected


def _last_failed(selected: list[SelectedFeature], history: History, path: Path) -> list[SelectedFeature]:
    if history.last is None:
        raise UserError(f"--last-failed: {path} tells of no earlier run; leave the option out")
    keys = {scenario.key for scenario in history.last.failed}
    again = narrowed(selected, lambda scenario: history_id(scenario) in keys)
    if not again:
        raise UserError(f"--last-failed: the last run in {path} has no failure among these; leave the option out")
    return again


def _run(
    request: Request,
    selected: list[SelectedFeature],
    history: History,
    workspaces: Path,
    console: Console,
    stop: StopRequest,
) -> AcceptanceRecord:
    began, started = time.monotonic(), datetime.datetime.now(datetime.UTC)
    scenarios = [scenario for item in selected for scenario in item.scenarios]
    length = expected_seconds(scenarios, history.seconds())
    pieces = _pieces(request, selected, history)
    num_workers = min(request.workers, len(pieces))
    ledger = Ledger(selected, Path.cwd())
    board = Board(console, ledger, {place_of(scenario): length(scenario) for scenario in scenarios})
    if request.seed is not None:
        console.print(f"in a shuffled order; again with --seed {request.seed}")
    request.results.mkdir(parents=True, exist_ok=True)
    with board.progress(num_workers), stop, files.temporary_folder(request.results.resolve(), "workers") as scratch:
        userdata = request.contract.as_userdata()
        settings = WorkerSettings(request.paths, request.tags, scratch, workspaces, request.fail_fast, userdata)
        run = Coordinator(pieces, ledger, board, request.results.resolve(), settings)
        run.run(num_workers, request.timeout, stop)
    return AcceptanceRecord(
        foundry=foundry.__version__,
        commit=source_version(Path.cwd()),
        python=platform.python_version(),
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        paths=request.paths,
        tags=request.tags,
        last_failed=request.last_failed,
        contract=request.contract.as_userdata(),
        shard=str(request.shard or ""),
        seed=request.seed,
        workers=num_workers,
        ended_early=run.ended_early,
        complaints=tuple(run.complaints),
        scenarios=tuple(ledger.in_order()),
    )


def _pieces(request: Request, selected: list[SelectedFeature], history: History) -> list[Piece]:
    """Balanced by measured seconds; where the order is shuffled by steps, so that the seed alone decides it."""
    if request.seed is not None:
        return shuffled(pieces_of(selected, num_steps, request.workers), request.seed)
    scenarios = [scenario for item in selected for scenario in item.scenarios]
    return pieces_of(selected, expected_seconds(scenarios, history.seconds()), request.workers)


def exit_code(record: AcceptanceRecord) -> int:
    """0 where all that could run passed, 1 where one did not or something else went wrong, 2 where none could run."""
    if record.failed or record.complaints or record.ended_early:
        return 1
    return 0 if record.counts["passed"] else 2


@contextlib.contextmanager
def _workspaces() -> Iterator[Path]:
    """A folder for the workspaces of scenarios; what failed ones leave there is kept, unless the run is broken off."""
    folder = Path(tempfile.mkdtemp(prefix="foundry-accept-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for empty in (*folder.iterdir(), folder):
        if not any(empty.iterdir()):
            empty.rmdir()


def remove_bundle(out: Path) -> None:
    """Remove what an earlier run has left in `out`, so that nothing of it passes for this run's; the history stays."""
    for name in (REPORT_NAME, RECORD_NAME):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / RESULTS_NAME, ignore_errors=True)


def write_bundle(record: AcceptanceRecord, results: Path, out: Path, history: History, console: Console) -> None:
    """Write into `out` what a run or merged shards leave: record, history, report, and a shard's results.

    Raises:
        FoundryError: the report cannot be built.
    """
    write_record(record, out / RECORD_NAME)
    write_history(history, out / HISTORY_NAME)
    if record.shard:
        shutil.copytree(results, out / RESULTS_NAME, ignore=shutil.ignore_patterns(".*"))
    about = {
        "Selection": record.selection,
        "Scenarios": str(len(record.scenarios)),
        "Processes": str(record.workers),
    }
    build_report(results, out / REPORT_NAME, about=about, say=console.print)
    console.print(f"report: {(out / REPORT_NAME).resolve()}")
