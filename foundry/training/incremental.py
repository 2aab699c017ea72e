"""`--incremental`: the corpus of a finished run has grown, and a run of its own is trained on what is new.

It begins with the weights that the newest finished run of the experiment has published, with its tokenizer, and with a
fresh optimizer; length and learning rates are those of the experiment as it stands. What it begins with is copied into
its folder, so that a relaunch needs nothing else, and its fingerprint covers it. Where nothing is new, nothing is made.

Runs of the same experiment are those of its name, with the same model and adapter, on the same pretrained weights,
with the same tokenizer, seed, format, block length and share of validation, on the same source: the same place, or a
repository whose history holds their commit. The section `training`, the batch size, which files of a repository are
read, and whether attention crosses documents may differ.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry import files, manifests
from foundry.artifacts.download import Fetching
from foundry.config import ExperimentConfig, weight_settings
from foundry.config_file import load_experiment
from foundry.data.clones import is_url
from foundry.data.progress import Report
from foundry.data.sources import corpora, model_digest, open_repository
from foundry.errors import FoundryError, UserError
from foundry.manifests import WEIGHTS_NAME, FileDigest
from foundry.model_files import TOKENIZER_NAME, ModelFiles, opened_model
from foundry.reproducibility import without_password
from foundry.training.extension import FINISHED, MAX_JSON_BYTES, run_fingerprint, runs_named
from foundry.training.lifecycle import CHECKPOINTS_NAME, CONFIG_NAME, DATA_NAME, Run, RunRecord, WeightsOrigin
from foundry.untrusted import is_plain_name, read_json

if TYPE_CHECKING:
    from foundry.data.increment import Increment

ORIGIN_FOLDER = f"{CHECKPOINTS_NAME}/origin"
"""Where a grown run keeps what it begins with; it goes with the checkpoints when the run is cleaned."""
_SAME_DATA = ("format", "max_sequence_length", "validation_fraction")


@dataclass(frozen=True)
class Growth:
    """How an experiment whose corpus has grown goes on from a finished run.

    Attributes:
        parent: the folder of the finished run; None where the grown run exists already.
        run_folder: where the grown run is, or will be.
    """

    parent: Path | None
    origin: WeightsOrigin
    fingerprint: str
    run_folder: Path

    @property
    def remembered(self) -> Path:
        """The folder that says what the finished run has seen."""
        return self.parent or self.run_folder / ORIGIN_FOLDER


@dataclass(frozen=True)
class NothingNew:
    """The corpus holds no document that the newest run in `run_folder`, or one before it, has not seen."""

    run_folder: Path


@dataclass(frozen=True)
class _EarlierRun:
    folder: Path
    record: RunRecord
    config: ExperimentConfig


def find_growth(config: ExperimentConfig, source_identity: str, report: Report) -> Growth | NothingNew:
    """The grown run that `config` asks for: the one that was begun already, else one of the newest finished run.

    Nothing is written. Runs are looked for below `training.output_dir`, under the name of the experiment.

    Args:
        config: with its git revision resolved.

    Raises:
        UserError: there is nothing to go on from; says why, and what to do.
        FoundryError: what there is, is damaged.
    """
    if config.data.prepared is not None:
        raise UserError(
            "--incremental: data.prepared holds tokens, in which what is new cannot be told from what is not; train "
            "them as a run of their own, or name the corpus itself"
        )
    for folder, record in runs_named(config):
        origin = record.grown_from
        is_it = origin is not None and run_fingerprint(config, source_identity, origin) == record.fingerprint
        if is_it and record.state != "cleaned":
            assert origin is not None
            return Growth(None, origin, record.fingerprint, folder)
    earlier = _newest(config, source_identity)
    if _reads_the_same(config, source_identity, earlier):
        return NothingNew(earlier.folder)
    increment = read_increment(earlier.folder, earlier.record.fingerprint, config)
    from foundry.data.increment import num_new_documents

    if num_new_documents(config, increment.known, report) == 0:
        return NothingNew(earlier.folder)
    _report_rewritten_history(config, earlier, report)
    with opened_model(earlier.folder, Fetching(say=report)) as model:
        origin = _origin(earlier, model)
    fingerprint = run_fingerprint(config, source_identity, origin)
    return Growth(earlier.folder, origin, fingerprint, config.training.output_dir / config.run_id(fingerprint))


def read_increment(folder: Path, origin: str, config: ExperimentConfig) -> Increment:
    """What a run has seen, from its folder or from the copy that a grown run keeps; each byte is checked.

    Args:
        origin: the fingerprint of the run.

    Raises:
        FoundryError: something is missing or damaged.
    """
    from foundry.data.increment import DOCUMENTS_FOLDER, HELD_OUT_NAME, TRAINED_NAME, Increment, KnownDocuments

    try:
        described: dict[str, Any] = read_json(folder / DATA_NAME, MAX_JSON_BYTES)["files"]
        found = {name for name in described if name.split("/")[0] in (TOKENIZER_NAME, DOCUMENTS_FOLDER)}
        for name in sorted(found | {TRAINED_NAME, HELD_OUT_NAME}):
            if not all(is_plain_name(part) for part in name.split("/")) or (folder / name).is_symlink():
                raise ValueError(f"{DATA_NAME} names what is no file of the run")
            if name not in described:
                raise ValueError(f"it does not hold {name}, which this foundry keeps of each run")
            manifests.verify_file(folder, name, FileDigest.model_validate(described[name]))
        known = KnownDocuments.read(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise FoundryError(
            f"{folder}: cannot be gone on from: {str(problem).replace(manifests.MANIFEST_NAME, DATA_NAME)}; put it "
            "back from a copy, or train without --incremental. Nothing was made or changed"
        ) from None
    return Increment(origin, known, folder / TOKENIZER_NAME, config.data.incremental_context)


def begin_grown_run(growth: Growth, foundry_version: str, config_yaml: str, source_identity: str) -> Run:
    """Make the grown run, whole in one rename: with the weights that it begins with, and what its parent has seen.

    Raises:
        FoundryError: the parent's model is damaged or gone, or there is no room; nothing is left behind.
    """
    parent, origin = growth.parent, growth.origin
    assert parent is not None, "the grown run exists already"

    def add_files(folder: Path) -> None:
        from foundry.data.increment import DOCUMENTS_FOLDER

        target = folder / ORIGIN_FOLDER
        target.mkdir(parents=True)
        for name in (TOKENIZER_NAME, DOCUMENTS_FOLDER):
            shutil.copytree(parent / name, target / name)
        shutil.copyfile(parent / DATA_NAME, target / DATA_NAME)
        with opened_model(parent, Fetching()) as model:
            shutil.copyfile(model.weights, target / WEIGHTS_NAME)
        if files.sha256_of(target / WEIGHTS_NAME) != origin.weights_sha256:
            raise FoundryError(f"{parent}: its model changed while it was read; launch again")

    try:
        return Run.create(
            growth.run_folder,
            growth.run_folder.name,
            growth.fingerprint,
            foundry_version,
            config_yaml,
            add_files=add_files,
            reason=f"grown from {origin}",
            source_identity=source_identity,
            grown_from=origin,
        )
    except OSError as error:
        raise files.disk_failure(error, parent, "the grown run") from error


def first_weights(run: Run) -> Path | None:
    """The file of the weights that a grown run begins with; None where it has begun, or begins with fresh ones.

    Raises:
        FoundryError: the file is gone, or damaged.
    """
    origin = run.record.grown_from
    if origin is None or run.record.steps_done or manifests.checkpoint_folders(run.checkpoints):
        return None
    path = run.folder / ORIGIN_FOLDER / WEIGHTS_NAME
    problem = "is missing" if not path.is_file() else None
    if problem is None and files.sha256_of(path) != origin.weights_sha256:
        problem = f"does not have the SHA-256 of the model of {origin.run_id}"
    if problem is not None:
        raise FoundryError(
            f"{path}: {problem}, and the run begins with it; put it back from a copy, or remove {run.folder} and "
            "launch again with --incremental"
        )
    return path


def _newest(config: ExperimentConfig, source_identity: str) -> _EarlierRun:
    """The run of the same experiment that was begun last.

    Raises:
        UserError: there is none, or it is not finished.
    """
    named = [(folder, record, _config_of(folder)) for folder, record in runs_named(config)]
    found = [
        _EarlierRun(folder, record, theirs)
        for folder, record, theirs in named
        if model_digest(record.source_identity) == model_digest(source_identity)
        and theirs is not None
        and _is_same_experiment(config, theirs)
        and _is_same_source(config, theirs)
    ]
    if not found:
        raise UserError(
            f"--incremental: no run of {config.experiment_name} below {config.training.output_dir} has this model, "
            "tokenizer and seed, and an earlier state of this corpus; train it without --incremental first"
        )
    by_id = {run.record.run_id: run.record for run in found}
    newest = max(found, key=lambda run: (run.record.history[0].time, _generation(run.record, by_id), run.folder.name))
    if newest.record.state not in FINISHED:
        raise UserError(
            f"--incremental: {newest.folder} is {newest.record.state} at step {newest.record.steps_done}, and only a "
            f"finished run is gone on from; finish it by `foundry train {newest.folder}`, or remove it"
        )
    return newest


def _generation(record: RunRecord, by_id: dict[str, RunRecord]) -> int:
    """How many runs stand between a run and the first of its chain; tells apart what was begun in one second."""
    seen: set[str] = set()
    while record.grown_from is not None and record.grown_from.run_id in by_id.keys() - seen:
        seen.add(record.grown_from.run_id)
        record = by_id[record.grown_from.run_id]
    return len(seen)


def _config_of(folder: Path) -> ExperimentConfig | None:
    try:
        return load_experiment(folder / CONFIG_NAME)
    except UserError:
        return None


def _is_same_experiment(config: ExperimentConfig, theirs: ExperimentConfig) -> bool:
    """Whether the weights of the one go into the other, and its hashes of documents mean the same."""
    ours, other = weight_settings(config), weight_settings(theirs)
    same = all(ours[key] == other[key] for key in ("model", "lora", "tokenizer", "random_seed"))
    return same and all(ours["data"][key] == other["data"][key] for key in _SAME_DATA)


def _is_same_source(config: ExperimentConfig, theirs: ExperimentConfig) -> bool:
    """Whether both read the same place, or a repository that holds the commit of the other one."""
    if config.data.git is None or theirs.data.git is None:
        return config.data.git is theirs.data.git and _real(corpora(config)) == _real(corpora(theirs))
    places = [_repository(each.data.git.repository) for each in (config, theirs) if each.data.git is not None]
    return places[0] == places[1] or _is_ancestor(config, theirs)


def _real(paths: dict[str, Path]) -> dict[str, Path]:
    return {key: path.resolve() for key, path in paths.items()}


def _repository(named: str) -> str:
    return without_password(named) if is_url(named) else str(Path(named).expanduser().resolve())


def _is_ancestor(config: ExperimentConfig, theirs: ExperimentConfig) -> bool:
    """Whether the commit of the earlier run is among those that are read now."""
    assert config.data.git is not None and theirs.data.git is not None
    repository = open_repository(config.data.git, None)
    return repository.is_ancestor(theirs.data.git.revision, config.data.git.revision)


def _reads_the_same(config: ExperimentConfig, source_identity: str, earlier: _EarlierRun) -> bool:
    """Whether the earlier run has read the very corpus, in the very way, so that it need not be read to tell."""
    ours, theirs = (weight_settings(each)["data"] for each in (config, earlier.config))
    for settings in (ours, theirs):
        settings["git"] = {key: value for key, value in (settings["git"] or {}).items() if key not in _NOT_READING}
    reading = ("git", "text_field")
    return earlier.record.source_identity == source_identity and all(ours[key] == theirs[key] for key in reading)


_NOT_READING = ("repository", "revision")


def _report_rewritten_history(config: ExperimentConfig, earlier: _EarlierRun, report: Report) -> None:
    theirs = earlier.config.data.git
    if config.data.git is None or theirs is None or _is_ancestor(config, earlier.config):
        return
    report(
        f"commit {theirs.revision[:12]} of {earlier.folder} does not lead to {config.data.git.revision[:12]}: history "
        "was rewritten; what is new is told by content, so what both hold is not trained on again"
    )


def _origin(earlier: _EarlierRun, model: ModelFiles) -> WeightsOrigin:
    if not model.weights.is_file():
        raise UserError(
            f"--incremental: the weights of {earlier.folder} are in parts; put them together by "
            f"`foundry publish {earlier.folder}`"
        )
    record = earlier.record
    digest = files.sha256_of(model.weights)
    return WeightsOrigin(run_id=record.run_id, fingerprint=record.fingerprint, step=model.step, weights_sha256=digest)
