"""Where the documents come from, and the identity of what stands there.

The identity is found without importing anything heavy, so that a finished run is recognised at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from foundry.config import DataConfig, ExperimentConfig, GitConfig
from foundry.data.clones import is_url, up_to_date_clone
from foundry.data.documents import DocumentSource, Skipped
from foundry.data.example_documents import ExampleSource
from foundry.data.git import GitRepository
from foundry.data.git_documents import GitSource
from foundry.data.languages import suffixes_of
from foundry.data.prepared_folder import prepared_identity
from foundry.data.progress import Report
from foundry.data.text_documents import TextSource, files_in, is_too_large
from foundry.errors import UserError
from foundry.files import sha256_of
from foundry.models.pretrained import locate

MODEL_PART = "model:"
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".msgpack")


def source_identity(config: ExperimentConfig, report: Report | None = None) -> tuple[ExperimentConfig, str]:
    """The experiment with its git revision resolved, and a string that changes with everything that its corpus holds.

    For a repository that is the commit's full id, for files a SHA-256 over their relative names and contents, and for
    prepared data one over the digests of its files; a pretrained model adds the SHA-256 of its weights, and a local
    tokenizer that of its folder. A repository named by a
    URL is cloned, or fetched, first, and so is a model on the hub.

    Args:
        report: takes lines on what the user should know of a clone: its progress, or that it is not up to date.

    Raises:
        UserError: there is nothing to read at the place named.
    """
    data = config.data
    parts = []
    if data.git is not None:
        suffixes_of(data.git.languages)
        commit_id = open_repository(data.git, report).resolve(data.git.revision)
        config = _pinned(config, data.git, commit_id)
        parts.append(f"git:{commit_id}")
    for key, path in corpora(config).items():
        is_text = corpus_kind(key, path) == "text"
        parts.append(f"{key}:{_digest_of(path, without_large_files=is_text)}")
    if data.prepared is not None:
        parts.append(prepared_identity(data.prepared, data.max_sequence_length))
    if config.model.pretrained is not None:
        found = locate(config.model)
        config = config.model_copy(update={"model": config.model.model_copy(update={"revision": found.revision})})
        parts.append(f"{MODEL_PART}{found.digest()}")
    if (tokenizer := local_tokenizer(config)) is not None:
        parts.append(f"tokenizer:{digest_of_tokenizer(tokenizer)}")
    return config, " ".join(parts)


def model_digest(identity: str | None) -> str | None:
    """The SHA-256 of the pretrained weights in a source identity; None for fresh weights."""
    parts = [part for part in (identity or "").split(" ") if part.startswith(MODEL_PART)]
    return parts[0].removeprefix(MODEL_PART) if parts else None


def open_repository(config: GitConfig, report: Report | None) -> GitRepository:
    """The repository that is named, cloned or fetched first where that is a URL."""
    if is_url(config.repository):
        return up_to_date_clone(config.repository, config.revision, report)
    return GitRepository.open(Path(config.repository).expanduser(), config.repository)


def report_left_out(config: GitConfig, report: Report) -> None:
    """Say what a repository holds that is not read: commits beyond a shallow history, changes not committed."""
    repository = open_repository(config, None)
    if repository.is_shallow:
        report(f"{repository.shown_as} is a shallow clone: only the commits that it holds are read")
    if changes := repository.num_uncommitted_changes():
        report(f"{changes} uncommitted {'change' if changes == 1 else 'changes'} in {repository.shown_as} left out")


def _pinned(config: ExperimentConfig, git: GitConfig, commit_id: str) -> ExperimentConfig:
    pinned = git.model_copy(update={"revision": commit_id})
    return config.model_copy(update={"data": config.data.model_copy(update={"git": pinned})})


def corpora(config: ExperimentConfig) -> dict[str, Path]:
    """The corpora on this machine's disk that the experiment names, by their keys."""
    named = {
        "data.source_corpus": config.data.source_corpus,
        "data.training_corpus": config.data.training_corpus,
        "data.test_corpus": config.data.test_corpus,
    }
    return {key: path.expanduser() for key, path in named.items() if path is not None}


