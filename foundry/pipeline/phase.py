"""What the runner of the pipeline asks of a phase, and what it gets.

A phase reads what earlier phases have left on disk and writes a folder of its own, whole or not at all. What a result
says must be a function of settings and inputs alone: times and rates belong into `timings`, so that a pipeline that was
killed and launched again ends in the manifest of one that was left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from foundry.data.git import GitRepository
from foundry.data.progress import Report
from foundry.errors import FoundryError
from foundry.pipeline.config import PipelineConfig

ANALYSIS_FOLDER = "analysis"
HISTORY_FOLDER = "history"
SEQUENCES_FOLDER = "sequences"
INDEX_FOLDER = "index"
RUNS_FOLDER = "runs"
ARTIFACTS_FOLDER = "artifacts"
EVALUATION_FOLDER = "evaluation"


class PhaseSkipped(FoundryError):
    """A phase has nothing to do here, by the configuration or for want of a library; the message says why."""


@dataclass(frozen=True)
class Pipeline:
    """What every phase is given.

    Attributes:
        config: the pipeline, checked.
        folder: `pipelines/<name>`, which belongs to this process alone while a phase runs.
        repository: what is learned from.
        report: takes lines for the user; None stays silent.
        base: the folder that relative paths of the configuration begin at.
        results: what the earlier phases have found, by their names, as the manifest keeps it.
    """

    config: PipelineConfig
    folder: Path
    repository: GitRepository
    report: Report | None
    base: Path
    results: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class PhaseOutcome:
    """What a phase has done.

    Attributes:
        results: figures for the manifest, as plain JSON values; equal for equal settings and inputs.
        outputs: the files that later phases and people read, relative to the pipeline's folder; the manifest keeps
            their digests, and a phase whose outputs are missing or changed is done again.
        partial: what was left undone, where something was; None means that all is done.
        timings: seconds and rates.
    """

    results: Mapping[str, Any]
    outputs: tuple[Path, ...]
    partial: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)


class Phase(Protocol):
    """One phase; an object without state."""

    @property
    def name(self) -> str:
        """`analyze`, `scrape`, `tokenize`, `embed`, `train` or `evaluate`."""

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """The part of the configuration that its result depends on, as plain values."""

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """What else its result depends on: names, and digests of what stands there. Cheap, and imports nothing heavy.

        Raises:
            FoundryError: something that it needs is not there; names the phase that makes it.
        """

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """Do it. What an earlier call, even one that was killed, has left may be used, and never harms.

        Raises:
            PhaseSkipped: there is nothing to do.
            FoundryError: it cannot be done; what was done before stays.
        """
