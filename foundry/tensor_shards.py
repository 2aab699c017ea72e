"""Tensors on disk in parts: every process writes what it holds, and any number of processes reads what it needs.

`torch.distributed.checkpoint` decides who writes and who reads what. Its own file format keeps a pickle, which is
never read here; its other one is safetensors, where each file says in its header which part of which tensor it holds.
A file `model.safetensors` of an ordinary checkpoint has its counterpart in a folder `model.shards`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from foundry.errors import FoundryError
from foundry.manifests import FileDigest, Manifest, is_in_parts, parts_name, read_manifest

Tensors = Mapping[str, Mapping[str, Tensor]]
"""By the file that an ordinary checkpoint keeps them in, and by name; plain, or sharded over the processes."""


def write_parts(folder: Path, tensors: Tensors, rank: int) -> dict[str, FileDigest]:
    """Write this process's part of the tensors below `folder`, flushed to disk; every process calls it at once.

    Returns:
        The digest of every file that this process has written, by its name relative to `folder`.

    Raises:
        OSError: one of the processes could not write; raised in each of them.
        FoundryError: another failure of one of them; raised in each.
    """
    for file, held in tensors.items():
        try:
            save(
                dict(held),
                storage_writer=HuggingFaceStorageWriter(str(folder / parts_name(file)), save_distributed=True),
            )
        except CheckpointException as failure:
            error = next(iter(failure.failures.values()))[0]
            raise error if isinstance(error, OSError) else FoundryError(f"{folder.name}: {error}") from failure
    return {
        path.relative_to(folder).as_posix(): FileDigest.of(path)
        for file in tensors
        for path in sorted((folder / parts_name(file)).glob(f"shard-{rank + 1:05d}-*"))
    }


def check_parts(folder: Path, manifest: Manifest, tensors: Tensors) -> None:
    """Compare what the files of a checkpoint say they hold with `tensors`; their content is not read.

    Raises:
        ValueError: a file is not listed or no safetensors file, or other names, shapes, types or parts are there.
    """
    for file, held in tensors.items():
        stored = _stored(folder, manifest, file)
        if missing := sorted(held.keys() - stored.keys()):
            raise ValueError(f"{file} lacks {len(missing)} tensors that are needed, such as {missing[0]}")
        if is_in_parts(manifest, file) and (surplus := sorted(stored.keys() - held.keys())):
            raise ValueError(f"{file} holds {len(surplus)} tensors that have no place, such as {surplus[0]}")
        for name, tensor in held.items():
            found = stored[name]
            if found.size != tensor.shape or found.properties.dtype != tensor.dtype:
                raise ValueError(
                    f"{file} holds {name} as {found.properties.dtype} of shape {tuple(found.size)}, but "
                    f"{tensor.dtype} of shape {tuple(tensor.shape)} is needed"
                )


def read_parts(folder: Path, manifest: Manifest, tensors: Tensors) -> None:
    """Fill `tensors` from a checkpoint in files or in parts, which `check_parts` has passed.

    Each process reads its own part, whatever the number of processes that wrote, and needs no other for that.
    """
    for file, held in tensors.items():
        with warnings.catch_warnings():  # the library warns of a process that reads alone; here it is meant to
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            reader = HuggingFaceStorageReader(str(_place(folder, manifest, file)))
            load(dict(held), storage_reader=reader, no_dist=True)


def read_file_in_parts(folder: Path, file: str, targets: Mapping[str, Tensor]) -> None:
    """Fill `targets` from the parts of one file of a verified checkpoint.

    Raises:
        ValueError: they hold other tensors.
    """
    manifest = read_manifest(folder)
    check_parts(folder, manifest, {file: targets})
    read_parts(folder, manifest, {file: targets})


def put_together(folder: Path, file: str) -> dict[str, Tensor]:
    """All tensors of one file of a verified checkpoint, from their parts, in host memory.

    Raises:
        ValueError: the parts do not fit together.
    """
    manifest = read_manifest(folder)
    tensors = {
        name: torch.empty(stored.size, dtype=stored.properties.dtype)
        for name, stored in _stored(folder, manifest, file).items()
    }
    read_parts(folder, manifest, {file: tensors})
    return tensors


def _place(folder: Path, manifest: Manifest, file: str) -> Path:
    return folder / parts_name(file) if is_in_parts(manifest, file) else folder


def _stored(folder: Path, manifest: Manifest, file: str) -> dict[str, TensorStorageMetadata]:
    """What the headers of the files say, once it is plausible: no tensor is larger than the files that hold it."""
    place = _place(folder, manifest, file)
    for path in place.glob("*.safetensors"):
        if path.relative_to(folder).as_posix() not in manifest.files:
            raise ValueError(f"{path.relative_to(folder)} is not listed in the manifest")
    try:
        stored = HuggingFaceStorageReader(str(place)).read_metadata().state_dict_metadata
    except Exception as error:  # noqa: BLE001 (a header may be wrong in any way)
        raise ValueError(f"{place.name} is not a set of whole safetensors files: {error}") from None
    described: dict[str, TensorStorageMetadata] = {}
    for name, tensor in stored.items():
        assert isinstance(tensor, TensorStorageMetadata)
        if sum(math.prod(chunk.sizes) for chunk in tensor.chunks) != math.prod(tensor.size):
            raise ValueError(f"{place.name} does not hold every part of {name}")
        described[name] = tensor
    return described
