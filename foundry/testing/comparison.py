"""Assertions that two runs are the same, to the bit; each names the first difference.

    assert_identical_runs(Path("runs/a"), Path("elsewhere/runs/a"))

Nothing is rounded: 0.0 and -0.0 differ, and two NaN are the same if their bits are. What a clock or the machine gave
(times, rates, memory, the history of the record) and where the runs lie is not compared.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import safe_open

from foundry import manifests
from foundry.artifacts.local import digests_in
from foundry.training.lifecycle import RunRecord
from foundry.training.metrics import VOLATILE_KEYS, read_metrics

HALF_WRITTEN = (".writing-*", "incoming-*", "replaced-*")
"""The names that what is not whole has, in run folders and in the local store."""
TELLS_PLACES = {"config.yaml", "manifest.json", "training_info.json"}
"""Published files that name the folders of the run, or what the machine was like, and so differ between two places."""
_ABSENT = "(absent)"


def assert_identical_runs(first: Path, second: Path) -> None:
    """Two run folders hold the same metrics, checkpoints, record and publication.

    Compared are all steps' metrics; of the checkpoints that both have kept the last and all others: weights,
    optimizer state, counters and torch's generator; the tokenizer, the record, and every byte that the store holds.
    A run that was cleaned has no checkpoints; its publication speaks for it.

    Raises:
        AssertionError: names the file, the tensor or the step, and both values.
    """
    difference = first_difference(first, second)
    assert difference is None, f"{first} and {second} differ: {difference}"


def first_difference(first: Path, second: Path) -> str | None:
    """The first difference of two runs in words, in the order of their steps; None where they are identical."""
    return next(_differences(first, second), None)


def half_written(*folders: Path) -> list[Path]:
    """What stands below the folders under the name of something unfinished."""
    return sorted(path for folder in folders for pattern in HALF_WRITTEN for path in folder.rglob(pattern))


def first_name_difference(first: Path, second: Path) -> str | None:
    """The first file or folder that stands below one of two folders only; None where there is none."""
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (first, second)]
    different = sorted(names[0] ^ names[1])
    return f"{different[0]} is in one of them only" if different else None


def assert_same_tensors(first: Path, second: Path) -> None:
    """Two safetensors files hold the same names, types, shapes and bits."""
    difference = first_tensor_difference(first, second)
    assert difference is None, f"{first} and {second} differ: {difference}"


def first_tensor_difference(first: Path, second: Path) -> str | None:
    """The first tensor in which two safetensors files differ, in words; None where there is none."""
    with safe_open(first, "pt") as one, safe_open(second, "pt") as other:
        if set(one.keys()) != set(other.keys()):
            return f"tensors {sorted(set(one.keys()) ^ set(other.keys()))} are in one of them only"
        for name in sorted(one.keys()):
            difference = _difference_of_tensors(one.get_tensor(name), other.get_tensor(name))
            if difference is not None:
                return f"{name}{difference}"
    return None


def _difference_of_tensors(one: Any, other: Any) -> str | None:
    import torch

    if one.shape != other.shape or one.dtype != other.dtype:
        return f" is {one.dtype} {tuple(one.shape)} and {other.dtype} {tuple(other.shape)}"
    if one.numel() == 0:
        return None
    bytes_of = [tensor.reshape(-1).contiguous().view(torch.uint8).reshape(one.numel(), -1) for tensor in (one, other)]
    differing = (bytes_of[0] != bytes_of[1]).any(dim=1).nonzero().flatten()
    if not len(differing):
        return None
    position = int(differing[0])
    index = [int(number) for number in torch.unravel_index(torch.tensor(position), one.shape)]
    values = [tensor.reshape(-1)[position].item() for tensor in (one, other)]
    bits = [bytes(reversed(row[position].tolist())).hex() for row in bytes_of]
    return (
        f"{index} is {values[0]!r} and {values[1]!r} (bits {bits[0]} and {bits[1]}); "
        f"{len(differing)} of {one.numel()} numbers differ"
    )


def metrics_without_time(run_folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without the figures that a clock and the machine gave."""
    return [
        {key: value for key, value in row.items() if key not in VOLATILE_KEYS}
        for row in read_metrics(run_folder / "metrics.jsonl")
    ]


