"""What a user asked a pipeline for, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foundry.data.git import GitRepository
from foundry.data.progress import Report
from foundry.evaluation.prompts import load_prompts
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.loading import load_pipeline
from foundry.pipeline.manifest import PhaseRecord
from foundry.pipeline.phase import Pipeline
from foundry.pipeline.phases.evaluate import named_prompt_files
from foundry.pipeline.selection import Selection, selected
from foundry.pipeline.source import name_of


@dataclass(frozen=True)
class Launch:
    """What the user asked for, checked.

    Attributes:
        source: a path or a URL.
        folder: the pipeline's, which need not be there yet.
        base: the folder that relative paths of the configuration begin at.
    """

    source: str
    config: PipelineConfig
    folder: Path
    base: Path
    selection: Selection

    @classmethod
    def of(
        cls,
        source: str,
        path: Path | None,
        overrides: Sequence[str] = (),
        only: str | None = None,
        start: str | None = None,
        force: bool = False,
    ) -> Launch:
        """The launch that a command line describes; `path` is that of the configuration.

        Raises:
            UserError: all that is wrong with the configuration, or what was asked for makes no sense.
        """
        selection = selected(only, start, force)
        config = load_pipeline(path, overrides)
        name = config.pipeline_name or name_of(source)
        base = Path() if path is None else path.parent
        return cls(source, config, config.output_dir / name, base, selection)

    def pipeline(
        self, repository: GitRepository, records: Mapping[str, PhaseRecord], report: Report | None
    ) -> Pipeline:
        """What a phase is given, where the others have these records."""
        results = {name: record.results for name, record in records.items() if record.is_done}
        return Pipeline(self.config, self.folder, repository, report, self.base, results)


def require_prompts(launch: Launch) -> None:
    """Check the files of prompts that the configuration names, hours before they are needed.

    Raises:
        UserError: one is missing, or has a mistake.
    """
    if "evaluate" in launch.selection.names:
        load_prompts(named_prompt_files(launch.config, launch.base))
