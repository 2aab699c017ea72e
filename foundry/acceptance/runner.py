"""Runs the acceptance suite: selects, drives worker processes, records what became of the scenarios, and reports."""

from __future__ import annotations

import contextlib
import datetime
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console

import foundry
from foundry import files
from foundry.acceptance.board import Board, show_gate, show_summary
from foundry.acceptance.bundle import earlier_runs, keep_record, remove_bundle, write_bundle
from foundry.acceptance.contract import ContractOptions, require_contract
from foundry.acceptance.coordinator import Coordinator
from foundry.acceptance.coverage_run import coverage_run
from foundry.acceptance.faults.fault_run import FaultRun
from foundry.acceptance.formatter import clear_results, history_id, place_of
from foundry.acceptance.history import HISTORY_NAME, History
from foundry.acceptance.ledger import Ledger
from foundry.acceptance.preflight import on_a_fit_machine
from foundry.acceptance.record import AcceptanceRecord
from foundry.acceptance.report import source_version
from foundry.acceptance.schedule import Piece, expected_seconds, num_steps, pieces_of, shuffled
from foundry.acceptance.selection import SelectedFeature, narrowed, select
from foundry.acceptance.shards import Shard, in_shard
from foundry.acceptance.stopping import StopRequest
from foundry.acceptance.worker_process import WorkerSettings
from foundry.errors import UserError

DEFAULT_WORKERS = 2
DEFAULT_TIMEOUT = 900.0


@dataclass(frozen=True)
class Request:
    """What an acceptance run is asked for.

    Attributes:
        results: the folder for Allure's results; those of an earlier run are removed.
        out: the folder for the bundle.
        timeout: the seconds that one scenario may take.
        seed: of a shuffled order; None runs what takes longest first.
        fail_fast: hand out nothing more after the first failure.
        last_failed: only what was not kept in the last run.
        coverage: measure which lines of the product are executed.
        modules: of this group of modules alone.
        planted_faults: break the product afterwards, in every way that the catalogue knows, and see who notices.
        budget: the seconds for that; what the catalogue leaves of them goes to random mutants. None: no limit, none.
        gate: the quality gate decides on the exit code.
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
    coverage: bool = False
    modules: Shard | None = None
    planted_faults: bool = False
    budget: float | None = None
    gate: bool = False
    contract: ContractOptions = field(default_factory=ContractOptions)


def accept(request: Request, console: Console | None = None) -> int:
    """Run the scenarios that are asked for, and write the bundle.

    Returns:
        0 where every selected scenario that can run here passed, 1 where one did not or the gate is shut, 2 where none
        could run, 130 or 143 where a signal ended the run early.

    Raises:
        UserError: there is no such feature, no scenario is selected, a tag is not on the list, the history is
            unreadable, what is named of the team's own is not there, the folder for the bundle holds something else,
            or the machine lacks what every run needs.
        FoundryError: the report cannot be built; everything else is done by then.
    """
    console = console or Console(highlight=False, soft_wrap=True, emoji=False)
    say = partial(console.print, markup=False)
    prepared = coverage_run(request.modules) if request.coverage else contextlib.nullcontext()
    history = earlier_runs(request.out)
    selected, checks = on_a_fit_machine(
        lambda: _selected(request, history), request.tags, out=request.out, workers=request.workers, say=console.print
    )
    faults = FaultRun.asked_for(selected, request.workers, request.budget) if request.planted_faults else None
    clear_results(request.results)
    remove_bundle(request.out)
    stop = StopRequest()
    with prepared as coverage:
        with _workspaces() as workspaces, coverage.measuring() if coverage else contextlib.nullcontext():
            record = _run(request, selected, history, workspaces, console, stop)
        keep_record(record, request.out, history)
        if coverage:
            record = coverage.concluded(record, say)
        folder = coverage.folder if coverage else None
        if faults and not record.ended_early:
            with stop:
                record = faults.concluded(record, folder, request.results, stop, say)
        show_summary(console, record, workspaces)
        reasons = write_bundle(
            record,
            request.results,
            request.out,
            history,
            checks=[asdict(check) for check in checks],
            coverage=folder,
            faults=faults.figures_path if faults and record.faults else None,
            say=say,
        )
    show_gate(console, reasons, request.gate)
    console.print(f"bundle: {request.out.resolve()}")
    return 128 + stop.signal_number if stop.signal_number else exit_code(record, reasons if request.gate else ())


def _selected(request: Request, history: History) -> list[SelectedFeature]:
    request.contract.require_usable(Path())
    selected = select(request.paths, request.tags)
    require_contract(request.contract, selected)
    if request.shard:
        selected = in_shard(selected, request.shard)
    return _last_failed(selected, history, request.out / HISTORY_NAME) if request.last_failed else selected


def _last_failed(selected: list[SelectedFeature], history: History, path: Path) -> list[SelectedFeature]:
    if history.last is None:
        raise UserError(f"--last-failed: {path} tells of no earlier run; leave the option out")
    keys = history.not_kept()
    again = narrowed(selected, lambda scenario: history_id(scenario) in keys)
    if not again:
        raise UserError(f"--last-failed: {path} tells of no failure among these; leave the option out")
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
        settings = WorkerSettings(
            request.paths,
            request.tags,
            scratch,
            workspaces,
            fail_fast=request.fail_fast,
            trace_scenarios=request.coverage,
            userdata=request.contract.as_userdata(),
        )
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
        modules=str(request.modules or ""),
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


def exit_code(record: AcceptanceRecord, reasons: Sequence[str] = ()) -> int:
    """0 where all that could run passed, 1 where one did not or something else went wrong, 2 where none could run.

    Args:
        reasons: why the quality gate is shut, where it was asked for.
    """
    if record.failed or record.complaints or record.ended_early or (record.faults and record.faults.survived):
        return 1
    return int(bool(reasons)) if record.counts["passed"] else 2


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
