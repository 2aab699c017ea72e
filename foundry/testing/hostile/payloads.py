"""The dangerous contents themselves: pickles that act, headers that lie, texts that explode, files that never end."""

from __future__ import annotations

import json
import os
import pickle
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENDLESS = Path("/dev/zero")
DEPTH = 100_000
MANY_DIGITS = 100_000
SPARSE_BYTES = 3_000_000_000
"""What a sparse file pretends to hold; on disk it takes a few kilobytes."""


class _Act:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._code = code_that_makes(canary)

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self._code,)


def code_that_makes(canary: Path) -> str:
    """Python code that makes the file `canary`: it is there as soon as anyone has run the code."""
    return f"open({str(canary)!r}, 'w').close()\n"


def pickle_of(canary: Path) -> bytes:
    """A pickle that makes `canary` when it is loaded."""
    return pickle.dumps(_Act(canary))


def torch_file_of(canary: Path, path: Path) -> None:
    """Write what `torch.save` makes of such a pickle: a zip that `torch.load` would unpickle."""
    import torch

    torch.save({"weight": _Act(canary)}, path)


def safetensors(header: bytes | Mapping[str, Any], content: bytes = b"", header_bytes: int | None = None) -> bytes:
    """A safetensors file.

    Args:
        header_bytes: what the first eight bytes say of its length; the truth where None.
    """
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if header_bytes is None else header_bytes) + text + content


def one_tensor(shape: list[int], offsets: list[int], dtype: str = "F32") -> dict[str, Any]:
    """The header of a file with one tensor."""
    return {"embedding.weight": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


HEADERS: dict[str, bytes] = {
    "no byte at all": b"",
    "half a length": b"\x08\0\0",
    "a header of 9,223,372,036,854,775,807 bytes": safetensors(b"{}", header_bytes=2**63 - 1),
    "a header of 18,446,744,073,709,551,615 bytes": safetensors(b"{}", header_bytes=2**64 - 1),
    "a header that is longer than the file": safetensors(b"{}", header_bytes=50_000_000),
    "a header that is no UTF-8": safetensors(b'{"\xff": {}}'),
    "a header nested without end": safetensors(b'{"__metadata__": ' + b"[" * DEPTH),
    "a list for a header": safetensors(b"[]"),
    "tensor bytes beyond the file": safetensors(one_tensor([1 << 40], [0, 4 << 40])),
    "two tensors on the same bytes": safetensors(
        {**one_tensor([2], [0, 8]), "other": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)
    ),
    "offsets that run backwards": safetensors(one_tensor([2], [8, 0]), bytes(8)),
    "a negative offset": safetensors(one_tensor([2], [-8, 0]), bytes(8)),
    "a shape whose product overflows": safetensors(one_tensor([1 << 32, 1 << 32], [0, 0])),
    "a huge shape of no bytes": safetensors(one_tensor([1 << 40], [0, 0])),
    "an unknown type": safetensors(one_tensor([2], [0, 8], "OBJECT"), bytes(8)),
    "one name for two tensors": safetensors(
        b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
        b' "a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}',
        bytes(2),
    ),
    "tensors of nothing": safetensors({}),
}
"""Safetensors files that lie, by what they say."""


def deep_json() -> bytes:
    """Lists within lists: a recursive reader runs out of stack."""
    return b"[" * DEPTH + b"]" * DEPTH


def sparse(path: Path, num_bytes: int = SPARSE_BYTES) -> None:
    """A file that pretends to hold `num_bytes`, all zero."""
    path.unlink(missing_ok=True)
    with path.open("wb") as stream:
        stream.truncate(num_bytes)


def sparse_300_mb(path: Path) -> None:
    """One that may be hashed before it is read, which takes a third of a second; held in memory it would show."""
    sparse(path, 300_000_000)


def named_pipe(path: Path) -> None:
    """A pipe that nobody writes to: whoever opens it waits for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def listening_socket(path: Path) -> None:
    """A socket in the filesystem. Its name is bound from its folder, because such names may not be long."""
    path.unlink(missing_ok=True)
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def link(path: Path, target: Path) -> None:
    """A symbolic link in place of a file."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)
