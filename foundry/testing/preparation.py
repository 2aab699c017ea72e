"""Prepares data for a scenario, and reads back from disk what was made."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from foundry.config import ExperimentConfig
from foundry.data.blocks import BlockDataset
from foundry.data.processor import DataProcessor, PreparedData
from foundry.errors import FoundryError

CACHE = Path("cache")

_PREPARE = """
import json, sys
from foundry.config import ExperimentConfig
from foundry.data import DataProcessor
from foundry.errors import FoundryError
try:
    prepared = DataProcessor(ExperimentConfig.model_validate(json.loads(sys.argv[1]))).prepare()
    print(prepared.digest, prepared.folder)
except FoundryError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@dataclass
class Preparation:
    """An experiment of a scenario, what its preparation said, and what came of it.

    Attributes:
        settings: the experiment, as it would stand in its file.
        reports: the lines that the user was told.
        results: what each preparation made, in their order.
        refusal: what the last preparation was refused with.
    """

    settings: dict[str, Any] = field(
        default_factory=lambda: {
            "experiment_name": "sample",
            "data": {"max_sequence_length": 16, "cache_dir": str(CACHE)},
            "tokenizer": {"vocab_size": 300},
            "training": {"train_steps": 1},
        }
    )
    reports: list[str] = field(default_factory=list)
    results: list[PreparedData] = field(default_factory=list)
    refusal: FoundryError | None = None

    def set(self, key: str, value: Any) -> None:
        """Set a dotted key, such as `data.git.revision`; text is read as YAML."""
        *sections, name = key.split(".")
        section = self.settings
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = yaml.safe_load(value) if isinstance(value, str) else value

    def but(self, key: str, value: Any) -> Preparation:
        """The same experiment with one other value."""
        other = Preparation(copy.deepcopy(self.settings))
        other.set(key, value)
        return other

    @property
    def config(self) -> ExperimentConfig:
        """The experiment."""
        return ExperimentConfig.model_validate(self.settings)

    def prepare(self) -> PreparedData:
        """Prepare the data, and keep what came of it."""
        prepared = DataProcessor(self.config, self.reports.append).prepare()
        self.results.append(prepared)
        return prepared

    def try_to_prepare(self) -> None:
        """Prepare the data, and keep what it was refused with."""
        self.refusal = None
        try:
            self.prepare()
        except FoundryError as error:
            self.refusal = error

    def start_process(self, package: Path, **environment: str) -> subprocess.Popen[str]:
        """A process of its own that prepares the data, and prints its digest and folder, or why it was refused.

        Args:
            package: the folder that `foundry` is imported from.
            environment: variables that differ from this process's.
        """
        return subprocess.Popen(
            [sys.executable, "-c", _PREPARE, json.dumps(self.settings)],
            env=os.environ | {"PYTHONPATH": str(package)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def prepared(self) -> PreparedData:
        """What the last preparation made."""
        return self.results[-1]


def documents_of(prepared: PreparedData, blocks: BlockDataset | None) -> list[list[int]]:
    """The documents of a side as token numbers with their marker, without the end of text."""
    if blocks is None:
        return []
    tokens = stream_of(blocks)
    ends = np.flatnonzero(tokens == prepared.tokenizer.eos_id)
    assert ends.size and ends[-1] == len(tokens) - 1, "the stream does not end with an end of text"
    starts = [0, *(ends[:-1] + 1)]
    return [tokens[start:end].tolist() for start, end in zip(starts, ends, strict=True)]


def stream_of(blocks: BlockDataset) -> npt.NDArray[np.int64]:
    """The real tokens of all blocks, one after another."""
    ids, lengths = blocks.rows(np.arange(len(blocks)))
    return np.concatenate([row[:length] for row, length in zip(ids, lengths, strict=True)])


def texts_of(prepared: PreparedData, blocks: BlockDataset | None) -> list[str]:
    """The documents of a side as text."""
    return [prepared.tokenizer.decode(ids) for ids in documents_of(prepared, blocks)]


def all_texts(prepared: PreparedData, kind: str | None = None) -> list[str]:
    """The documents of both sides as text; with `kind`, those that begin with its marker."""
    marker = prepared.tokenizer.marker_ids[kind] if kind else None
    documents = documents_of(prepared, prepared.training) + documents_of(prepared, prepared.validation)
    return [prepared.tokenizer.decode(ids) for ids in documents if marker is None or ids[0] == marker]
