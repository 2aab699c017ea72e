"""A history that is tokenized, and what can be read back of it: streams, documents, targets, and notes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from foundry.data.batches import IGNORED_LABEL, batch_of
from foundry.data.git import GitRepository
from foundry.data.processor import PreparedData, load_prepared
from foundry.errors import FoundryError
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import SEQUENCES_FOLDER, Phase, PhaseOutcome, Pipeline
from foundry.pipeline.phases.tokenize import Tokenize
from foundry.testing.invented_history import History

FOLDER = Path("pipelines/sample")
SMALL_EXPERIMENT: dict[str, Any] = {
    "random_seed": 7,
    "data": {"batch_size": 4},
    "tokenizer": {"vocab_size": 320},
    "model": {"layers": 2, "hidden_size": 32, "attention_heads": 2},
    "training": {"learning_rate": 3e-3, "device": "cpu", "async_checkpoints": False},
    "logging": {"log_interval": 1},
    "monitoring": {"memory": {"warn": None}, "disk_free": {"warn": None}},
}


@dataclass(frozen=True)
class Sequence:
    """One sequence as the trainer reads it.

    Attributes:
        ids: all its tokens.
        labels: as in `foundry.data.batches.Batch`.
        note: its line of the metadata.
    """

    ids: list[int]
    labels: list[int]
    note: dict[str, Any]

    @property
    def targets(self) -> list[int]:
        """The places of the tokens that are predicted; the first is never, as nothing comes before it."""
        return [place for place, label in enumerate(self.labels) if place and label != IGNORED_LABEL]


@dataclass
class Tokenized:
    """The history of a scenario, the settings of its pipeline, and what its phases did."""

    history: History = field(default_factory=lambda: History(FOLDER))
    tokenize: dict[str, Any] = field(default_factory=lambda: {"sequence_length": 32, "overlap": 8})
    analyze: dict[str, Any] = field(default_factory=lambda: {"target_tokens": 4000, "max_epochs": 2})
    experiment: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(SMALL_EXPERIMENT)))
    reports: list[str] = field(default_factory=list)
    outcomes: dict[str, PhaseOutcome] = field(default_factory=dict)
    error: FoundryError | None = None

    @property
    def config(self) -> PipelineConfig:
        """The pipeline."""
        content = {"analyze": self.analyze, "tokenize": self.tokenize, "experiment": self.experiment}
        return PipelineConfig.model_validate(content)

    @property
    def pipeline(self) -> Pipeline:
        """What a phase is given; there is no repository, as nothing reads it any more."""
        results = {name: json.loads(json.dumps(outcome.results)) for name, outcome in self.outcomes.items()}
        return Pipeline(self.config, FOLDER, _no_repository(), self.reports.append, Path(), results)

    def run(self, phase: Phase) -> PhaseOutcome:
        """Carry out a phase."""
        phase.settings(self.config)
        phase.inputs(self.pipeline)
        self.outcomes[phase.name] = phase.run(self.pipeline)
        return self.outcomes[phase.name]

    def set(self, key: str, value: Any) -> None:
        """Give a dotted key of the pipeline another value, such as `tokenize.overlap`."""
        first, *others, last = key.split(".")
        section = {"tokenize": self.tokenize, "analyze": self.analyze, "experiment": self.experiment}[first]
        for name in others:
            section = section.setdefault(name, {})
        section[last] = value

    def tokenized(self) -> Mapping[str, Any]:
        """Write the records, tokenize them, and give the results."""
        self.history.write()
        return self.run(Tokenize()).results

    def attempt(self, phase: Phase) -> None:
        """Carry out a phase, and keep what it was refused with."""
        self.error = None
        try:
            self.run(phase)
        except FoundryError as error:
            self.error = error

    @property
    def prepared(self) -> PreparedData:
        """What was made."""
        return load_prepared(FOLDER / SEQUENCES_FOLDER)

    @property
    def statistics(self) -> dict[str, Any]:
        """What the sequences say of themselves."""
        return self.prepared.statistics


def tokenize_here(tokenize: str, experiment: str) -> None:
    """Tokenize the records below the working directory; the sections of the pipeline come as JSON."""
    Tokenized(tokenize=json.loads(tokenize), experiment=json.loads(experiment)).run(Tokenize())


def _no_repository() -> GitRepository:
    return GitRepository(FOLDER, None, "sample", False)


def notes_of(side: str) -> list[dict[str, Any]]:
    """The lines of the metadata of one side."""
    lines = (FOLDER / SEQUENCES_FOLDER / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return [note for note in map(json.loads, lines) if note["side"] == side]


def sequences_of(prepared: PreparedData, side: str) -> list[Sequence]:
    """The sequences of a side, as the trainer reads them where documents see each other."""
    blocks = prepared.training if side == "training" else prepared.validation
    if blocks is None:
        return []
    batch = batch_of(blocks.without_starts(), np.arange(len(blocks)))
    rows = zip(batch.input_ids.tolist(), batch.labels.tolist(), notes_of(side), strict=True)
    return [Sequence(ids, labels, note) for ids, labels, note in rows]


def streams_of(prepared: PreparedData, side: str, overlap: int) -> Iterator[tuple[str, list[int], list[int]]]:
    """Each source of a side with its stream of tokens, and how often each of them is predicted.

    Raises:
        AssertionError: a sequence does not begin with the end of the one before it.
    """
    sequences = sequences_of(prepared, side)
    for source in dict.fromkeys(sequence.note["source"] for sequence in sequences):
        found = [sequence for sequence in sequences if sequence.note["source"] == source]
        for earlier, later in pairwise(found):
            end = earlier.ids[len(earlier.ids) - overlap :]
            assert later.ids[:overlap] == end, f"{later.ids[:overlap]} repeats {end}"
        stream: list[int] = []
        counts: list[int] = []
        for number, sequence in enumerate(found):
            first = overlap if number else 0
            begin = len(stream) - first
            stream += sequence.ids[first : sequence.note["tokens"]]
            counts += [0] * (len(stream) - len(counts))
            for place in sequence.targets:
                if place < sequence.note["tokens"]:
                    counts[begin + place] += 1
        yield source, stream, counts


def documents_of(prepared: PreparedData, side: str, overlap: int) -> dict[str, list[str]]:
    """The documents of a side by their source, as text in which a marker is written `<|file|>` or `<|commit|>`."""
    tokenizer = prepared.tokenizer
    markers = {number: f"<|{kind}|>" for kind, number in tokenizer.marker_ids.items()}
    found: dict[str, list[str]] = {"commit": [], "file": []}
    for source, stream, _ in streams_of(prepared, side, overlap):
        texts: list[str] = []
        begin = 0
        for end in [place for place, token in enumerate(stream) if token == tokenizer.eos_id]:
            texts.append(_text(stream[begin:end], markers, tokenizer.decode))
            begin = end + 1
        assert begin == len(stream), "the stream does not end with an end of text"
        found[source] = texts
    return found


def _text(ids: list[int], markers: Mapping[int, str], decode: Any) -> str:
    text = ""
    piece: list[int] = []
    for token in ids:
        if token in markers:
            text += decode(piece) + markers[token]
            piece = []
        else:
            piece.append(token)
    return text + str(decode(piece))
