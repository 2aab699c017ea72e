"""Tensors on disk as safetensors, written and read in one pass in which the SHA-256 is computed, too.

The `safetensors` library writes from copies and does not hash; a checkpoint that is copied, written, and read again for
its digest takes twice the memory and more than the time. Here the bytes go from the tensors to the file and from the
file into existing tensors, in pieces, while a second thread hashes them. The format is that of the library, which also
checks every header before one byte of the content is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import struct
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from foundry.manifests import FileDigest

PIECE_BYTES = 4 << 20
ALIGNMENT = 8
"""The header is filled up with spaces to a multiple of this, so that the content is aligned for memory maps."""

FORMAT_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def content_bytes(tensors: Mapping[str, Tensor]) -> int:
    """The bytes that the tensors take in a file, its header left out."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def local_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor that is sharded over several; any other tensor as it is."""
    to_local = getattr(tensor, "to_local", None)
    return tensor if to_local is None else to_local()


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> FileDigest:
    """Write the tensors to a new file and flush it to disk; its digest, computed meanwhile.

    Tensors on a device are copied to the host one after the other.

    Raises:
        OSError: it could not be written.
    """
    # Wider types first, so that each tensor is aligned to its own type.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    with path.open("wb", buffering=0) as stream, _hashing() as hashing:
        _write_hashed(stream.fileno(), _header_of(ordered), hashing)
        for _, tensor in ordered:
            on_host = tensor.detach().cpu().contiguous()
            _write_hashed(stream.fileno(), _bytes_of(on_host), hashing)
            if on_host.data_ptr() != tensor.data_ptr():
                hashing.wait()  # for one copy at a time
        os.fsync(stream.fileno())
        return FileDigest(sha256=hashing.hexdigest(), bytes=os.fstat(stream.fileno()).st_size)


def read_tensors(path: Path, targets: Mapping[str, Tensor], expected: FileDigest | None = None) -> None:
    """Fill `targets` with the content of a file that holds exactly these names, types and shapes.

    Args:
        targets: tensors on any device; on an error they may hold a part of the file's content.
        expected: the digest that the file must have.

    Raises:
        ValueError: the file is missing, not whole, of another digest, or holds other tensors; says which.
    """
    try:
        with path.open("rb", buffering=0) as stream, _hashing() as hashing:
            size = os.fstat(stream.fileno()).st_size
            if expected is not None and size != expected.bytes:
                raise ValueError(f"{path.name} has {size:,} bytes instead of {expected.bytes:,}")
            order = _checked_order(path, targets)
            header = memoryview(bytearray(size - content_bytes(targets)))
            for content, tensor in ((header, None), *((None, targets[name]) for name in order)):
                _read_piecewise(stream.fileno(), content, tensor, hashing)
            if expected is not None and hashing.hexdigest() != expected.sha256:
                raise ValueError(f"{path.name} does not have the SHA-256 that its manifest lists")
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or error}") from None


def _header_of(tensors: list[tuple[str, Tensor]]) -> memoryview:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors:
        begin, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": FORMAT_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return memoryview(struct.pack("<Q", len(text)) + text)


def _bytes_of(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the host."""
    return memoryview(tensor.reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]


def _checked_order(path: Path, targets: Mapping[str, Tensor]) -> list[str]:
    """The names in the order of their content, after the header was compared with `targets`."""
    try:
        with safe_open(path, "pt") as opened:
            order = list(opened.offset_keys())
            _require_same_names(path, set(order), set(targets))
            for name, target in targets.items():
                found = opened.get_slice(name)
                if tuple(found.get_shape()) != tuple(target.shape) or found.get_dtype() != FORMAT_NAMES[target.dtype]:
                    raise ValueError(
                        f"{path.name} holds {name} as {found.get_dtype()} of shape {tuple(found.get_shape())}, but "
                        f"{FORMAT_NAMES[target.dtype]} of shape {tuple(target.shape)} is needed"
                    )
    except SafetensorError as error:
        raise ValueError(f"{path.name} is not a whole safetensors file: {error}") from None
    return order


def _require_same_names(path: Path, stored: set[str], needed: set[str]) -> None:
    if missing := sorted(needed - stored):
        raise ValueError(f"{path.name} lacks {len(missing)} tensors that are needed, such as {missing[0]}")
    if surplus := sorted(stored - needed):
        raise ValueError(f"{path.name} holds {len(surplus)} tensors that have no place, such as {surplus[0]}")


def _read_piecewise(descriptor: int, content: memoryview | None, tensor: Tensor | None, hashing: _Hashing) -> None:
    """Read the next bytes of a file into `content`, or into `tensor` through its memory or through a buffer."""
    staged: Tensor | None = None
    if content is None:
        assert tensor is not None
        staged = tensor.detach()
        if staged.device.type != "cpu" or not staged.is_contiguous():
            staged = torch.empty(tensor.shape, dtype=tensor.dtype)
        content = _bytes_of(staged)
    for start in range(0, len(content), PIECE_BYTES):
        piece = content[start : start + PIECE_BYTES]
        _read_all(descriptor, piece)
        hashing.add(piece)
    if tensor is not None and staged is not None and staged.data_ptr() != tensor.data_ptr():
        tensor.detach().copy_(staged)
        hashing.wait()  # for one copy at a time


def _write_hashed(descriptor: int, content: memoryview, hashing: _Hashing) -> None:
    for start in range(0, len(content), PIECE_BYTES):
        piece = content[start : start + PIECE_BYTES]
        hashing.add(piece)
        _write_all(descriptor, piece)


def _write_all(descriptor: int, content: memoryview) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _read_all(descriptor: int, content: memoryview) -> None:
    while content:
        count = os.readv(descriptor, [content])
        if count == 0:
            raise OSError(0, "the file ends too early")
        content = content[count:]


class _Hashing:
    """Hashes pieces of memory in a thread, in their order; the memory must not change before `wait` or `hexdigest`.

    No piece is copied, so any number of them may be under way. The thread begins with the first large piece: small ones
    are hashed sooner than a thread has begun.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pieces: queue.SimpleQueue[memoryview | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_complete = False

    def add(self, piece: memoryview) -> None:
        """Hash `piece` after those before it."""
        if len(piece) < PIECE_BYTES and self._thread is None:
            self._hash.update(piece)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)
            self._thread.start()
        self._pieces.put(piece)

    def wait(self) -> None:
        """Return when every piece that was added is hashed; at once, where the thread has died for want of memory."""
        done = threading.Event()
        self._pieces.put(done)
        while self._thread is not None and self._thread.is_alive() and not done.wait(timeout=1):
            pass

    def hexdigest(self) -> str:
        """The SHA-256 of all pieces."""
        self.end()
        if self._thread is not None and not self._is_complete:
            raise MemoryError("the thread that hashes has ended too early")
        return self._hash.hexdigest()

    def end(self) -> None:
        """Wait for the pieces that are under way, and end the thread."""
        self._pieces.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, threading.Event):
                piece.set()
            else:
                self._hash.update(piece)
        self._is_complete = True


@contextlib.contextmanager
def _hashing() -> Iterator[_Hashing]:
    hashing = _Hashing()
    try:
        yield hashing
    finally:
        hashing.end()