def first_json_difference(one: Any, other: Any) -> str | None:
    """Where two JSON values differ, and both values there; None where they do not, to the bit of each number."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            difference = first_json_difference(one.get(key, _ABSENT), other.get(key, _ABSENT))
            if difference is not None:
                return f"{key}{'' if difference.startswith(' ') else '.'}{difference}"
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for position, pair in enumerate(zip(one, other, strict=True)):
            difference = first_json_difference(*pair)
            if difference is not None:
                return f"{position}{'' if difference.startswith(' ') else '.'}{difference}"
        return None
    return None if _same_value(one, other) else f" is {_shortened(one)} and {_shortened(other)}"


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    return type(one) is type(other) and one == other


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _differences(first: Path, second: Path) -> Iterator[str]:
    yield from _differences_of_metrics(metrics_without_time(first), metrics_without_time(second))
    records = RunRecord.read(first), RunRecord.read(second)
    yield from _differences_of_checkpoints(first, second, records)
    yield from _differences_of_files(first / "tokenizer", second / "tokenizer", "tokenizer", set())
    same_config = (first / "config.yaml").read_bytes() == (second / "config.yaml").read_bytes()
    yield from _differences_of_publications(records, set() if same_config else TELLS_PLACES)
    yield from _differences_of_records(records, set() if same_config else TELLS_PLACES)


def _differences_of_metrics(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> Iterator[str]:
    for row, other in zip(rows, others, strict=False):
        difference = first_json_difference(row, other)
        if difference is not None:
            yield f"metrics.jsonl, step {row.get('step')}: {difference}"
    if len(rows) != len(others):
        yield f"metrics.jsonl has {len(rows)} and {len(others)} lines"


def _differences_of_checkpoints(first: Path, second: Path, records: tuple[RunRecord, RunRecord]) -> Iterator[str]:
    kept = [{path.name for path in manifests.checkpoint_folders(run / "checkpoints")} for run in (first, second)]
    for name in sorted(kept[0] & kept[1]):
        place = f"checkpoints/{name}"
        held = [_tensor_files(run / place) for run in (first, second)]
        if held[0] != held[1]:
            yield f"{place}: {sorted(held[0] ^ held[1])} are in one of them only"
        for tensors in sorted(held[0] & held[1]):
            difference = first_tensor_difference(first / place / tensors, second / place / tensors)
            if difference is not None:
                yield f"{place}/{tensors}: {difference}"
        difference = first_json_difference(*(_counters(run / place / "state.json") for run in (first, second)))
        if difference is not None:
            yield f"{place}/state.json: {difference}"
    last = [f"step-{record.steps_done:08d}" for record in records]
    if any(kept) and not all(name in names for name, names in zip(last, kept, strict=True)):
        yield f"checkpoints: kept are {sorted(kept[0])} and {sorted(kept[1])}, the last steps {last[0]} and {last[1]}"


def _tensor_files(checkpoint: Path) -> set[str]:
    return {path.relative_to(checkpoint).as_posix() for path in checkpoint.rglob("*.safetensors")}


def _counters(path: Path) -> Any:
    """A checkpoint's state without the generators of Python and numpy, which no step draws from and nothing seeds."""
    state = json.loads(path.read_text(encoding="utf-8"))
    for generator in ("python", "numpy"):
        state.get("rng", {}).pop(generator, None)
    return state


def _differences_of_publications(records: tuple[RunRecord, RunRecord], left_out: set[str]) -> Iterator[str]:
    published = [record.published for record in records]
    if published[0] is None or published[1] is None:
        if published[0] is not published[1]:
            yield "only one of them is published"
        return
    folders = [Path(artifact.location) for artifact in published if artifact is not None]
    yield from _differences_of_files(folders[0], folders[1], "the published", left_out)


def _differences_of_files(first: Path, second: Path, what: str, left_out: set[str]) -> Iterator[str]:
    """Files that are not the same below two folders; of tensors the first that differs is named."""
    digests = [digests_in(folder) for folder in (first, second)]
    for name in sorted(digests[0].keys() | digests[1].keys()):
        one, other = (listed.get(name, _ABSENT) for listed in digests)
        if one == other or name in left_out:
            continue
        tensors = name.endswith(".safetensors") and _ABSENT not in (one, other)
        detail = first_tensor_difference(first / name, second / name) if tensors else None
        yield f"{what} {name}: {detail or f'its SHA-256 is {one} and {other}'}"


def _differences_of_records(records: tuple[RunRecord, RunRecord], left_out: set[str]) -> Iterator[str]:
    plain = [record.model_dump(mode="json", exclude={"history"}) for record in records]
    for record in plain:
        if record["published"] is not None:
            record["published"]["location"] = Path(record["published"]["location"]).name
            for name in left_out:
                record["published"]["digests"].pop(name, None)
    difference = first_json_difference(*plain)
    if difference is not None:
        yield f"run.json: {difference}"
