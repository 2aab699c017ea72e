"""Damage to a checkpoint folder, named in words: what disks, copies and people do to files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from foundry import manifests
from foundry.manifests import MANIFEST_NAME, WEIGHTS_NAME
from foundry.testing.faults import cut_file, flip_byte

FILES = (WEIGHTS_NAME, "optimizer.safetensors", "state.json", MANIFEST_NAME)
CUT_BYTES = 8


def damage(folder: Path, what: str) -> None:
    """Bring damage over the checkpoint in `folder`.

    Args:
        what: a key of `DAMAGES`.

    Raises:
        KeyError: there is no such damage.
    """
    DAMAGES[what](folder)


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the manifest of a checkpoint after `change` was made to its content."""
    path = folder / MANIFEST_NAME
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content | {manifests.SEAL: manifests.seal_of(content)}), encoding="utf-8")


def forge_digests(folder: Path) -> None:
    """Let the manifest list the files as they are now, as whoever tampers with them would."""
    described = manifests.describe_files(folder)

    def forge(content: dict[str, Any]) -> None:
        content["files"] = {name: entry.model_dump() for name, entry in described.items()}

    change_manifest(folder, forge)


def _flip(name: str, position: Callable[[int], int]) -> Callable[[Path], None]:
    return lambda folder: flip_byte(folder / name, position((folder / name).stat().st_size))


def _empty(name: str) -> Callable[[Path], None]:
    def empty(folder: Path) -> None:
        (folder / name).write_bytes(b"")

    return empty


def _lose(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _cut(name: str) -> Callable[[Path], None]:
    return lambda folder: cut_file(folder / name, CUT_BYTES)


def _lose_also_from_manifest(name: str) -> Callable[[Path], None]:
    def lose(folder: Path) -> None:
        (folder / name).unlink()
        change_manifest(folder, lambda content: content["files"].pop(name))

    return lose


def _lose_all(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _file_instead(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("not a folder", encoding="utf-8")


def _folder_instead(folder: Path) -> None:
    (folder / "state.json").unlink()
    (folder / "state.json").mkdir()


def _future_format(folder: Path) -> None:
    change_manifest(folder, lambda content: content.update(format_version=manifests.FORMAT_VERSION + 1))


def _step_before(folder: Path) -> Path:
    folders = manifests.checkpoint_folders(folder.parent)
    return folders[folders.index(folder) - 1]


def _weights_of_step_before(folder: Path) -> None:
    shutil.copyfile(_step_before(folder) / WEIGHTS_NAME, folder / WEIGHTS_NAME)


def _content_of_step_before(folder: Path) -> None:
    source = _step_before(folder)
    shutil.rmtree(folder)
    shutil.copytree(source, folder)


def _other_loss(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"validation_loss": 5', '"validation_loss": 4'), encoding="utf-8")


def _other_run(folder: Path) -> None:
    change_manifest(folder, lambda content: content.update(fingerprint="0" * 12))


def _other_shape(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS_NAME)
    save_file({name: values[..., :1].copy() for name, values in tensors.items()}, folder / WEIGHTS_NAME)
    forge_digests(folder)


def _left_by_the_system(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


def _named() -> Iterator[tuple[str, Callable[[Path], None]]]:
    for name in FILES:
        yield f"a flipped byte, the first of {name}", _flip(name, lambda _size: 0)
        yield f"a flipped byte, the middle of {name}", _flip(name, lambda size: size // 2)
        yield f"a flipped byte, the last of {name}", _flip(name, lambda size: size - 1)
        yield f"a cut off end of {name}", _cut(name)
        yield f"an empty {name}", _empty(name)
        yield f"the loss of {name}", _lose(name)
        yield f"the loss of {name}, also from its manifest", _lose_also_from_manifest(name)
    yield "the loss of all its files", _lose_all
    yield "a file in place of the folder", _file_instead
    yield "a folder in place of state.json", _folder_instead
    yield "the manifest of a future format", _future_format
    yield "the weights of checkpoint 9", _weights_of_step_before
    yield "the whole content of checkpoint 9", _content_of_step_before
    yield "another validation loss in manifest.json", _other_loss
    yield "the content of another run's checkpoint", _other_run
    yield "weights of another shape", _other_shape
    yield "a file .DS_Store beside the others", _left_by_the_system


DAMAGES: dict[str, Callable[[Path], None]] = dict(_named())
"""What can happen to a checkpoint folder, by its name in words."""
