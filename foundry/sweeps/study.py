"""The trials of a sweep as its study keeps them: which there are, who works on which, and what came of each.

All trials are put into the study at its beginning, numbered from 0; trials beyond the number that the sweep asks for
are never handed out. So that number is kept however many processes work, and whenever any of them is killed.

A trial says in the study who works on it. It is handed out again where that process has ended, which is known at once
on this host; a process of another host is taken for ended when it has given no sign of life for `takeover_after` s.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from foundry.errors import FoundryError
from foundry.sweeps.definition import definition_of, require_same, require_source, source_of, with_source
from foundry.sweeps.owners import Owner, SignsOfLife
from foundry.sweeps.sampling import draw_parameters, pruner_of
from foundry.sweeps.storage import StudyDatabase
from foundry.sweeps.sweep import Sweep
from foundry.training.run_lock import Holder

DEFINITION, SOURCE = "definition", "source"
"""What the study keeps of its beginning."""
OWNER, BEAT, PARAMETERS, RUN, LEADS, PRUNED, REASON, STEPS = (
    *("owner", "beat", "parameters", "run", "leads", "pruned", "reason", "steps"),
)
"""What a trial keeps in the study beside Optuna's own values."""
SIGNS_IN_PATIENCE = 5


class SweepStudy:
    """The study of a sweep, in a database that other processes and hosts may work on, too.

    Attributes:
        sweep: with its corpus as it was when the study was begun.
    """

    def __init__(self, sweep: Sweep, database: StudyDatabase, parent: Holder | None) -> None:
        self.sweep = sweep
        self._database = database
        self._storage = database.storage
        self._study = optuna.load_study(
            study_name=sweep.config.sweep_name, storage=self._storage, pruner=pruner_of(sweep.config)
        )
        self._id = self._storage.get_study_id_from_name(sweep.config.sweep_name)
        self._me = Owner(worker=Holder.this_process(), parent=parent)
        self._signs = SignsOfLife(sweep.config.takeover_after)

    @classmethod
    @contextlib.contextmanager
    def begun(cls, sweep: Sweep, parent: Holder | None = None) -> Iterator[SweepStudy]:
        """The study that this process works on; it is made where there is none.

        Args:
            parent: the process that started this one, and with which it ends.

        Raises:
            UserError: the sweep or its corpus is not the one that the study was begun with.
            FoundryError: the database cannot be used.
        """
        with _opened(sweep, must_exist=False) as database:
            optuna.create_study(
                study_name=sweep.config.sweep_name, storage=database.storage, load_if_exists=True, direction="minimize"
            )
            study = cls(sweep, database, parent)
            with database.locked(study._id):
                study._begin()
            study._keep_to_beginning()
            if study.unfinished:
                require_source(study.sweep, study._study.user_attrs[SOURCE])
            yield study

    @classmethod
    @contextlib.contextmanager
    def found(cls, sweep: Sweep) -> Iterator[SweepStudy]:
        """The study as it is, to look at.

        Raises:
            UserError: the sweep has not been begun, or was begun otherwise.
            FoundryError: the database cannot be used.
        """
        with _opened(sweep, must_exist=True) as database:
            try:
                study = cls(sweep, database, None)
            except KeyError:
                raise database.no_study() from None
            study._keep_to_beginning()
            yield study

    def _begin(self) -> None:
        """Write down what the study is begun with, and put in the trials that are not in it yet."""
        kept = self._study.user_attrs
        if SOURCE not in kept:
            self._study.set_user_attr(SOURCE, source_of(self.sweep))
        if DEFINITION not in kept:
            self._study.set_user_attr(DEFINITION, definition_of(self.sweep))
        for _ in range(self.sweep.config.trials - len(self._study.get_trials(deepcopy=False))):
            self._study.enqueue_trial({})

    def _keep_to_beginning(self) -> None:
        kept = self._study.user_attrs
        if DEFINITION not in kept or SOURCE not in kept:
            raise self._database.no_study()
        require_same(self.sweep, kept[DEFINITION], self._database.name)
        self.sweep = with_source(self.sweep, kept[SOURCE])

    # --- which trials there are ---

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that the sweep asks for, by number, and those that were begun when it asked for more."""
        found = self._study.get_trials(deepcopy=False)
        return [
            trial for trial in found if trial.number < self.sweep.config.trials or trial.state != TrialState.WAITING
        ]

    @property
    def unfinished(self) -> list[FrozenTrial]:
        """Those of the trials that are asked for which have not come to their end."""
        return [
            trial for trial in self.trials if trial.number < self.sweep.config.trials and not trial.state.is_finished()
        ]

    def is_left(self, trial: FrozenTrial) -> bool:
        """Whether whoever has begun the trial is known to have ended before it came to its end."""
        owner = self._owner(trial)
        if trial.state != TrialState.RUNNING:
            return False
        return owner is None or owner.worker.has_ended or owner.is_same(self._me) or self._is_silent(trial, owner)

    def owner_of(self, trial: FrozenTrial) -> Holder | None:
        """The process that works on the trial."""
        owner = self._owner(trial)
        return None if owner is None else owner.worker

    def _owner(self, trial: FrozenTrial) -> Owner | None:
        return Owner.of(trial.user_attrs.get(OWNER))

    def _is_silent(self, trial: FrozenTrial, owner: Owner) -> bool:
        if owner.worker.host == self._me.worker.host:
            return False
        self._signs.hear(trial.number, (trial.user_attrs[OWNER], trial.user_attrs.get(BEAT)))
        return self._signs.is_silent(trial.number)

    # --- handing out ---

    def claim(self) -> int | None:
        """Take a trial to work on: one that was left in the middle, else one that nobody has begun; its number."""
        with self._database.locked(self._id):
            unfinished = self.unfinished
            left = [trial for trial in unfinished if self.is_left(trial)]
            waiting = [trial for trial in unfinished if trial.state == TrialState.WAITING]
            for trial in (*left, *waiting)[:1]:
                self._keep(trial.number, OWNER, self._me.model_dump())
                if trial.state == TrialState.WAITING:
                    self._storage.set_trial_state_values(self._trial_id(trial.number), TrialState.RUNNING)
                return trial.number
        return None

    def may_be_left(self) -> bool:
        """Whether a trial is at work of whose process it is not known yet whether it will come to its end."""
        for trial in self.unfinished:
            owner = self._owner(trial)
            if owner is None or self.is_left(trial) or owner.is_ending:
                return True
            if owner.worker.host != self._me.worker.host and not self._signs.is_alive(trial.number):
                return True
        return False

    def release(self, number: int) -> None:
        """Give a trial back in the middle; where the database cannot be asked, the end of this process does that."""
        with contextlib.suppress(FoundryError), self._database.failures_explained():
            if self.is_mine(number) and not self._storage.get_trial(self._trial_id(number)).state.is_finished():
                self._keep(number, OWNER, None)

    def is_mine(self, number: int) -> bool:
        """Whether this process still works on the trial; it may have been silent for so long that another does."""
        owner = Owner.of(self._attributes(number).get(OWNER))
        return owner is not None and owner.is_same(self._me)

    @contextlib.contextmanager
    def signs_of_life(self, number: int) -> Iterator[None]:
        """Let other hosts see, as long as the block runs, that this process works on the trial."""
        ended = threading.Event()

        def give() -> None:
            count = 0
            while not ended.wait(self.sweep.config.takeover_after / SIGNS_IN_PATIENCE):
                count += 1
                with contextlib.suppress(FoundryError, RuntimeError), self._database.failures_explained():
                    if self.is_mine(number):  # else it would make the process that has taken over look alive
                        self._keep(number, BEAT, count)

        thread = threading.Thread(target=give, name=f"signs of life of trial {number}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    # --- working on a trial ---

    def parameters(self, number: int) -> dict[str, Any]:
        """The parameters of a trial, chosen now where that has not been done: the same numbers to the last bit.

        They are kept as JSON, because databases differ in how they keep a number.
        """
        kept: dict[str, Any] | None = self._attributes(number).get(PARAMETERS)
        if kept is not None:
            return kept
        drawn = draw_parameters(self.sweep, self._storage, self._trial_id(number), number)
        self._keep(number, PARAMETERS, drawn)
        return drawn

    def leader(self, number: int, run_id: str) -> FrozenTrial | None:
        """The other trial that has made, or is making, the run of trial `number`; None where that is to make it."""
        with self._database.locked(self._id):
            self._keep(number, RUN, run_id)
            same = [trial for trial in self.trials if trial.number != number and trial.user_attrs.get(RUN) == run_id]
            decided = [trial for trial in same if is_decided(trial)]
            leading = [trial for trial in same if trial.user_attrs.get(LEADS) and not self.is_left(trial)]
            self._keep(number, LEADS, not (decided or leading))
            return next(iter((*decided, *leading)), None)

    def report(self, number: int, step: int, loss: float, *, is_last: bool) -> str | None:
        """Keep a validation loss of a trial; why the trial is hopeless, where it is.

        Args:
            is_last: the step is the last of the run, which is nothing to be spared any more.
        """
        trial_id, pruning = self._trial_id(number), self.sweep.config.pruning
        self._storage.set_trial_intermediate_value(trial_id, step, loss)
        trial = self._storage.get_trial(trial_id)
        if trial.user_attrs.get(PRUNED) is not None:  # by a process that was killed before it had saved that step
            return str(trial.user_attrs[REASON]) if step >= trial.user_attrs[PRUNED] else None
        if pruning is None or is_last or len(trial.intermediate_values) <= pruning.warmup_evaluations:
            return None
        if not self._study.pruner.prune(self._study, trial):
            return None
        lowest = min(trial.intermediate_values.values())
        reason = f"its lowest validation loss, {lowest:.4f}, is above the median of the other trials at step {step}"
        self._keep(number, REASON, reason)
        self._keep(number, PRUNED, step)
        return reason

    def report_all(self, number: int, losses: Sequence[tuple[int, float]]) -> None:
        """Keep the validation losses of a trial that came from a run which was made before."""
        trial_id = self._trial_id(number)
        known = self._storage.get_trial(trial_id).intermediate_values
        for step, loss in losses:
            if step not in known:
                self._storage.set_trial_intermediate_value(trial_id, step, loss)

    # --- ends ---

    def complete(self, number: int, loss: float, steps: str) -> None:
        """Close a trial with the best validation loss of its run."""
        self._close(number, TrialState.COMPLETE, loss, {STEPS: steps, PRUNED: None, REASON: ""})

    def pruned_at(self, number: int) -> int | None:
        """The step at which the trial was found hopeless, although it is not closed yet; None where it was not."""
        return self._attributes(number).get(PRUNED)

    def prune(self, number: int, steps: str) -> None:
        """Close a trial that was found hopeless."""
        self._close(number, TrialState.PRUNED, None, {STEPS: steps})

    def fail(self, number: int, reason: str) -> None:
        """Close a trial that gave no loss."""
        self._close(number, TrialState.FAIL, None, {REASON: reason})

    def take_over_result(self, number: int, other: FrozenTrial) -> None:
        """Close a trial as the other one with the same run was closed."""
        self.report_all(number, sorted(other.intermediate_values.items()))
        kept = {name: other.user_attrs[name] for name in (REASON, STEPS) if name in other.user_attrs}
        state = other.state if other.state.is_finished() else TrialState.PRUNED
        self._close(number, state, other.value if state == TrialState.COMPLETE else None, kept)

    def _close(self, number: int, state: TrialState, loss: float | None, kept: dict[str, Any]) -> None:
        """Write down how a trial ended, once: whoever has lost it to another process changes nothing."""
        with self._database.locked(self._id):
            if not self.is_mine(number):
                return
            for name, value in kept.items():
                self._keep(number, name, value)
            self._study.tell(number, loss, state=state)

    # --- the database ---

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def _attributes(self, number: int) -> dict[str, Any]:
        return self._storage.get_trial_user_attrs(self._trial_id(number))

    def _keep(self, number: int, name: str, value: Any) -> None:
        self._storage.set_trial_user_attr(self._trial_id(number), name, value)


def is_decided(trial: FrozenTrial) -> bool:
    """Whether it is known how a trial ends: it has ended, or has been found hopeless."""
    return trial.state.is_finished() or trial.user_attrs.get(PRUNED) is not None


@contextlib.contextmanager
def _opened(sweep: Sweep, *, must_exist: bool) -> Iterator[StudyDatabase]:
    """The database of a sweep; what it raises inside the block is told in one line."""
    database = StudyDatabase(sweep.config.storage, sweep.config.folder, must_exist=must_exist)
    try:
        with database.failures_explained():
            yield database
    finally:
        database.close()
