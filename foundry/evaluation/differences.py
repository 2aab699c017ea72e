"""What differs between two runs: configuration, environment, data, metrics and outcome. Imports nothing heavy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry import files, manifests
from foundry.config_file import load_experiment
from foundry.environments import read_launches
from foundry.evaluation.summary import RunSummary
from foundry.settings import settings_of
from foundry.training.lifecycle import CHECKPOINTS_NAME, CONFIG_NAME
from foundry.training.metrics import VOLATILE_KEYS

SECTIONS = ("configuration", "environment", "data", "metrics", "outcome")
ABSENT = "(absent)"
PLACES = ("data.git.repository", "data.source_corpus", "data.training_corpus", "data.test_corpus", "data.prepared")
"""Settings that say where the corpus lies. What it holds is compared as data."""
DIFFERS_ANYHOW = ("time", "command", "next_step", "settings")
"""Of a launch, not of its environment."""


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ.

    Attributes:
        matters: it changes the weights or the metrics, or shows that they are not the same.
    """

    section: str
    name: str
    first: Any
    second: Any
    matters: bool


def differences(first: Path, second: Path) -> list[Difference]:
    """Everything in which the runs in two folders differ, section by section.

    Raises:
        UserError: one of them is no run, or its record or configuration cannot be read.
    """
    runs = RunSummary.read(first), RunSummary.read(second)
    found = (_configuration, _environment, _data, _metrics, _outcome)
    return list(itertools.chain.from_iterable(section(*runs) for section in found))


def _configuration(first: RunSummary, second: RunSummary) -> Iterator[Difference]:
    one, other = (
        {setting.key: setting for setting in settings_of(load_experiment(run.folder / CONFIG_NAME))}
        for run in (first, second)
    )
    for key in dict.fromkeys([*one, *other]):
        values = [side[key].value if key in side else ABSENT for side in (one, other)]
        if values[0] != values[1]:
            known = one.get(key) or other[key]
            both_given = ABSENT not in values and None not in values
            yield Difference(
                "configuration", key, values[0], values[1], known.changes_weights and not (key in PLACES and both_given)
            )


def _environment(first: RunSummary, second: RunSummary) -> Iterator[Difference]:
    one, other = (
        [{k: v for k, v in launch.items() if k not in DIFFERS_ANYHOW} for launch in read_launches(run.folder)]
        for run in (first, second)
    )
    yield from _of_mappings("environment", one[0] if one else {}, other[0] if other else {}, matters=False)
    moves = [sum(a != b for a, b in itertools.pairwise(launches)) for launches in (one, other)]
    if moves[0] != moves[1]:
        yield Difference("environment", "changes between launches", moves[0], moves[1], False)


def _data(first: RunSummary, second: RunSummary) -> Iterator[Difference]:
    yield from _of_mappings("data", first.document("data.json"), second.document("data.json"), matters=True)
    if first.record.data_digest != second.record.data_digest:
        yield Difference("data", "data digest", first.record.data_digest, second.record.data_digest, True)
    tokenizers = [_digests(run.folder / "tokenizer") for run in (first, second)]
    yield from _of_mappings("data", {"tokenizer": tokenizers[0]}, {"tokenizer": tokenizers[1]}, matters=True)


def _metrics(first: RunSummary, second: RunSummary) -> Iterator[Difference]:
    one, other = ({row["step"]: row for row in run.metrics} for run in (first, second))
    common = sorted(one.keys() & other.keys())
    for name in dict.fromkeys(key for step in common for key in (*one[step], *other[step])):
        if name in ("step", *VOLATILE_KEYS):
            continue
        for step in common:
            values = one[step].get(name), other[step].get(name)
            if values[0] != values[1] and name in one[step] and name in other[step]:
                yield Difference("metrics", f"{name}, first at step {step}", values[0], values[1], True)
                break
    if one and other:
        lasts = [rows[max(rows)].get("loss") for rows in (one, other)]
        if lasts[0] != lasts[1]:
            yield Difference("metrics", "final loss", lasts[0], lasts[1], True)
    best = first.record.best_validation_loss, second.record.best_validation_loss
    if best[0] != best[1]:
        yield Difference("metrics", "best validation loss", best[0], best[1], True)
    for rows, others in ((one, other), (other, one)):
        if only := sorted(rows.keys() - others.keys()):
            shown = f"{len(only)}, the first at step {only[0]}"
            sides = (shown, "0") if rows is one else ("0", shown)
            yield Difference("metrics", "steps logged in one alone", sides[0], sides[1], False)


def _outcome(first: RunSummary, second: RunSummary) -> Iterator[Difference]:
    for name, matters in (
        ("fingerprint", False),
        ("foundry_version", False),
        ("extended_from", False),
        ("grown_from", False),
        ("state", False),
        ("steps_done", True),
        ("total_steps", True),
        ("best_step", True),
    ):
        values = [getattr(run.record, name) for run in (first, second)]
        if values[0] != values[1]:
            shown = [str(value) if name.endswith("_from") and value else value for value in values]
            yield Difference("outcome", name.replace("_", " "), shown[0], shown[1], matters)
    weights = [_checkpoint_digests(run.folder) for run in (first, second)]
    for name in sorted(weights[0].keys() & weights[1].keys()):
        if weights[0][name] != weights[1][name]:
            yield Difference("outcome", name, weights[0][name], weights[1][name], True)
    published = [run.record.published for run in (first, second)]
    for name, values in (
        ("published step", [artifact.step if artifact else None for artifact in published]),
        (
            "published weights",
            [artifact.digests.get(manifests.WEIGHTS_NAME) if artifact else None for artifact in published],
        ),
    ):
        if values[0] != values[1]:
            yield Difference("outcome", name, values[0], values[1], None not in values)


def _checkpoint_digests(folder: Path) -> dict[str, str]:
    """What the manifests say of weights and optimizer, by checkpoint and file; the files are not read."""
    return {
        f"{path.name}/{name}": manifest.digests[name]
        for path, manifest in manifests.readable_checkpoints(folder / CHECKPOINTS_NAME)
        for name in manifest.digests
        if name.endswith(".safetensors")
    }


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: files.sha256_of(path) for path in sorted(folder.glob("*")) if path.is_file()}


def _of_mappings(
    section: str, one: Mapping[str, Any], other: Mapping[str, Any], *, matters: bool, prefix: str = ""
) -> Iterator[Difference]:
    for key in dict.fromkeys([*one, *other]):
        values = one.get(key, ABSENT), other.get(key, ABSENT)
        if isinstance(values[0], dict) and isinstance(values[1], dict):
            yield from _of_mappings(section, values[0], values[1], matters=matters, prefix=f"{prefix}{key}.")
        elif values[0] != values[1]:
            yield Difference(section, f"{prefix}{key}", values[0], values[1], matters)
