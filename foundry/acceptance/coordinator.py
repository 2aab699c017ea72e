"""Hands pieces of the suite to worker processes, follows each scenario, and sees to it that none is lost."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundry.acceptance.board import Board
from foundry.acceptance.failure_details import innermost_place_in_log
from foundry.acceptance.formatter import place_of
from foundry.acceptance.ledger import Ledger, report_to_allure
from foundry.acceptance.record import Failure
from foundry.acceptance.schedule import Piece
from foundry.acceptance.stopping import StopRequest
from foundry.acceptance.worker import Outcome, complete_files
from foundry.acceptance.worker_process import WorkerProcess, WorkerSettings

TICK_SECONDS = 0.2
SECONDS_OUTSIDE_SCENARIOS = 600.0
"""For loading the suite, and for the hooks of features: more than any machine takes."""


class Coordinator:
    """One run of some pieces.

    Attributes:
        complaints: what went wrong outside the scenarios.
        ended_early: why scenarios did not run; empty where all did.
    """

    def __init__(
        self, pieces: Sequence[Piece], ledger: Ledger, board: Board, results: Path, settings: WorkerSettings
    ) -> None:
        self.complaints: list[str] = []
        self.ended_early = ""
        self._waiting = deque([place_of(scenario) for scenario in piece.scenarios] for piece in pieces)
        self._ledger = ledger
        self._board = board
        self._results = results
        self._settings = settings
        self._began = time.monotonic()
        self._workers: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()

    def run(self, num_workers: int, timeout: float, stop: StopRequest) -> None:
        """Run the pieces, until all have ended, or `stop` was asked for, or a failure ends a run that fails fast.

        Args:
            timeout: the seconds that one scenario may take.
        """
        try:
            for number in range(1, 1 + num_workers):
                self._start(number)
            while self._workers and not stop.signal_number:
                ready = {key.fileobj for key, _ in self._selector.select(TICK_SECONDS)}
                for worker in list(self._workers):
                    self._attend(worker, worker in ready, timeout)
                self._board.tick(self._workers)
        finally:
            for worker in self._workers:
                worker.kill()
                worker.remove_workspace()
            self._selector.close()
        if stop.signal_number:
            self.ended_early = f"interrupted by {stop.name}"
        self._account_for_the_rest()

    def _start(self, number: int, todo: Sequence[str] = ()) -> None:
        """Start a worker; `todo` is what its predecessor has left of its piece."""
        worker = WorkerProcess(number, self._settings, list(todo))
        self._workers.append(worker)
        self._selector.register(worker, selectors.EVENT_READ)

    def _attend(self, worker: WorkerProcess, is_ready: bool, timeout: float) -> None:
        has_ended = worker.has_ended  # looked at before its last news are read
        if is_ready or has_ended:
            for kind, content in worker.news():
                self._take(worker, kind, content)
        limit = timeout if worker.place else max(timeout, SECONDS_OUTSIDE_SCENARIOS)
        if has_ended:
            self._bury(worker)
        elif time.monotonic() - worker.since > limit:
            self._end_hanging(worker, limit)

    def _take(self, worker: WorkerProcess, kind: str, content: Any) -> None:
        if kind == "started":
            worker.begin(*content)
        elif kind == "step":
            worker.step = content
        elif kind == "ended":
            outcome, written = content
            self._note(worker, Outcome.model_validate(outcome))
            worker.keep_results(self._results, written)
        elif kind == "error":
            self._complain(content)
        elif kind == "ready":
            worker.keep_results(self._results, content)
            self._give_work(worker)

    def _give_work(self, worker: WorkerProcess) -> None:
        is_first, worker.is_ready = not worker.is_ready, True
        if worker.is_dismissed:
            return
        if worker.todo and not is_first:
            self._give_up(worker, Failure(kind="worker death", message="its worker did not say why"))
        if worker.todo or self._waiting:
            worker.order(worker.todo or self._waiting.popleft())
        else:
            worker.dismiss()

    def _note(self, worker: WorkerProcess, outcome: Outcome) -> None:
        """Take down how a scenario of a worker's piece ended, and keep what it has written for Allure."""
        record = self._ledger.enter(
            outcome,
            worker=worker.number,
            started=(worker.since if worker.place else time.monotonic()) - self._began,
        )
        worker.finish(outcome.place, outcome.workspace)
        self._board.note(record, self._ledger.finished_feature(outcome.place))
        if not record.is_kept and self._settings.fail_fast and not self.ended_early:
            self.ended_early = "--fail-fast"
            for other in self._workers:
                other.dismiss()

    def _end_hanging(self, worker: WorkerProcess, limit: float) -> None:
        worker.show_stack()
        worker.kill()
        message = f"it took longer than {limit:g} s (--timeout) and was killed"
        self._replace(worker, Failure(kind="time-out", message=message))

    def _bury(self, worker: WorkerProcess) -> None:
        """See why a worker is over; what it has written outside the scenarios, such as errors of hooks, is kept."""
        if not worker.place:
            worker.keep_results(self._results, complete_files(worker.results))
        worker.kill()
        message = f"its worker process {worker.end}"
        self._replace(worker, Failure(kind="worker death", exception=worker.cause, message=message))

    def _replace(self, worker: WorkerProcess, failure: Failure) -> None:
        """Account for the end of a worker, and have another one go on where there is work left."""
        self._selector.unregister(worker)
        self._workers.remove(worker)
        if worker.place:
            self._break(worker, failure)
        elif failure.kind == "time-out" or worker.exit_code != 0:
            self._complain(f"outside the scenarios: {failure.message}\n{worker.last_lines()}".strip())
        if self.ended_early:
            return
        if worker.todo and not worker.num_ended:  # another one would end in the same way
            self._give_up(worker, failure)
        if worker.todo or (self._waiting and worker.is_ready):
            self._start(worker.number, worker.todo)

    def _break(self, worker: WorkerProcess, failure: Failure) -> None:
        """The scenario that a worker was in when it ended is broken."""
        log = worker.last_lines()
        where = innermost_place_in_log(log, Path.cwd())
        failure = failure.model_copy(update={"step": worker.step, "trace": log, "where": where})
        seconds = time.monotonic() - worker.since
        workspace = str(worker.left_workspace() or "")
        outcome = Outcome(place=worker.place, status="broken", failure=failure, seconds=seconds, workspace=workspace)
        report_to_allure(self._ledger.scenario(worker.place), outcome, self._results, worker.number)
        self._note(worker, outcome)

    def _give_up(self, worker: WorkerProcess, failure: Failure) -> None:
        """The scenarios that a worker has left of its piece are broken, without having run."""
        for place in list(worker.todo):
            outcome = _unrun(place, failure)
            report_to_allure(self._ledger.scenario(place), outcome, self._results, 0)
            self._note(worker, outcome)

    def _account_for_the_rest(self) -> None:
        """Report the scenarios that nobody ran: skipped where the run ended early, else broken."""
        for place in self._ledger.missing:
            why = self.ended_early or "; ".join(self.complaints)
            outcome = (
                Outcome(place=place, status="skipped", reason=f"it did not run to its end: {why}")
                if self.ended_early
                else _unrun(place, Failure(kind="worker death", message=why))
            )
            report_to_allure(self._ledger.scenario(place), outcome, self._results, 0)
            self._ledger.enter(outcome)

    def _complain(self, text: str) -> None:
        if text not in self.complaints:
            self.complaints.append(text)


def _unrun(place: str, failure: Failure) -> Outcome:
    failure = failure.model_copy(update={"message": f"it did not run: {failure.message}"})
    return Outcome(place=place, status="broken", failure=failure)
