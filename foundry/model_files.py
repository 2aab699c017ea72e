"""What is published of a run, and how a model is found again from a run or an artifact. Imports nothing heavy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry import files, manifests
from foundry.artifacts.download import Fetching, fetched_model
from foundry.artifacts.references import is_reference
from foundry.artifacts.store import Bundle
from foundry.base_models import ADAPTER_CONFIG_NAME, ADAPTER_WEIGHTS_NAME, BASE_NAME, BaseRecord
from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment
from foundry.environments import read_launches
from foundry.errors import FoundryError, UserError
from foundry.evaluation.training_info import TRAINING_INFO_NAME, training_info
from foundry.manifests import WEIGHTS_NAME, FileDigest, Manifest, is_in_parts, parts_name, readable_checkpoints
from foundry.training.lifecycle import CONFIG_NAME, RECORD_NAME, PublishedArtifact, Run

TOKENIZER_NAME = "tokenizer"


@dataclass(frozen=True)
class ModelFiles:
    """All that is needed to build a trained model again.

    Attributes:
        weights: a safetensors file, or the folder in a checkpoint that holds its parts.
        tokenizer: the folder that `load_tokenizer` reads.
        step: steps that the weights have seen.
        base: the pretrained model that training began with; None where it began with fresh weights.
    """

    weights: Path
    config: ExperimentConfig
    tokenizer: Path
    step: int
    base: BaseRecord | None = None


def bundle_of(run: Run, checkpoint: Path, staging: Path) -> tuple[Bundle, dict[str, str]]:
    """The bundle of a verified checkpoint, and the digest of each of its files.

    Args:
        checkpoint: its folder.
        staging: an empty folder, where the artifact's manifest is written, and weights that are put together.

    Raises:
        FoundryError: a symbolic link would be followed to a file from elsewhere, or parts do not fit together.
    """
    source = manifests.read_manifest(checkpoint)
    paths = {WEIGHTS_NAME: _whole_weights(checkpoint, source, staging), CONFIG_NAME: run.folder / CONFIG_NAME}
    described = {} if is_in_parts(source, WEIGHTS_NAME) else {WEIGHTS_NAME: source.files[WEIGHTS_NAME]}
    paths |= {
        f"{TOKENIZER_NAME}/{name}": run.tokenizer / name for name in sorted(manifests.describe_files(run.tokenizer))
    }
    paths |= _beside_adapter(run, paths[WEIGHTS_NAME], staging)
    for path in (run.tokenizer, *paths.values()):
        if path.is_symlink():
            raise FoundryError(f"{path}: is a symbolic link, and only files of the run are published; replace it")
    for name, path in paths.items():
        described.setdefault(name, FileDigest.of(path))
    manifest = Manifest(
        step=source.step,
        validation_loss=source.validation_loss,
        fingerprint=source.fingerprint,
        files=described,
        base_digest=source.base_digest,
    )
    paths[manifests.MANIFEST_NAME] = manifests.store_manifest(staging, manifest)
    digests = manifest.digests | {manifests.MANIFEST_NAME: FileDigest.of(paths[manifests.MANIFEST_NAME]).sha256}
    return Bundle(run.record.run_id, paths, _metadata(run, manifest, digests)), digests


def _beside_adapter(run: Run, weights: Path, staging: Path) -> dict[str, Path]:
    """What a model that began with a pretrained one has beside its weights; an adapter also in `peft`'s own form."""
    if not (run.folder / BASE_NAME).is_file():
        return {}
    info = staging / TRAINING_INFO_NAME
    files.write_json(info, training_info(run.folder))
    paths = {BASE_NAME: run.folder / BASE_NAME, TRAINING_INFO_NAME: info}
    if (adapter := run.folder / ADAPTER_CONFIG_NAME).is_file():
        paths |= {ADAPTER_CONFIG_NAME: adapter, ADAPTER_WEIGHTS_NAME: weights}
    return paths


def _metadata(run: Run, manifest: Manifest, digests: dict[str, str]) -> dict[str, Any]:
    """What a registry shows beside the files; `git_commit` is that of the folder which the run was launched in."""
    newest_launch = next(iter(read_launches(run.folder)), {})
    return {
        "step": manifest.step,
        "validation_loss": manifest.validation_loss,
        "fingerprint": manifest.fingerprint,
        "git_commit": newest_launch.get("git_commit"),
        "foundry_version": run.record.foundry_version,
        "sha256": digests,
    }


def _whole_weights(checkpoint: Path, manifest: Manifest, staging: Path) -> Path:
    """The file with the weights of a checkpoint, put together in `staging` where several processes wrote parts."""
    if not is_in_parts(manifest, WEIGHTS_NAME):
        return checkpoint / WEIGHTS_NAME
    from foundry.tensor_files import write_tensors
    from foundry.tensor_shards import put_together

    try:
        write_tensors(staging / WEIGHTS_NAME, put_together(checkpoint, WEIGHTS_NAME))
    except ValueError as problem:
        raise FoundryError(f"{checkpoint}: its parts cannot be put together: {problem}") from None
    return staging / WEIGHTS_NAME


