"""The last two acts of a run: publish its best checkpoint, then remove what is local.

Nothing is removed before the store has proven that it holds what was sent.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from foundry import files, manifests
from foundry.artifacts.opening import artifact_store
from foundry.artifacts.store import ArtifactStore
from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment
from foundry.errors import FoundryError, UserError
from foundry.model_files import bundle_of
from foundry.training.events import Event, Listener, Message, StateChanged, Transferred, both
from foundry.training.lifecycle import CONFIG_NAME, PublishedArtifact, Run, RunRecord, State
from foundry.training.log_file import log_to_file
from foundry.training.run_lock import RunLock

Tell = Callable[[Event], None]


def finish(run: Run, config: ExperimentConfig, store: ArtifactStore, tell: Tell) -> None:
    """Publish and clean up, if that is left to do.

    Raises:
        FoundryError: it is not published; the run stays `stopped`, and its checkpoints stay.
    """
    if run.record.state == "stopped":
        if (reason := store.postponed) is not None:
            tell(Message(f"not published: {reason}; {_remedy(run)}", warning=True))
            return
        try:
            _publish(run, store, tell)
        except FoundryError as error:
            raise type(error)(f"{error}. Nothing local was removed; {_remedy(run)}") from error
    if run.record.state == "published":
        _clean(run, config, tell)


def publish_run(folder: Path, listen: Listener) -> RunRecord:
    """Publish the trained run in `folder` now, whatever mode its experiment is in; its corpus need not be there.

    Raises:
        UserError: there is no run, or it has not been trained to its end, or it is being trained.
        FoundryError: it is not published; its checkpoints stay.
    """
    with RunLock(folder).held(lambda text: listen(Message(text, warning=True))):
        run = Run.open(folder)
        files.remove_remains(folder)
        if run.record.state not in ("stopped", "published", "cleaned"):
            raise UserError(
                f"{folder}: is {run.record.state} after step {run.record.steps_done}, and only a run that has come to "
                f"its end is published; `foundry train {shlex.quote(str(folder))}` goes on"
            )
        config = load_experiment(folder / CONFIG_NAME)
        log = log_to_file(config.logging.dir or folder, run.record.run_id, config.logging.level)
        tell = both(log, listen)
        store = artifact_store(config, run.record.fingerprint, sends_of(tell), is_asked_for=True)
        with files.disk_failures_explained(folder):
            finish(run, config, store, tell)
        return run.record


def sends_of(tell: Tell) -> Callable[[int, int], None]:
    """Tells a listener how much of an upload is done."""
    return lambda done, total: tell(Transferred("sent", done, total))


def _remedy(run: Run) -> str:
    return f"`foundry publish {shlex.quote(str(run.folder))}` publishes the model that is trained"


def _publish(run: Run, store: ArtifactStore, tell: Tell) -> None:
    """Put the best checkpoint into the store, and compare what the store then holds with what was sent."""
    step = run.record.best_step or run.record.steps_done
    checkpoint = manifests.checkpoint_folder(run.checkpoints, step)
    try:
        manifests.verify(checkpoint, (manifests.WEIGHTS_NAME,))
    except ValueError as problem:
        raise FoundryError(f"{checkpoint}: the best checkpoint cannot be published: {problem}") from None
    with files.temporary_folder(run.folder, "publishing") as staging:
        bundle, digests = bundle_of(run, checkpoint, staging)
        location = store.publish(bundle)
        confirmed = store.confirmed_digests(location, bundle)
    if confirmed != digests:
        wrong = sorted(name for name in digests.keys() | confirmed.keys() if digests.get(name) != confirmed.get(name))
        raise FoundryError(f"{location}: the store does not hold what was sent ({', '.join(wrong)})")
    published = PublishedArtifact(store=store.kind, location=location, step=step, digests=confirmed)
    _move(run, tell, "published", f"step {step} confirmed by the {store.kind} store", published=published)


def _clean(run: Run, config: ExperimentConfig, tell: Tell) -> None:
    """Remove the local checkpoints; only here, and only after the store has confirmed."""
    if config.artifacts.keep_local_checkpoints:
        _move(run, tell, "cleaned", "local checkpoints are kept, as configured")
        return
    if run.checkpoints.exists():
        files.remove_folder(run.checkpoints)
    _move(run, tell, "cleaned", "local checkpoints removed")


def _move(run: Run, tell: Tell, state: State, reason: str, **changes: object) -> None:
    run.move(state, reason, **changes)
    tell(StateChanged(state, reason))