def corpus_kind(key: str, path: Path) -> str:
    """`dataset` for a folder that the `datasets` library saved, `text` for any other folder, `.txt` and `.jsonl`.

    Args:
        key: the configuration key that names `path`, for messages.

    Raises:
        UserError: nothing that can be read is there.
    """
    if not path.exists():
        raise UserError(f"{key}: no file or folder at {path}")
    if (path / "dataset_dict.json").is_file():
        parts = ", ".join(sorted(entry.name for entry in path.iterdir() if entry.is_dir())) or "none"
        raise UserError(f"{key}: {path} holds several data sets ({parts}); name one of them")
    if path.is_dir():
        return "dataset" if (path / "dataset_info.json").is_file() and (path / "state.json").is_file() else "text"
    if path.suffix not in (".txt", ".jsonl"):
        raise UserError(f"{key}: {path} must be a folder, a .txt file or a .jsonl file")
    return "text"


def open_corpus(key: str, path: Path, data: DataConfig) -> DocumentSource:
    """The source of the documents at `path`, or of its examples where `data.format` says so; see `corpus_kind`.

    Raises:
        UserError: what is there cannot hold examples.
    """
    kind = corpus_kind(key, path)
    if data.format != "text":
        if path.is_dir() or path.suffix != ".jsonl":
            raise UserError(
                f"{key}: {path} must be a .jsonl file, because data.format is {data.format}; name one, or set "
                "data.format to text"
            )
        return ExampleSource(path, data.format)
    if kind == "dataset":
        from foundry.data.saved_datasets import SavedDatasetSource

        return SavedDatasetSource(path)
    return TextSource(path, data.text_field)


def document_sources(config: ExperimentConfig) -> list[DocumentSource]:
    """The source that is divided, or that of the training side and that of the validation side.

    Raises:
        UserError: a corpus of token numbers has no tokenizer, or cannot be read.
    """
    data = config.data
    if data.git is not None:
        return [open_git_source(data.git)]
    found = corpora(config)
    for key, path in found.items():
        if corpus_kind(key, path) == "dataset" and config.tokenizer.tokenizer_type != "pretrained":
            raise UserError(
                f"{key}: {path} holds token numbers: set tokenizer.tokenizer_type to pretrained and "
                "tokenizer.name_or_path to the tokenizer that made them"
            )
    return [open_corpus(key, path, data) for key, path in found.items()]


def open_git_source(config: GitConfig) -> GitSource:
    """The source of the documents of a repository, whose revision is a full commit id already."""
    return GitSource(open_repository(config, None), config.revision, config)


def local_tokenizer(config: ExperimentConfig) -> Path | None:
    """The folder or GGUF file of the pretrained tokenizer; None where it is trained here, or named on the model hub.

    Raises:
        UserError: the name can only be a path, and nothing is there.
    """
    name = config.tokenizer.name_or_path
    if name is None:
        return None
    if name == config.model.pretrained:
        return locate(config.model).place
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError(f"tokenizer.name_or_path: no folder at {name}")
    return None


def digest_of_tokenizer(path: Path) -> str:
    """SHA-256 over a folder or file of a tokenizer; weights that may lie beside it do not decide what it does."""
    if path.is_file():
        return sha256_of(path)
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix not in WEIGHT_SUFFIXES:
            digest.update(f"{sha256_of(file)} {file.name}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _digest_of(path: Path, *, without_large_files: bool) -> str:
    """SHA-256 over names and contents; with `without_large_files`, of those files that are read at all."""
    digest = hashlib.sha256()
    try:
        for file in _files_of(path):
            if without_large_files and is_too_large(file):
                continue
            name = file.name if file == path else file.relative_to(path).as_posix()
            digest.update(f"{sha256_of(file)} {name}\n".encode(errors="surrogateescape"))
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _files_of(path: Path) -> Iterator[Path]:
    return iter([path]) if path.is_file() else files_in(path, Skipped())
