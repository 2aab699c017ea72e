"""Checkpoints in parts: every process writes what it holds, and any number of processes reads what it needs.

`torch.distributed.checkpoint` decides who writes and who reads what. Its own file format keeps a pickle, which is
never read here; its other one is safetensors, where each file says in its header which part of which tensor it holds.
A file `model.safetensors` of an ordinary checkpoint has its counterpart in a folder `model.shards`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from foundry.manifests import FileDigest, Manifest
from foundry.training.processes import Processes

FILE_SUFFIX = ".safetensors"
FOLDER_SUFFIX = ".shards"


def shards_name(file: str) -> str:
    """The folder that holds the parts of what an ordinary checkpoint keeps in `file`."""
    return file.removesuffix(FILE_SUFFIX) + FOLDER_SUFFIX


def is_sharded(manifest: Manifest, file: str) -> bool:
    """Whether a checkpoint holds `file` in parts."""
    return any(PurePosixPath(name).parts[0] == shards_name(file) for name in manifest.files)


def write_shards(
    folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], processes: Processes
) -> dict[str, FileDigest]:
    """Write this process's part of the tensors below `folder`, flushed to disk; every process calls it.

    Returns:
        The digest of every file of every process, by its name relative to `folder`.

    Raises:
        FoundryError: one of the processes could not write its part.
    """
    for file, held in tensors.items():
        writer = HuggingFaceStorageWriter(str(folder / shards_name(file)), save_distributed=True)
        save(dict(held), storage_writer=writer)
    digests: dict[str, FileDigest] = {}
    for described in processes.together(lambda: _digests_of_own(folder, tensors, processes)):
        digests |= described
    return digests


def _digests_of_own(
    folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], processes: Processes
) -> dict[str, FileDigest]:
    return {
        path.relative_to(folder).as_posix(): FileDigest.of(path)
        for file in tensors
        for path in sorted((folder / shards_name(file)).glob(f"shard-{processes.rank + 1:05d}-*"))
    }


def check_parts(folder: Path, manifest: Manifest, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Compare what the files of a checkpoint say they hold with `tensors`; their content is not read.

    Args:
        tensors: plain or sharded, by the file that an ordinary checkpoint keeps them in.

    Raises:
        ValueError: a file is not listed, no safetensors file, or other names, shapes, types or parts are there.
    """
    for file, held in tensors.items():
        stored = _stored(folder, manifest, file)
        if missing := sorted(held.keys() - stored.keys()):
            raise ValueError(f"{file} lacks {len(missing)} tensors that are needed, such as {missing[0]}")
        if is_sharded(manifest, file) and (surplus := sorted(stored.keys() - held.keys())):
            raise ValueError(f"{file} holds {len(surplus)} tensors that have no place, such as {surplus[0]}")
        for name, tensor in held.items():
            found = stored[name]
            if found.size != tensor.shape or found.properties.dtype != tensor.dtype:
                raise ValueError(
                    f"{file} holds {name} as {found.properties.dtype} of shape {tuple(found.size)}, but "
                    f"{tensor.dtype} of shape {tuple(tensor.shape)} is needed"
                )


def read_parts(folder: Path, manifest: Manifest, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Fill `tensors`, plain or sharded, from a checkpoint that `check_parts` has passed.

    Each process reads its own part, whatever the number of processes that wrote it, and needs no other for that.
    """
    for file, held in tensors.items():
        with _without_warnings():
            reader = HuggingFaceStorageReader(str(_place(folder, manifest, file)))
            load(dict(held), storage_reader=reader, no_dist=True)


def read_whole(folder: Path, manifest: Manifest, file: str) -> dict[str, Tensor]:
    """All tensors of `file`, put together from their parts, in host memory.

    Raises:
        ValueError: the parts do not fit together.
    """
    tensors = {
        name: torch.empty(stored.size, dtype=stored.properties.dtype)
        for name, stored in _stored(folder, manifest, file).items()
    }
    read_parts(folder, manifest, {file: tensors})
    return tensors


def _place(folder: Path, manifest: Manifest, file: str) -> Path:
    return folder / shards_name(file) if is_sharded(manifest, file) else folder


def _stored(folder: Path, manifest: Manifest, file: str) -> dict[str, TensorStorageMetadata]:
    """What the headers of the files say, once it is plausible: nothing is larger than the files that hold it."""
    place = _place(folder, manifest, file)
    for path in place.glob(f"*{FILE_SUFFIX}"):
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
            raise ValueError(f"{file} does not hold every part of {name}")
        described[name] = tensor
    return described


@contextmanager
def _without_warnings() -> Iterator[None]:
    """The library warns of a process that reads alone; here it is meant to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        yield
