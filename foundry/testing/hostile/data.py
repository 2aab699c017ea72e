"""Hostile corpora: planted into a prepared cache, a folder of the `datasets` library, or a `.jsonl` file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foundry.files import sha256_of
from foundry.testing.hostile import payloads
from foundry.testing.hostile.item import Hostile
from foundry.testing.hostile.runs import content_for, special_for

Plant = Callable[[Path, Path], None]
STATISTICS = "statistics.json"
TRAINING = "train.bin"
ROW = b'{"text": "def load(): return 1"}\n'


def caches() -> Iterator[Hostile]:
    """What is planted into prepared data; it is made again."""
    for says, content in {
        "statistics nested without end": payloads.deep_json(),
        "statistics that are a list": b"[]",
        "statistics of nothing": b"{}",
        "statistics with a number without end": b'{"block_size": ' + b"9" * payloads.MANY_DIGITS + b"}",
    }.items():
        yield Hostile(says, "the reader of statistics", content_for(STATISTICS, content))
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "statistics without the tokens": lambda content: content["files"].pop(TRAINING),
        "statistics of files elsewhere": lambda content: content["files"].update({"../../small.yaml": _nothing()}),
        "blocks of no tokens": lambda content: content.update(block_size=0),
        "blocks in words": lambda content: content.update(block_size="long"),
        "sizes in words": lambda content: content["files"][TRAINING].update(bytes="many"),
        "files in words": lambda content: content.update(files="all"),
    }
    for says, change in changes.items():
        yield Hostile(says, "the reader of statistics", _changed(change))
    yield Hostile("half a token", "the reader of tokens", _tokens(b"\1"))
    yield Hostile("no tokens", "the reader of tokens", _tokens(b""))
    yield Hostile("statistics of 3 GB", "whoever reads a whole file", special_for(STATISTICS, payloads.sparse))
    yield Hostile("a named pipe for statistics", "whoever waits", special_for(STATISTICS, payloads.named_pipe))
    yield Hostile("a named pipe for tokens", "whoever waits", _pipe_for_tokens)
    yield Hostile("an endless device for tokens", "whoever reads to the end", _device_for_tokens)
    yield Hostile("a link for prepared data", "whoever removes what a link leads to", _linked)
    yield Hostile("a pickle for statistics", "whoever unpickles", _pickle(STATISTICS))


def rows() -> Iterator[Hostile]:
    """What is planted in place of a `.jsonl` corpus."""
    texts = {
        "a row nested without end": ROW + b'{"text": ' + payloads.deep_json() + b"}\n",
        "a row with a number without end": ROW + b'{"n": ' + b"9" * payloads.MANY_DIGITS + b"}\n",
        "a row that is binary": ROW + bytes(range(256)) + b"\n",
        "a row that does not end": ROW + b'{"text": "' + b"x" * 100_000,
    }
    for says, content in texts.items():
        yield Hostile(says, "the reader of rows", _file(content))
    yield Hostile("a row of 300 MB", "whoever reads a line", lambda path, _canary: payloads.sparse_300_mb(path))
    yield Hostile("a named pipe for rows", "whoever waits", lambda path, _canary: payloads.named_pipe(path))
    yield Hostile("a pickle for rows", "whoever unpickles", _pickled_file)


def saved_datasets() -> Iterator[Hostile]:
    """What is planted into a folder that the `datasets` library saved."""
    for name in ("state.json", "dataset_info.json"):
        yield Hostile(f"{name} nested without end", "its reader", content_for(name, payloads.deep_json()))
        yield Hostile(f"{name} that is a list", "its reader", content_for(name, b"[1]"))
        yield Hostile(f"{name} of 300 MB", "whoever reads a whole file", special_for(name, payloads.sparse_300_mb))
        yield Hostile(f"a pickle for {name}", "whoever unpickles", _pickle(name))
    yield Hostile("rows of noise", "the reader of Arrow", _rows_of(bytes(range(256)) * 40))
    yield Hostile("rows of nothing", "the reader of Arrow", _rows_of(b""))
    yield Hostile("rows above the folder", "whoever opens what is listed", _rows_above)
    yield Hostile("a named pipe for the rows", "whoever waits", _pipe_for_rows)


def _nothing() -> dict[str, Any]:
    return {"sha256": "0" * 64, "bytes": 0}


def _changed(change: Callable[[dict[str, Any]], None]) -> Plant:
    def plant(folder: Path, _canary: Path) -> None:
        content = json.loads((folder / STATISTICS).read_text(encoding="utf-8"))
        change(content)
        (folder / STATISTICS).write_text(json.dumps(content), encoding="utf-8")

    return plant


def _tokens(content: bytes) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        (folder / TRAINING).write_bytes(content)
        entry = {"sha256": sha256_of(folder / TRAINING), "bytes": len(content)}
        _changed(lambda statistics: statistics["files"].update({TRAINING: entry}))(folder, canary)

    return plant


def _pipe_for_tokens(folder: Path, canary: Path) -> None:
    payloads.named_pipe(folder / TRAINING)
    _changed(lambda content: content["files"].update({TRAINING: _nothing()}))(folder, canary)


def _device_for_tokens(folder: Path, canary: Path) -> None:
    payloads.link(folder / TRAINING, payloads.ENDLESS)
    _changed(lambda content: content["files"].update({TRAINING: _nothing()}))(folder, canary)


def _linked(folder: Path, canary: Path) -> None:
    folder.rename(canary.parent / "moved-data")
    folder.symlink_to(canary.parent / "moved-data")


def _pickle(name: str) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        (folder / name).write_bytes(payloads.pickle_of(canary))

    return plant


def _file(content: bytes) -> Plant:
    def plant(path: Path, _canary: Path) -> None:
        path.write_bytes(content)

    return plant


def _pickled_file(path: Path, canary: Path) -> None:
    path.write_bytes(payloads.pickle_of(canary))


def _rows_file(folder: Path) -> Path:
    [path] = folder.glob("*.arrow")
    return path


def _rows_of(content: bytes) -> Plant:
    def plant(folder: Path, _canary: Path) -> None:
        _rows_file(folder).write_bytes(content)

    return plant


def _rows_above(folder: Path, canary: Path) -> None:
    _rows_file(folder).rename(canary.parent / "elsewhere.arrow")
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    state["_data_files"] = [{"filename": "../elsewhere.arrow"}]
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")


def _pipe_for_rows(folder: Path, _canary: Path) -> None:
    payloads.named_pipe(_rows_file(folder))
