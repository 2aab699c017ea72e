"""Prepares the data of an experiment once, and finds it again in a cache that is never trusted without a check."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from foundry.config import ExperimentConfig
from foundry.data.blocks import BlockDataset
from foundry.data.build import (
    TOKENIZER_FOLDER,
    TRAINING_FILE,
    VALIDATION_FILE,
    DataBuild,
    read_blocks,
)
from foundry.data.increment import HELD_OUT_NAME, TRAINED_NAME, Increment
from foundry.data.prepared_folder import MAX_STATISTICS_BYTES, STATISTICS_FILE
from foundry.data.pretrained_tokenizer import pretrained_tokenizer
from foundry.data.progress import Progress
from foundry.data.sources import report_left_out, source_identity
from foundry.data.tokenizers import Tokenizer, load_tokenizer
from foundry.errors import FoundryError, UserError
from foundry.files import new_folder, sha256_of, temporary_folder
from foundry.untrusted import is_plain_name, read_json, shown


@dataclass(frozen=True)
class PreparedData:
    """Tokens on disk, ready to be made into batches.

    Attributes:
        tokenizer: the one that made the tokens.
        training: the blocks of the training documents.
        validation: the blocks of the validation documents; None where none are kept.
        folder: where all this lies.
        digest: SHA-256 over the token files and those beside them: equal digests mean equal batches.
        statistics: what was read, left out, tokenized and packed, as plain JSON values.
    """

    tokenizer: Tokenizer
    training: BlockDataset
    validation: BlockDataset | None
    folder: Path
    digest: str
    statistics: dict[str, Any]


class DataProcessor:
    """Makes the data of an experiment, or finds it in the cache.

    Args:
        config: the experiment.
        report: takes lines for the user: progress of what lasts longer than two seconds, and what was left out.
        increment: prepare what is new since an earlier run; None prepares the whole corpus.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        report: Callable[[str], None] | None = None,
        increment: Increment | None = None,
    ) -> None:
        self._config = config
        self._increment = increment
        self._progress = Progress(report)
        self._report = report

    def prepare(self) -> PreparedData:
        """The data of the experiment; the same for every process that prepares it at the same time.

        Raises:
            UserError: the source is missing, broken, empty or too small.
            FoundryError: the source changed while it was read, or reading it failed.
        """
        config, identity = source_identity(self._config, self._report)
        if config.data.prepared is not None:
            prepared = prepared_elsewhere(config, config.data.prepared)
        else:
            prepared = self._found_or_built(config, identity)
        if config.tokenizer.output_dir is not None:
            prepared.tokenizer.save(config.tokenizer.output_dir)
        return prepared

    def _found_or_built(self, config: ExperimentConfig, identity: str) -> PreparedData:
        if config.data.git is not None and self._report is not None:
            report_left_out(config.data.git, self._report)
        folder = self._cache_folder() / data_fingerprint(config, identity, self._increment)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self._alone(folder):
            prepared = self._from_cache(folder)
            if prepared is None:
                self._build(config, identity, folder)
                prepared = load_prepared(folder)
        return prepared

    def _cache_folder(self) -> Path:
        return self._config.data.cache_dir or self._config.training.output_dir / ".data"

    @contextlib.contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        """No other process builds, checks or removes `folder` meanwhile."""
        lock = FileLock(folder.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._progress.note("another process prepares the same data: waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _from_cache(self, folder: Path) -> PreparedData | None:
        """What the cache holds; None where it holds nothing, or something damaged, which is removed."""
        if not os.path.lexists(folder):
            return None
        try:
            return load_prepared(folder)
        except FoundryError as error:
            self._progress.note(f"{error}; preparing the data again")
            if folder.is_symlink():
                folder.unlink()
            else:
                shutil.rmtree(folder)
            return None

    def _build(self, config: ExperimentConfig, identity: str, folder: Path) -> None:
        with new_folder(folder) as unfinished:
            DataBuild(config, unfinished, self._report, self._increment).run()
            if source_identity(config)[1] != identity:
                raise FoundryError("the corpus changed while it was read; launch again")


def load_prepared(folder: Path) -> PreparedData:
    """What was prepared in `folder`, after a check of every file's size and SHA-256.

    Raises:
        FoundryError: a file is missing, or not the one that was written.
    """
    try:
        if folder.is_symlink():
            raise ValueError("it is a symbolic link")
        statistics = read_json(folder / STATISTICS_FILE, MAX_STATISTICS_BYTES)
        files: dict[str, dict[str, Any]] = statistics["files"]
        for name, written in files.items():
            _check(folder, name, written)
        tokenizer = load_tokenizer(folder / TOKENIZER_FOLDER)
        blocks = {
            name: read_blocks(folder / name, tokenizer, statistics["block_size"], files)
            for name in (TRAINING_FILE, VALIDATION_FILE)
            if name in files
        }
        if TRAINING_FILE not in blocks:
            raise ValueError(f"{TRAINING_FILE} is missing")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError) as error:
        raise FoundryError(f"prepared data in {folder} is damaged ({shown(str(error))})") from error
    digests = [written["sha256"] for name, written in files.items() if "/" not in name]
    digest = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    return PreparedData(tokenizer, blocks[TRAINING_FILE], blocks.get(VALIDATION_FILE), folder, digest, statistics)


def prepared_elsewhere(config: ExperimentConfig, folder: Path) -> PreparedData:
    """The data that an experiment names in `data.prepared`, checked, and as its other settings will have it.

    Raises:
        UserError: it does not go with the experiment.
        FoundryError: it is damaged.
    """
    prepared = load_prepared(folder.expanduser().resolve())
    for name in (TRAINED_NAME, HELD_OUT_NAME):
        if name not in prepared.statistics["files"]:
            raise FoundryError(f"prepared data in {folder} is damaged ({name} is missing)")
    for blocks in filter(None, (prepared.training, prepared.validation)):
        if len(blocks.tokens) == 0 or int(blocks.tokens.max()) >= prepared.tokenizer.vocab_size:
            raise FoundryError(f"prepared data in {folder} is damaged (it holds tokens beyond its vocabulary, or none)")
    if config.has_validation and prepared.validation is None:
        raise UserError(f"data.prepared: {folder} keeps nothing for validation; set data.validation_fraction to 0")
    if config.model.pretrained is not None:
        _require_tokenizer_of_model(config, prepared)
    if config.data.attend_across_documents:
        prepared = _without_starts(prepared)
    return prepared if config.has_validation else _without_validation(prepared)


def _require_tokenizer_of_model(config: ExperimentConfig, prepared: PreparedData) -> None:
    """Check that the tokens are numbered as the pretrained model knows them."""
    with temporary_folder(Path(tempfile.gettempdir()), f"tokenizer-{uuid.uuid4().hex}") as folder:
        pretrained_tokenizer(config).save(folder)
        own = {f"{TOKENIZER_FOLDER}/{path.name}": sha256_of(path) for path in folder.iterdir()}
    files = prepared.statistics["files"]
    given = {name: entry["sha256"] for name, entry in files.items() if name.startswith(f"{TOKENIZER_FOLDER}/")}
    if own != given:
        raise UserError(
            f"data.prepared: the tokens in {config.data.prepared} were not made by the tokenizer of "
            f"{config.model.pretrained} (model.pretrained); tokenize again with it"
        )


def _without_starts(prepared: PreparedData) -> PreparedData:
    """The data with documents that see each other."""
    validation = prepared.validation
    return replace(
        prepared,
        training=prepared.training.without_starts(),
        validation=None if validation is None else validation.without_starts(),
    )


def _without_validation(prepared: PreparedData) -> PreparedData:
    """The data of an experiment that trains without validation."""
    statistics = {
        key: {name: part for name, part in value.items() if name != "validation"}
        if isinstance(value, dict) and "training" in value
        else value
        for key, value in prepared.statistics.items()
    }
    return replace(prepared, validation=None, statistics=statistics)


def _check(folder: Path, name: str, written: dict[str, Any]) -> None:
    path = folder / name
    if not all(is_plain_name(part) for part in name.split("/")):
        raise ValueError(f"{shown(name)} is not a name inside the folder")
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        raise ValueError(f"{name} is missing")
    if path.stat().st_size != written["bytes"]:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, {written['bytes']} were written")
    if sha256_of(path) != written["sha256"]:
        raise ValueError(f"{path.name} is not what was written")


def data_fingerprint(config: ExperimentConfig, identity: str, increment: Increment | None) -> str:
    """Names the prepared data: a digest over all that decides its tokens and blocks, this code included.

    Args:
        identity: see `source_identity`.
    """
    git = None if config.data.git is None else config.data.git.model_dump(exclude={"repository", "revision"})
    decisive = {
        "source": identity,
        "git": git,
        "text_field": config.data.text_field,
        "format": config.data.format,
        "attend_across_documents": config.data.attend_across_documents,
        "validation_fraction": config.data.validation_fraction,
        "random_seed": config.random_seed,
        "block_size": config.data.max_sequence_length,
        "tokenizer": config.tokenizer.model_dump(exclude={"output_dir"}),
        "increment": None if increment is None else increment.digest,
        "code": code_digest(),
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def code_digest() -> str:
    """SHA-256 over the modules of this package."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{module.name} {sha256_of(module)}\n".encode())
    return digest.hexdigest()
