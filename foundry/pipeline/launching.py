"""One launch of a pipeline, from what the user asked for to the manifest and the page."""

from __future__ import annotations

import sys
from pathlib import Path

from foundry.data.progress import Report
from foundry.errors import FoundryError, UserError
from foundry.files import disk_failures_explained, write_text
from foundry.pipeline.launch import Launch, require_prompts
from foundry.pipeline.manifest import MANIFEST_FILE
from foundry.pipeline.manifest_keeper import ManifestKeeper
from foundry.pipeline.registry import all_phases
from foundry.pipeline.report_page import write_report
from foundry.pipeline.runner import Ended, PipelineRunner
from foundry.pipeline.source import described_source, open_source, plain_message
from foundry.training.run_lock import RunLock


def carry_out(launch: Launch, report: Report | None) -> Ended:
    """Do what there is to do, and leave manifest and page.

    Raises:
        FoundryError: the repository cannot be read, which the manifest says, too; or another process is at work.
    """
    _make(launch.folder)
    with disk_failures_explained(launch.folder), RunLock(launch.folder, "pipeline").held(_warn):
        keeper = ManifestKeeper(launch.folder, launch.folder.name, _warn)
        runner = _runner(launch, keeper, report)
        try:
            return runner.run()
        finally:  # a failure and a signal are shown there, too
            if (launch.folder / MANIFEST_FILE).is_file():
                write_report(launch.folder, keeper.manifest)


def _make(folder: Path) -> None:
    """Make the folder of a pipeline, below one that git leaves out of a repository that it may stand in.

    Else what a pipeline writes would count among the uncommitted changes of the repository that it reads.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{folder}: a file stands where a folder is to be made; name another --output-dir") from None
    ignored = folder.parent / ".gitignore"
    if not ignored.exists():
        write_text(ignored, "*\n")


def _runner(launch: Launch, keeper: ManifestKeeper, report: Report | None) -> PipelineRunner:
    try:
        repository = open_source(launch.source, report)
        facts = described_source(repository, launch.source, launch.config.redact)
        require_prompts(launch)
    except FoundryError as error:
        problem = plain_message(error)
        keeper.fail(problem)
        write_report(launch.folder, keeper.manifest)
        raise type(error)(problem) from error
    return PipelineRunner(launch, repository, facts, keeper, all_phases(), report)


def _warn(line: str) -> None:
    print(line, file=sys.stderr)
