"""`--extend`: a finished run goes on to more steps, as a run of its own.

The experiment is the same but for its length: `train_steps`, `epochs` or `early_stopping_patience` may differ from the
finished run's. The extended run begins with that run's last checkpoint, copied and verified, and with its metrics. Its
fingerprint covers where it began, so it never shares a folder with the experiment trained in one go; the finished run
and what it published stay as they are.

What the steps after it are like follows from the rule that a step is a function of its number: batches go on where
they were, and the learning rate is that of the *new* length. With a constant rate, and without warm-up or with one in
steps, the result is that of an uninterrupted run, to the bit; a cosine or a line has a kink where the old length
ended. Early stopping goes on counting where it was: an early-stopped run is extended only under another patience.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry import files, manifests
from foundry.config import FINGERPRINT_LENGTH, ExperimentConfig
from foundry.config_file import load_experiment
from foundry.environments import ENVIRONMENT_NAME
from foundry.errors import FoundryError, UserError
from foundry.manifests import CHECKPOINT_FILES, STATE_NAME
from foundry.training.early_stopping import EarlyStopping
from foundry.training.lifecycle import (
    CHECKPOINTS_NAME,
    CONFIG_NAME,
    DATA_NAME,
    METRICS_NAME,
    RECORD_NAME,
    Origin,
    Run,
    RunRecord,
    WeightsOrigin,
)
from foundry.training.metrics import read_metrics
from foundry.untrusted import read_json

LENGTH_KEYS = ("train_steps", "epochs", "early_stopping_patience")
"""Keys of `training` that an extended run may have other than the finished one."""
FINISHED = ("stopped", "published", "cleaned")
MAX_JSON_BYTES = 16_000_000


@dataclass(frozen=True)
class Extension:
    """How a longer experiment goes on from a finished run.

    Attributes:
        parent: the folder of the finished run; None where the extended run exists already.
        run_folder: where the extended run is, or will be.
    """

    parent: Path | None
    origin: Origin
    fingerprint: str
    run_folder: Path


def run_fingerprint(config: ExperimentConfig, source_identity: str, origin: Origin | None) -> str:
    """The fingerprint of a run: that of its experiment, and of where it began if that was not with fresh weights."""
    fingerprint = config.fingerprint(source_identity)
    if origin is None:
        return fingerprint
    text = f"{fingerprint} {origin.decisive}"
    if isinstance(origin, WeightsOrigin):
        text += f" and a context of {config.data.incremental_context!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def find_extension(config: ExperimentConfig, source_identity: str) -> Extension:
    """The extended run that `config` asks for: the one that was begun already, else one of the longest finished run.

    Runs are looked for below `training.output_dir`, under the name of the experiment.

    Raises:
        UserError: there is nothing to extend; says why, and what to do.
    """
    begun = [
        (folder, record)
        for folder, record in runs_named(config)
        if record.extended_from is not None
        and run_fingerprint(config, source_identity, record.extended_from) == record.fingerprint
    ]
    if begun:
        folder, record = max(begun, key=lambda run: (run[1].steps_done, run[0].name))
        assert record.extended_from is not None
        return Extension(None, record.extended_from, record.fingerprint, folder)
    parent, record = _parent_of(config, source_identity)
    origin = Origin(run_id=record.run_id, fingerprint=record.fingerprint, step=record.steps_done)
    _require_patience(config, parent, origin.step)
    fingerprint = run_fingerprint(config, source_identity, origin)
    folder = config.training.output_dir / config.run_id(fingerprint)
    return Extension(parent, origin, fingerprint, folder)


def begun_already(config: ExperimentConfig, source_identity: str) -> tuple[Path, int] | None:
    """The run that `--extend` would go on from, and the steps that are done there; None where there is none."""
    try:
        extension = find_extension(config, source_identity)
    except FoundryError:
        return None
    return extension.parent or extension.run_folder, extension.origin.step


def begin_extended_run(extension: Extension, foundry_version: str, config_yaml: str, source_identity: str) -> Run:
    """Make the extended run, whole in one rename: with the last and the best checkpoint of its parent, and its metrics.

    Raises:
        FoundryError: a checkpoint of the parent is damaged or gone, or there is no room; nothing is left behind.
    """
    parent = extension.parent
    assert parent is not None, "the extended run exists already"
    finished, step = RunRecord.read(parent), extension.origin.step
    needed = sorted({step, finished.best_step or step})

    def add_files(folder: Path) -> None:
        for number in needed:
            source = manifests.checkpoint_folder(parent / CHECKPOINTS_NAME, number)
            target = manifests.checkpoint_folder(folder / CHECKPOINTS_NAME, number)
            _copy_checkpoint(source, target, finished.fingerprint, extension.fingerprint)
        rows = [row for row in read_metrics(parent / METRICS_NAME) if row["step"] <= step]
        files.write_text(folder / METRICS_NAME, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))
        if (parent / ENVIRONMENT_NAME).exists():
            shutil.copyfile(parent / ENVIRONMENT_NAME, folder / ENVIRONMENT_NAME)

    try:
        return Run.create(
            extension.run_folder,
            extension.run_folder.name,
            extension.fingerprint,
            foundry_version,
            config_yaml,
            add_files=add_files,
            reason=f"extended from {extension.origin}",
            source_identity=source_identity,
            extended_from=extension.origin,
            steps_done=step,
            best_step=finished.best_step,
            best_validation_loss=finished.best_validation_loss,
            data_digest=finished.data_digest,
            vocabulary_size=finished.vocabulary_size,
            left_out_steps=finished.left_out_steps,
        )
    except OSError as error:
        needed_bytes = sum(_size_of(manifests.checkpoint_folder(parent / CHECKPOINTS_NAME, n)) for n in needed)
        raise files.disk_failure(error, parent, "the extended run", needed_bytes) from error


def runs_named(config: ExperimentConfig) -> Iterator[tuple[Path, RunRecord]]:
    """The runs that bear the experiment's name; those that cannot be read are none."""
    for path in sorted(config.training.output_dir.glob(f"*/{RECORD_NAME}")):
        try:
            record = RunRecord.read(path.parent)
        except UserError:
            continue
        if record.run_id == config.run_id(record.fingerprint):
            yield path.parent, record


