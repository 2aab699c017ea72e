"""Hostile run folders: what is planted into a whole one beside its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foundry.testing.hostile import payloads
from foundry.testing.hostile.item import Hostile

Plant = Callable[[Path, Path], None]
RECORD = "run.json"
METRICS = "metrics.jsonl"
NUM_MOMENTS = 200_000


def records() -> Iterator[Hostile]:
    """What is planted in place of `run.json`; no launch may go on from it, or change it."""
    for says, change in _changes().items():
        yield Hostile(f"a record with {says}", "the reader of run.json", _changed(change))
    texts: dict[str, bytes] = {
        "a record nested without end": payloads.deep_json(),
        "a record with a number without end": b'{"format_version": ' + b"9" * payloads.MANY_DIGITS + b"}",
        "a record that is a list": b"[]",
        "a record that is null": b"null",
        "a record that is binary": bytes(range(256)),
        "an empty record": b"",
    }
    for says, content in texts.items():
        yield Hostile(says, "the reader of run.json", content_for(RECORD, content))
    yield Hostile("a pickle for a record", "whoever unpickles", _pickle)
    yield Hostile("a key twice in a record", "readers that disagree on which one counts", _repeated_key)
    yield Hostile("a record of 3 GB", "whoever reads a whole file", special_for(RECORD, payloads.sparse))
    yield Hostile("a named pipe for a record", "whoever opens and waits", special_for(RECORD, payloads.named_pipe))
    yield Hostile("a socket for a record", "whoever opens and waits", special_for(RECORD, payloads.listening_socket))
    yield Hostile("an endless device for a record", "whoever reads to the end", _linked(RECORD, payloads.ENDLESS))
    yield Hostile("a link to a record elsewhere", "whoever trusts what others can change", _moved_and_linked(RECORD))
    yield Hostile("a link to nothing for a record", "whoever follows links", _linked(RECORD, Path("nothing")))


def metrics() -> Iterator[Hostile]:
    """What is planted in place of `metrics.jsonl`."""
    deep, digits = payloads.deep_json(), b"9" * payloads.MANY_DIGITS
    texts: dict[str, bytes] = {
        "metrics nested without end": deep + b"\n",
        "metrics with a number without end": b'{"step": ' + digits + b"}\n",
        "metrics with a step of 300 digits": b'{"step": 1' + b"0" * 300 + b', "loss": 1.0}\n',
        "metrics that are binary": bytes(range(256)) * 100,
        "metrics that are lists": b"[1]\n[2]\n",
        "metrics in words": b'{"step": 1, "loss": "low", "time": "late", "validation_loss": [1]}\n' * 2,
        "metrics beyond every scale": b'{"step": 1, "loss": 1e999}\n{"step": 2, "loss": 1' + b"0" * 400 + b"}\n",
        "a line of 20 MB of metrics": b'{"step": 1, "loss": "' + b"x" * 20_000_000 + b'"}\n',
    }
    for says, content in texts.items():
        yield Hostile(says, "the reader of metrics", content_for(METRICS, content))
    endless = special_for(METRICS, payloads.sparse_300_mb)
    yield Hostile("metrics of 300 MB without a line", "whoever reads a line", endless)
    yield Hostile("a named pipe for metrics", "whoever opens and waits", special_for(METRICS, payloads.named_pipe))
    yield Hostile("an endless device for metrics", "whoever reads to the end", _linked(METRICS, payloads.ENDLESS))
    yield Hostile("a link to metrics elsewhere", "whoever writes where a link leads", _moved_and_linked(METRICS))


def links() -> Iterator[Hostile]:
    """Links that lead out of the run folder; nothing may be removed, written or published through them."""
    yield Hostile("checkpoints elsewhere", "whoever removes what a link leads to", _moved_and_linked("checkpoints"))
    yield Hostile("a tokenizer elsewhere", "whoever publishes what a link leads to", _moved_and_linked("tokenizer"))
    yield Hostile(
        "a secret in the tokenizer", "whoever publishes what a link leads to", _secret("tokenizer/notes.json")
    )
    yield Hostile("a configuration elsewhere", "whoever publishes it", _moved_and_linked("config.yaml"))


def _changes() -> dict[str, Callable[[dict[str, Any]], None]]:
    moment = {"state": "training", "reason": "again", "time": "2026-01-01T00:00:00+00:00", "step": 1}
    published = {"store": "local", "location": "artifacts/\n\x1b]0;owned\x07", "step": 1, "digests": {}}
    return {
        "a name that leaves the store": lambda record: record.update(run_id="../../outside"),
        "an absolute name": lambda record: record.update(run_id="/tmp/outside"),
        "a name of several lines": lambda record: record.update(run_id="a\nb"),
        "a state that does not exist": lambda record: record.update(state="root"),
        "steps in words": lambda record: record.update(steps_done="ten"),
        "an unknown key": lambda record: record.update(__class__="os.system"),
        "another format": lambda record: record.update(format_version=2),
        "a format in words": lambda record: record.update(format_version="\x1b[2Jone"),
        "a history of 200,000 moves": lambda record: record.update(history=[moment] * NUM_MOMENTS),
        "terminal commands for a place": lambda record: record.update(published=published),
    }


def _changed(change: Callable[[dict[str, Any]], None]) -> Plant:
    def plant(folder: Path, _canary: Path) -> None:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        change(record)
        (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")

    return plant


def content_for(name: str, content: bytes) -> Plant:
    """Plants a file with this content."""

    def plant(folder: Path, _canary: Path) -> None:
        (folder / name).write_bytes(content)

    return plant


def special_for(name: str, make: Callable[[Path], None]) -> Plant:
    """Plants what `make` makes in place of a file."""
    return lambda folder, _canary: make(folder / name)


def _pickle(folder: Path, canary: Path) -> None:
    (folder / RECORD).write_bytes(payloads.pickle_of(canary))


def _repeated_key(folder: Path, _canary: Path) -> None:
    text = (folder / RECORD).read_text(encoding="utf-8")
    (folder / RECORD).write_text(text.replace("{", '{"state": "cleaned", ', 1), encoding="utf-8")


def _linked(name: str, target: Path) -> Plant:
    return lambda folder, _canary: payloads.link(folder / name, target)


def _moved_and_linked(name: str) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        moved = (folder / name).rename(canary.parent / f"moved-{name}")
        (folder / name).symlink_to(moved)

    return plant


def _secret(name: str) -> Plant:
    def plant(folder: Path, canary: Path) -> None:
        secret = canary.parent / "secret"
        secret.write_text("the key", encoding="utf-8")
        (folder / name).symlink_to(secret)

    return plant