@contextlib.contextmanager
def opened_model(reference: str | Path, how: Fetching) -> Iterator[ModelFiles]:
    """The model behind a run folder (the published one, else its best checkpoint), an artifact folder, or a reference.

    Every file is verified against its digest before it is named here. What comes from the cache stays there while the
    block runs.

    Raises:
        UserError: there is no model.
        FoundryError: there is one, and it is damaged, or it cannot be fetched.
    """
    if isinstance(reference, str) and is_reference(reference):
        with fetched_model(reference, how, _require_model) as folder:
            yield _files_of(folder)
        return
    folder = Path(reference)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name a run, an artifact or a Hugging Face folder")
    if (folder / RECORD_NAME).is_file():
        with _model_of_run(Run.open(folder), how) as found:
            yield found
    elif (folder / manifests.MANIFEST_NAME).is_file():
        yield _model_of_artifact(folder)
    else:
        raise UserError(f"{folder}: neither a run ({RECORD_NAME}) nor an artifact ({manifests.MANIFEST_NAME})")


@contextlib.contextmanager
def _model_of_run(run: Run, how: Fetching) -> Iterator[ModelFiles]:
    published = run.record.published
    if published is None:
        yield _best_checkpoint(run)
    elif not is_reference(published.location):
        yield _model_of_artifact(_local_artifact(run, published))
    elif (kept := _published_checkpoint(run, published)) is not None:
        yield kept
    else:
        digest = published.digests.get(manifests.MANIFEST_NAME)
        with fetched_model(published.location, how, _require_model, digest) as folder:
            yield _files_of(folder)


def _local_artifact(run: Run, published: PublishedArtifact) -> Path:
    folder = Path(published.location)
    if not folder.is_dir():
        raise FoundryError(
            f"{run.folder}: its model was published to {folder}, and is gone from there; name its new place"
        )
    return folder


def _published_checkpoint(run: Run, published: PublishedArtifact) -> ModelFiles | None:
    """The checkpoint that was published, where the run still has it as it was sent."""
    folder = manifests.checkpoint_folder(run.checkpoints, published.step)
    try:
        manifest = manifests.verify(folder, (WEIGHTS_NAME,))
    except ValueError:
        return None
    if manifest.digests.get(WEIGHTS_NAME) != published.digests.get(WEIGHTS_NAME):
        return None
    return _files(folder / WEIGHTS_NAME, run.folder, run.tokenizer, manifest)


def _best_checkpoint(run: Run) -> ModelFiles:
    candidates = readable_checkpoints(run.checkpoints)
    if not candidates:
        raise UserError(f"{run.folder}: has no checkpoint yet (state {run.record.state}); train it first")
    folder, manifest = manifests.best_of(candidates)
    _verify(folder, "checkpoint")
    weights = parts_name(WEIGHTS_NAME) if is_in_parts(manifest, WEIGHTS_NAME) else WEIGHTS_NAME
    return _files(folder / weights, run.folder, run.tokenizer, manifest)


def _model_of_artifact(folder: Path) -> ModelFiles:
    _verify(folder, "artifact")
    return _files_of(folder)


def _files_of(folder: Path) -> ModelFiles:
    """The model in the folder of an artifact that was verified."""
    return _files(folder / WEIGHTS_NAME, folder, folder / TOKENIZER_NAME, manifests.read_manifest(folder))


def _files(weights: Path, folder: Path, tokenizer: Path, manifest: Manifest) -> ModelFiles:
    """The model whose configuration, and what is known of its base, are in `folder`."""
    config = load_experiment(folder / CONFIG_NAME)
    if config.model.pretrained is None:
        return ModelFiles(weights, config, tokenizer, manifest.step)
    base = BaseRecord.read(folder)
    if base.digest != manifest.base_digest:
        raise FoundryError(
            f"{folder}: {BASE_NAME} names a base with SHA-256 {base.digest[:12]}…, and the weights were trained on "
            f"another ({str(manifest.base_digest)[:12]}…); put the file back from a copy"
        )
    return ModelFiles(weights, config, tokenizer, manifest.step, base)


def _require_model(folder: Path) -> None:
    """Look at what was fetched as whoever loads it does, short of making the model."""
    from foundry.data.tokenizers import load_tokenizer
    from foundry.models.plausibility import require_weights_for

    found = _files_of(folder)
    tokenizer = load_tokenizer(found.tokenizer)
    if found.base is not None:
        return  # what its weights belong to may not be on this machine
    require_weights_for(found.config.model, tokenizer.vocab_size, found.config.data.max_sequence_length, found.weights)


def _verify(folder: Path, what: str) -> Manifest:
    try:
        return manifests.verify(folder, (WEIGHTS_NAME,))
    except ValueError as problem:
        raise FoundryError(f"{folder}: the {what} is damaged: {problem}") from None
