"""Hostile checkpoints: each is planted into a whole one, with digests forged so that they agree wherever they can."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foundry.manifests import MANIFEST_NAME, WEIGHTS_NAME
from foundry.testing.damage import change_manifest, forge_digests
from foundry.testing.hostile import payloads
from foundry.testing.hostile.item import Hostile

OPTIMIZER_NAME = "optimizer.safetensors"
STATE_NAME = "state.json"
ZEROS = "0" * 64
NUM_LISTED = 300_000


def checkpoints() -> Iterator[Hostile]:
    """What is planted into a checkpoint folder."""
    yield from _pickles()
    yield from _names()
    yield from _manifests()
    yield from _special_files()
    for name in (WEIGHTS_NAME, OPTIMIZER_NAME):
        for says, content in payloads.HEADERS.items():
            if name == OPTIMIZER_NAME and says == "tensors of nothing":
                continue  # an optimizer has no state before its first update
            yield Hostile(f"{says} in {name}", "the reader of tensors", _forged(name, content))
    yield from _states()


def _pickles() -> Iterator[Hostile]:
    for name in (WEIGHTS_NAME, OPTIMIZER_NAME, STATE_NAME):
        yield Hostile(f"a pickle named {name}", "whoever unpickles", _pickle(name))
        yield Hostile(f"a file of torch.save named {name}", "whoever unpickles", _torch_file(name))
    yield Hostile(
        f"a pickle named {MANIFEST_NAME}",
        "whoever unpickles",
        lambda folder, canary: _write(folder / MANIFEST_NAME, payloads.pickle_of(canary)),
    )


def extra_files() -> Iterator[Hostile]:
    """What is put beside a whole checkpoint, and must neither be run nor be an obstacle."""
    for name in ("pytorch_model.bin", "optimizer.pt", "rng.pt", "scheduler.pt", "training_args.bin"):
        yield Hostile(f"{name} beside the others, listed", "whoever unpickles what it finds", _torch_file(name))
    for name in ("sitecustomize.py", "modeling_custom.py", "conftest.py"):
        yield Hostile(f"{name} beside the others", "whoever imports what it finds", _code(name))
    yield Hostile(
        "a named pipe beside the others",
        "whoever opens what it finds",
        lambda folder, _canary: payloads.named_pipe(folder / "pipe"),
    )


def _names() -> Iterator[Hostile]:
    for says, name in {
        "a name above the folder": "../../run.json",
        "a name far above the folder": "../" * 12 + "etc/passwd",
        "an absolute name": "/etc/passwd",
        "a name with backslashes": "..\\..\\run.json",
        "a name with a drive": "C:/Windows/win.ini",
        "a name with a zero byte": "state.json\0.txt",
        "an empty name": "",
        "the name of the folder itself": ".",
        "a name that ends with a slash": "state.json/",
        "a name of several lines": "state.json\nall is well",
        "a name with terminal commands": "\x1b]0;owned\x07",
        "a name of 100,000 letters": "n" * 100_000,
        "a name with half a pair": "\ud800",
    }.items():
        yield Hostile(f"{says} in its manifest", "whoever opens what is listed", _listing(name))


def _manifests() -> Iterator[Hostile]:
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "a size beyond every disk": lambda content: content["files"][WEIGHTS_NAME].update(bytes=1 << 62),
        "a negative size": lambda content: content["files"][WEIGHTS_NAME].update(bytes=-1),
        "a size of a thousand digits": lambda content: content["files"][WEIGHTS_NAME].update(bytes=10**999),
        "a size in words": lambda content: content["files"][WEIGHTS_NAME].update(bytes="many"),
        "a step of a thousand digits": lambda content: content.update(step=10**999),
        "a step in words": lambda content: content.update(step="ten"),
        "a loss that is not a number": lambda content: content.update(validation_loss=float("nan")),
        "an infinite loss": lambda content: content.update(validation_loss=float("-inf")),
        "a fingerprint of several lines": lambda content: content.update(fingerprint="a\nall is well"),
        "a fingerprint of a million letters": lambda content: content.update(fingerprint="f" * 900_000),
        "a list of files": lambda content: content.update(files=[]),
        "no files": lambda content: content.update(files={}),
        "an unknown key": lambda content: content.update(__class__="os.system"),
        "another format": lambda content: content.update(format_version=2),
        "a format in words": lambda content: content.update(format_version="one"),
        "a digest that is none": lambda content: content["files"][WEIGHTS_NAME].update(sha256="../../run.json"),
        "a crowd of files": lambda content: content["files"].update(_crowd()),
    }
    for says, change in changes.items():
        yield Hostile(f"{says} in its manifest", "the reader of manifests", _changed(change))
    texts = {
        "a manifest nested without end": payloads.deep_json(),
        "a manifest with a number without end": b'{"step": ' + b"9" * payloads.MANY_DIGITS + b"}",
        "a manifest that is a list": b"[]",
        "a manifest that is null": b"null",
        "a manifest that is no UTF-8": b'{"\xff": 1}',
        "a manifest that is binary": bytes(range(256)) * 8,
    }
    for says, content in texts.items():
        yield Hostile(says, "the reader of manifests", _content(MANIFEST_NAME, content))
    yield Hostile("a key twice in its manifest", "readers that disagree on which one counts", _repeated_key)
    yield Hostile("a manifest of 3 GB", "whoever reads a whole file", _sparse(MANIFEST_NAME))


def _special_files() -> Iterator[Hostile]:
    for name in (MANIFEST_NAME, WEIGHTS_NAME, STATE_NAME):
        yield Hostile(f"a named pipe for {name}", "whoever opens and waits", _special(name, payloads.named_pipe))
        yield Hostile(f"a socket for {name}", "whoever opens and waits", _special(name, payloads.listening_socket))
        yield Hostile(f"a link to {payloads.ENDLESS} for {name}", "whoever reads to the end", _linked(name))
        yield Hostile(f"a link to its copy for {name}", "whoever trusts what others can change", _linked_copy(name))
        yield Hostile(f"a link to nothing for {name}", "whoever follows links", _linked(name, Path("nothing")))
    yield Hostile("a link to its copy for the folder", "whoever removes what a link leads to", _linked_folder)
    yield Hostile("a link to itself for the folder", "whoever follows links without end", _link_to_itself)


def _states() -> Iterator[Hostile]:
    texts = {
        "nested without end": payloads.deep_json(),
        "with a number without end": b'{"step": ' + b"9" * payloads.MANY_DIGITS + b"}",
        "that is a list": b"[]",
        "that is null": b"null",
        "that is no UTF-8": b'{"\xff": 1}',
        "without a key": b"{}",
    }
    for says, content in texts.items():
        yield Hostile(f"a state {says}", "the reader of states", _forged(STATE_NAME, content))
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "generators in words": lambda state: state.update(rng="random"),
        "a generator of no bytes": lambda state: state["rng"].update(torch=""),
        "a generator that is no Base64": lambda state: state["rng"].update(torch="§" * 8),
        "a generator of 30 MB": lambda state: state["rng"].update(torch="A" * 30_000_000),
        "a generator of another kind": lambda state: state["rng"].update(numpy=["PCG64", "", 0, 0, 0.0]),
        "Python's generator in words": lambda state: state["rng"].update(python=["a", ["b"], "c"]),
        "early stopping with unknown keys": lambda state: state["early_stopping"].update(__class__="os.system"),
        "early stopping in words": lambda state: state.update(early_stopping="never"),
        "a patience in words": lambda state: state["early_stopping"].update(patience="long"),
        "a scaler in words": lambda state: state.update(scaler="large"),
        "another step": lambda state: state.update(step=7),
    }
    for says, change in changes.items():
        yield Hostile(f"a state with {says}", "the reader of states", _changed_state(change))
    yield Hostile("a state of 200 MB", "whoever reads a whole file", _large_state)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _content(name: str, content: bytes) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: _write(folder / name, content)


def _forged(name: str, content: bytes) -> Callable[[Path, Path], None]:
    def plant(folder: Path, _canary: Path) -> None:
        _write(folder / name, content)
        forge_digests(folder)

    return plant


def _pickle(name: str) -> Callable[[Path, Path], None]:
    def plant(folder: Path, canary: Path) -> None:
        _write(folder / name, payloads.pickle_of(canary))
        forge_digests(folder)

    return plant


def _code(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, canary: _write(folder / name, payloads.code_that_makes(canary).encode())


def _torch_file(name: str) -> Callable[[Path, Path], None]:
    def plant(folder: Path, canary: Path) -> None:
        payloads.torch_file_of(canary, folder / name)
        forge_digests(folder)

    return plant


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: change_manifest(folder, change)


def _listing(name: str) -> Callable[[Path, Path], None]:
    return _changed(lambda content: content["files"].update({name: {"sha256": ZEROS, "bytes": 0}}))


def _crowd() -> dict[str, Any]:
    entry = {"sha256": ZEROS, "bytes": 0}
    return dict.fromkeys(map(str, range(NUM_LISTED)), entry)


def _repeated_key(folder: Path, _canary: Path) -> None:
    path = folder / MANIFEST_NAME
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{", '{"step": 9, ', 1), encoding="utf-8")


def _sparse(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: payloads.sparse(folder / name)


def _special(name: str, make: Callable[[Path], None]) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: make(folder / name)


def _linked(name: str, target: Path = payloads.ENDLESS) -> Callable[[Path, Path], None]:
    return lambda folder, _canary: payloads.link(folder / name, target)


def _linked_copy(name: str) -> Callable[[Path, Path], None]:
    def plant(folder: Path, canary: Path) -> None:
        copy = canary.parent / f"copy-of-{name}"
        shutil.copyfile(folder / name, copy)
        payloads.link(folder / name, copy)

    return plant


def _linked_folder(folder: Path, canary: Path) -> None:
    folder.rename(canary.parent / "copy-of-checkpoint")
    folder.symlink_to(canary.parent / "copy-of-checkpoint")


def _link_to_itself(folder: Path, _canary: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.name)


def _changed_state(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Path], None]:
    def plant(folder: Path, _canary: Path) -> None:
        state = json.loads((folder / STATE_NAME).read_text(encoding="utf-8"))
        change(state)
        (folder / STATE_NAME).write_text(json.dumps(state), encoding="utf-8")
        forge_digests(folder)

    return plant


def _large_state(folder: Path, _canary: Path) -> None:
    payloads.sparse(folder / STATE_NAME, 200_000_000)
    forge_digests(folder)
