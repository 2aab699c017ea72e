"""The facade: `Trainer(config).train()` launches a run, or goes on with it, or says that it is complete.

Launching and relaunching are the same call: it reads the state on disk and begins the next act. Nothing heavy is
imported before training really has to go on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import foundry
from foundry import files
from foundry.artifacts.opening import artifact_store
from foundry.artifacts.store import ArtifactStore
from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment, to_yaml
from foundry.data.sources import model_digest, source_identity
from foundry.errors import FoundryError, Interrupted, LimitReached, Stopped, UserError
from foundry.publishing import finish, sends_of
from foundry.reproducibility import without_password
from foundry.training.events import Listener, Message, StateChanged, both, ignore_event
from foundry.training.extension import begin_extended_run, begun_already, find_extension, run_fingerprint
from foundry.training.incremental import Growth, NothingNew, begin_grown_run, find_growth, read_increment
from foundry.training.lifecycle import (
    CONFIG_NAME,
    RECORD_NAME,
    FollowedRun,
    Origin,
    Run,
    RunRecord,
    State,
)
from foundry.training.log_file import log_to_file
from foundry.training.processes import EndedTogether, Processes, launched_processes
from foundry.training.run_lock import RunLock

if TYPE_CHECKING:
    from foundry.data.increment import Increment
    from foundry.training.session import Preparation


@dataclass(frozen=True)
class TrainingReport:
    """What a launch did, and where the run stands after it.

    Attributes:
        run_folder, record: of the run; where nothing is new, of the one that has seen it all.
        first_step, last_step: the steps made by this launch; None where it trained nothing.
        no_new_data: the corpus holds nothing that the run has not seen, and nothing was made or changed.
    """

    run_folder: Path
    record: RunRecord
    first_step: int | None
    last_step: int | None
    no_new_data: bool = False

    @property
    def steps_made(self) -> int:
        """How many steps this launch made."""
        if self.first_step is None or self.last_step is None:
            return 0
        return self.last_step - self.first_step + 1


class Trainer:
    """One run of one experiment.

    Args:
        config: the experiment. Its source is looked at, so that the run's fingerprint is known.
        store: where the best checkpoint is published; by default the one that `config.artifacts` names.
        extend: go on from the finished run of the same experiment with fewer steps, see
            `foundry.training.extension`.
        incremental: begin with the weights of the newest finished run of the same experiment, and train on what its
            corpus has got since, see `foundry.training.incremental`.
        on_event: is told what happens, in the training thread; where several processes train, in the first of them.
        processes: those of the launch; by default what torchrun says in the environment.

    Raises:
        UserError: the source does not exist or cannot be read, or there is nothing to extend or to grow from.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        *,
        store: ArtifactStore | None = None,
        extend: bool = False,
        incremental: bool = False,
        on_event: Listener = ignore_event,
        processes: Processes | None = None,
    ) -> None:
        self.processes = processes or launched_processes()
        on_event = on_event if self.processes.is_first else ignore_event

        def tell(text: str) -> None:
            on_event(Message(text))

        self.config, self._source_identity = source_identity(config, tell)
        if extend and incremental:
            raise UserError("--extend and --incremental exclude each other: leave one of them out")
        self._extension = find_extension(self.config, self._source_identity) if extend else None
        found = find_growth(self.config, self._source_identity, tell) if incremental else None
        self._growth = found if isinstance(found, Growth) else None
        begins = self._extension or self._growth
        self._place(begins.origin if begins is not None else None)
        if begins is not None:
            self.run_folder = begins.run_folder
        self._seen_by = found.run_folder if isinstance(found, NothingNew) else None
        self._store = store
        self._on_event = on_event
        self._steps: tuple[int | None, int | None] = (None, None)

    def _place(self, origin: Origin | None) -> None:
        """Which run this is, and where it stands."""
        self.fingerprint = run_fingerprint(self.config, self._source_identity, origin)
        self.run_id = self.config.run_id(self.fingerprint)
        self.run_folder = self.config.training.output_dir / self.run_id

    @classmethod
    def of_run(cls, folder: Path, *, on_event: Listener = ignore_event, processes: Processes | None = None) -> Trainer:
        """The trainer that goes on with the run in `folder`, whatever has been committed to its repository since.

        Raises:
            UserError: there is no run, or its corpus is no longer what it was begun with.
        """
        record = RunRecord.read(folder)
        trainer = cls(load_experiment(folder / CONFIG_NAME), on_event=on_event, processes=processes)
        trainer._place(record.origin)
        if model_digest(trainer._source_identity) != model_digest(record.source_identity):
            raise UserError(
                f"{folder}: {trainer.config.model.pretrained} is not the base model that it was begun with; put that "
                "one back, or train the configuration as a new run"
            )
        if trainer.fingerprint != record.fingerprint:
            raise UserError(
                f"{folder}: its corpus has changed since it was begun (fingerprint {record.fingerprint}, "
                f"now {trainer.fingerprint}); restore the corpus, or train the configuration as a new run"
            )
        trainer.run_folder = folder
        if record.grown_from is not None:
            trainer._growth = Growth(None, record.grown_from, record.fingerprint, folder)
        return trainer

    def train(self) -> TrainingReport:
        """Do what is left to do: train, publish the best checkpoint, then clean up.

        Where several processes train, the first does the rest alone, and the others wait for it.

        Raises:
            Interrupted: SIGTERM or Ctrl-C; the last step is saved.
            Stopped: `on_event` asked to stop; the last step is saved.
            LimitReached: the hardware is at a threshold of `config.monitoring` that ends the run; likewise.
            FoundryError: what failed. Checkpoints stay whatever happens before the store has confirmed.
        """
        if self._seen_by is not None:
            return TrainingReport(self._seen_by, RunRecord.read(self._seen_by), None, None, no_new_data=True)
        if self.processes.count == 1 and self._is_complete():
            RunLock(self.run_folder).forget_the_ended()
            return TrainingReport(self.run_folder, RunRecord.read(self.run_folder), None, None)
        explained = files.disk_failures_explained(self.run_folder)
        with self.processes.noticing_loss(), explained, contextlib.ExitStack() as held:
            return self._go_on(held)

    def _is_complete(self) -> bool:
        return (self.run_folder / RECORD_NAME).exists() and RunRecord.read(self.run_folder).state == "cleaned"

    def _go_on(self, held: contextlib.ExitStack) -> TrainingReport:
        run = self._shared_run(lambda: self._open(held))
        if run is None or run.record.state in ("created", "training", "interrupted", "failed"):
            run = self._train(run)
        elif run.record.state == "stopped":
            self.processes.first(lambda: self._send_rest_of_metrics(run))
        record = self.processes.first(lambda: self._finish(run))
        return TrainingReport(self.run_folder, record, *self._steps)

    def _open(self, held: contextlib.ExitStack) -> Run | None:
        """The run, if there is one, with the lock on it, which goes where `held` ends."""
        held.enter_context(RunLock(self.run_folder).held(self._warn))
        if not (self.run_folder / RECORD_NAME).exists():
            return None
        run = Run.open(self.run_folder)
        files.remove_remains(run.folder)
        self._keep_configuration(run)
        return run

    def _shared_run(self, act: Callable[[], Run | None]) -> Run | None:
        """The run that `act` gives in the first process, as each process may handle it."""
        if self.processes.count == 1:
            return act()
        mine: list[Run | None] = []

        def of_first() -> tuple[Path, RunRecord] | None:
            mine.append(act())
            return None if mine[0] is None else (mine[0].folder, mine[0].record)

        shared = self.processes.first(of_first)
        if self.processes.is_first:
            return mine[0]
        return None if shared is None else FollowedRun(*shared)

    def _finish(self, run: Run) -> RunRecord:
        """Publish and clean up, if that is left to do."""
        tell = both(self._on_event, self._log_of(run))
        finish(run, self.config, self._store or self._store_of_experiment(tell), tell)
        return run.record

    def _store_of_experiment(self, tell: Listener) -> ArtifactStore:
        return artifact_store(self.config, self.fingerprint, sends_of(tell), is_asked_for=False)

    def _train(self, begun: Run | None) -> Run:
        from foundry.training.session import prepare

        is_reachable = self.processes.first(self._require_access)
        if self.config.logging.dir is not None:
            self.config.logging.dir.mkdir(parents=True, exist_ok=True)
        preparation = self.processes.after_first(
            lambda: prepare(self.config, self.processes, self._on_event, self._increment())
        )
        run = begun or self._shared_run(self._create)
        assert run is not None
        with self._tracked(run, is_reachable) as listen:
            self._make_steps(run, preparation, listen)
        return run

    def _increment(self) -> Increment | None:
        """What a grown run needs to know of the one that it grows from."""
        growth = self._growth
        return None if growth is None else read_increment(growth.remembered, growth.origin.fingerprint, self.config)

    def _make_steps(self, run: Run, preparation: Preparation, listen: Listener) -> None:
        from foundry.training.session import Session

        try:
            with self.processes.noticing_loss():
                outcome = Session(run, self.config, preparation, listen).train()
        except (Interrupted, KeyboardInterrupt, LimitReached, Stopped) as interruption:
            self._move_if_possible(run, "interrupted", str(interruption) or "Ctrl-C")
            if isinstance(interruption, Interrupted | LimitReached) and not self.processes.is_first:
                raise EndedTogether(interruption.exit_code) from None
            raise
        except MemoryError as error:
            self._move_if_possible(run, "failed", "memory ran out")
            raise FoundryError(
                f"{run.folder}: memory ran out outside of the training step; the checkpoints are whole. Free some, or "
                "set training.async_checkpoints to false, and launch again to go on"
            ) from error
        except BaseException as error:
            self._move_if_possible(run, "failed", f"{type(error).__name__}: {error}")
            raise
        self._steps = (outcome.first_step, outcome.last_step)
        self._tell(run, "stopped", outcome.reason)

    def _tracked(self, run: Run, is_reachable: bool) -> contextlib.AbstractContextManager[Listener]:
        """The listener of the run's steps, which Weights & Biases follows while the block runs, if it is to."""
        listen = both(self._log_of(run), self._on_event)
        if not (self.config.logging.use_wandb and self.processes.is_first):
            return contextlib.nullcontext(listen)
        from foundry.tracking import tracked

        return tracked(run.folder, self.config, listen, is_reachable)

    def _send_rest_of_metrics(self, run: Run) -> None:
        """A launch that was killed when training was over may not have sent all."""
        if self.config.logging.use_wandb:
            from foundry.tracking import send_rest

            send_rest(run.folder, self.config, both(self._log_of(run), self._on_event))

    def _require_access(self) -> bool:
        """Look at the key of Weights & Biases before anything is spent, where this run will need it."""
        if self.config.logging.use_wandb or (self._store is None and self.config.artifacts.store == "wandb"):
            from foundry.wandb_client.access import require_access

            return require_access(self.config, self._warn)
        return True

    def _create(self) -> Run:
        extension, growth = self._extension, self._growth
        begins = extension or growth
        how = foundry.__version__, self._config_yaml, self._source_identity
        try:
            if extension is not None and extension.parent is not None:
                with RunLock(extension.parent).held(self._warn):
                    run = begin_extended_run(extension, *how)
            elif growth is not None and growth.parent is not None:
                with RunLock(growth.parent).held(self._warn):
                    run = begin_grown_run(growth, *how)
            else:
                self._hint_at_shorter_run()
                run = Run.create(
                    self.run_folder,
                    self.run_id,
                    self.fingerprint,
                    foundry.__version__,
                    self._config_yaml,
                    source_identity=self._source_identity,
                )
        except OSError as error:
            raise FoundryError(f"{self.run_folder}: cannot be made: {error.strerror or error}") from error
        self._tell(run, "created", f"{self.run_folder}, {run.record.reason}" if begins else str(self.run_folder))
        return run

    def _hint_at_shorter_run(self) -> None:
        """Who raised the length may not know that what was trained already can be gone on from."""
        if (shorter := begun_already(self.config, self._source_identity)) is not None:
            folder, step = shorter
            text = f"{folder} holds the first {step} steps of this experiment; `--extend` goes on from there"
            self._on_event(Message(text))

    @property
    def _config_yaml(self) -> str:
        return to_yaml(without_secrets(self.config))

    def _keep_configuration(self, run: Run) -> None:
        """Let `config.yaml` say what this launch works with, where a setting was changed that changes no weight."""
        path = run.folder / CONFIG_NAME
        if not path.is_file() or path.read_bytes() != self._config_yaml.encode():
            files.write_text(path, self._config_yaml)

    def _move(self, run: Run, state: State, reason: str, **changes: object) -> None:
        run.move(state, reason, **changes)
        self._tell(run, state, reason)

    def _tell(self, run: Run, state: State, reason: str) -> None:
        """Tell the listener and the log file of the run which state it has come to."""
        event = StateChanged(state, reason)
        self._on_event(event)
        self._log_of(run)(event)

    def _warn(self, text: str) -> None:
        self._on_event(Message(text, warning=True))

    def _log_of(self, run: Run) -> Listener:
        if not self.processes.is_first:
            return ignore_event
        return log_to_file(self.config.logging.dir or run.folder, run.record.run_id, self.config.logging.level)

    def _move_if_possible(self, run: Run, state: State, reason: str) -> None:
        """The disk may be full, which is often why we are here; the error that is under way matters more."""
        with contextlib.suppress(OSError):
            self._move(run, state, reason)


def without_secrets(config: ExperimentConfig) -> ExperimentConfig:
    """The experiment as it may be kept and published: a repository's URL loses the password it may hold."""
    if config.data.git is None:
        return config
    git = config.data.git.model_copy(update={"repository": without_password(config.data.git.repository)})
    return config.model_copy(update={"data": config.data.model_copy(update={"git": git})})