def _parent_of(config: ExperimentConfig, source_identity: str) -> tuple[Path, RunRecord]:
    """The finished run with the most steps, among those that are `config` with another length, and shorter."""
    same = [run for run in runs_named(config) if _is_same_experiment(config, source_identity, *run)]
    finished = [run for run in same if run[1].state in FINISHED]
    place = config.training.output_dir
    if same and not finished:
        folder, record = same[-1]
        raise UserError(
            f"--extend: {folder} is {record.state} at step {record.steps_done}, and only a finished run is extended; "
            f"go on with it by `foundry train {folder}`"
        )
    if not finished:
        raise UserError(
            f"--extend: no finished run of {config.experiment_name} below {place} differs from this experiment in its "
            "length alone; launch without --extend to train it from step 1"
        )
    shorter = [run for run in finished if run[1].steps_done < _total_steps(config, run[0])]
    if not shorter:
        folder, record = max(finished, key=lambda run: run[1].steps_done)
        raise UserError(
            f"--extend: {folder} has made {record.steps_done} steps, and this experiment has no more; raise "
            "training.train_steps or training.epochs"
        )
    kept = [run for run in shorter if _last_checkpoint(*run).is_dir()]
    if not kept:
        folder, record = max(shorter, key=lambda run: run[1].steps_done)
        raise UserError(
            f"--extend: the checkpoints of {folder} were removed after it was published, so nothing can go on from "
            "them; launch without --extend, with artifacts.keep_local_checkpoints: true to keep those of the next run"
        )
    return max(kept, key=lambda run: (run[1].steps_done, run[1].extended_from is None, run[0].name))


def _is_same_experiment(config: ExperimentConfig, source_identity: str, folder: Path, record: RunRecord) -> bool:
    """Whether the run is `config` but for its length; its fingerprint tells, the source included."""
    try:
        training = load_experiment(folder / CONFIG_NAME).training
    except UserError:
        return False
    length = {key: getattr(training, key) for key in LENGTH_KEYS}
    like_it = config.model_copy(update={"training": config.training.model_copy(update=length)})
    return run_fingerprint(like_it, source_identity, record.extended_from) == record.fingerprint


def _total_steps(config: ExperimentConfig, parent: Path) -> int:
    """The length of the experiment; epochs are counted in the blocks that the parent was trained on."""
    if config.training.train_steps is not None:
        return config.training.train_steps
    from foundry.data.batches import BatchOrder

    try:
        num_blocks = int(read_json(parent / DATA_NAME, MAX_JSON_BYTES)["blocks"]["training"])
    except (OSError, ValueError, LookupError, TypeError):
        raise FoundryError(f"{parent / DATA_NAME}: is missing or damaged, so its epochs cannot be counted") from None
    return BatchOrder(num_blocks, config.global_batch_size, config.random_seed).total_steps(config.training.epochs or 1)


def _last_checkpoint(folder: Path, record: RunRecord) -> Path:
    return manifests.checkpoint_folder(folder / CHECKPOINTS_NAME, record.steps_done)


def _require_patience(config: ExperimentConfig, parent: Path, step: int) -> None:
    """Refuse to extend a run whose patience has run out: not one more step would be made."""
    path = manifests.checkpoint_folder(parent / CHECKPOINTS_NAME, step) / STATE_NAME
    training = config.training
    try:
        saved: dict[str, Any] = read_json(path, MAX_JSON_BYTES)["early_stopping"]
        stopping = EarlyStopping(
            **{**saved, "patience": training.early_stopping_patience, "min_delta": training.early_stopping_min_delta}
        )
    except (OSError, ValueError, LookupError, TypeError):
        raise FoundryError(f"{path}: is missing or damaged; put the checkpoint back from a copy") from None
    if stopping.should_stop:
        evaluations = stopping.evaluations_without_improvement
        raise UserError(
            f"--extend: {parent} ended at step {step} with {evaluations} evaluations without improvement, and "
            f"training.early_stopping_patience is {training.early_stopping_patience}, so no step would be made; "
            f"raise it above {evaluations}, or set it to null"
        )


def _copy_checkpoint(source: Path, target: Path, fingerprint: str, new_fingerprint: str) -> None:
    """Copy a whole checkpoint, byte for byte, into another run; damage to the one never reaches the other."""
    try:
        manifest = manifests.verify_outline(source, CHECKPOINT_FILES)
        if manifest.fingerprint != fingerprint:
            raise ValueError(f"it belongs to a run with fingerprint {manifest.fingerprint}")
        target.mkdir(parents=True)
        for name, entry in manifest.files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)
            manifests.verify_file(target, name, entry)
    except ValueError as problem:
        raise FoundryError(
            f"{source}: cannot be gone on from: {problem}; put it back from a copy. Nothing was made or changed"
        ) from None
    manifests.store_manifest(target, manifest.model_copy(update={"fingerprint": new_fingerprint}))


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
