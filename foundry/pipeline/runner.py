"""Does the phases of a pipeline that have something to do, in order, and writes down what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from foundry.config_file import plain
from foundry.data.git import GitError, GitRepository
from foundry.data.progress import Report
from foundry.errors import FoundryError, Interrupted, LeftAtOnce
from foundry.files import FAILURES_OF_THE_DISK, MISTAKES_ABOUT_FILES, disk_failure
from foundry.pipeline.fingerprints import NEVER_RUN, Decision, decide
from foundry.pipeline.launch import Launch
from foundry.pipeline.manifest import NOT_ASKED_FOR, PhaseRecord, PipelineManifest, RepositoryFacts
from foundry.pipeline.manifest_keeper import ManifestKeeper, status_of
from foundry.pipeline.order import PHASE_NAMES
from foundry.pipeline.phase import Phase, PhaseSkipped, Pipeline
from foundry.pipeline.preconditions import obstacle, require_earlier_phases, require_same_source

EXTRA = "foundry-lm[pipeline]"

SIGNALLED = (Interrupted, LeftAtOnce, KeyboardInterrupt)

Done = Literal["done", "unchanged", "partial", "skipped", "blocked", "failed", "left alone"]
"""`blocked`: not begun, because a phase that it needs has come to nothing."""


@dataclass(frozen=True)
class Ending:
    """What this launch did about one phase.

    Attributes:
        why: the reason, where there is one to give.
    """

    phase: str
    done: Done
    why: str = ""


@dataclass(frozen=True)
class Ended:
    """What a launch did.

    Attributes:
        endings: of all phases, in order.
    """

    manifest: PipelineManifest
    endings: tuple[Ending, ...]

    @property
    def failures(self) -> list[Ending]:
        """The phases that were asked for, and could not be done."""
        return [ending for ending in self.endings if ending.done in ("failed", "blocked")]

    def as_dict(self) -> dict[str, Any]:
        """The manifest, and what this launch did about each phase, as plain values."""
        launch = {ending.phase: {"done": ending.done, "why": ending.why or None} for ending in self.endings}
        return {**self.manifest.model_dump(mode="json"), "launch": launch}


class PipelineRunner:
    """One launch of a pipeline, in a folder that this process has to itself.

    Args:
        facts: what the repository holds now.
        phases: what can be done, in order.
    """

    def __init__(
        self,
        launch: Launch,
        repository: GitRepository,
        facts: RepositoryFacts,
        keeper: ManifestKeeper,
        phases: Sequence[Phase],
        report: Report | None,
    ) -> None:
        self.launch = launch
        self.repository = repository
        self.facts = facts
        self.keeper = keeper
        self.phases = {phase.name: phase for phase in phases}
        self.report = report

    def run(self) -> Ended:
        """Do what there is to do.

        Raises:
            UserError: what was asked for cannot be begun.
            LeftAtOnce, Interrupted, KeyboardInterrupt: a signal has ended it; the manifest says so.
        """
        before = self.keeper.manifest
        require_same_source(self.keeper.folder, before, self.facts, self.repository)
        require_earlier_phases(self.launch.selection, before.phases)
        self.keeper.begin(plain(self.launch.config), self.facts)
        try:
            endings = tuple(self._turn(name) for name in self.phases)
        except SIGNALLED:
            self.keeper.write("interrupted")
            raise
        except BaseException:
            self.keeper.write()
            raise
        if self.keeper.manifest != before or before.status != status_of(before.phases):
            self.keeper.write()
        return Ended(self.keeper.manifest, endings)

    def _turn(self, name: str) -> Ending:
        """Do a phase, or find why not."""
        record = self.keeper.record_of(name)
        if name not in self.launch.selection.names:
            return self._left_alone(name, record)
        if (reason := obstacle(name, self.keeper.manifest.phases)) is not None:
            self._say(name, f"skipped: {reason}")
            self.keeper.skip_phase(name, reason)
            return Ending(name, "blocked", reason)
        return self._attempt(self.phases[name], record)

    def _left_alone(self, name: str, record: PhaseRecord | None) -> Ending:
        if record is None or record.reason == NOT_ASKED_FOR:
            self.keeper.skip_phase(name, NOT_ASKED_FOR)
            return Ending(name, "skipped", NOT_ASKED_FOR)
        state = record.status if record.reason is None else f"{record.status}: {record.reason}"
        return Ending(name, "left alone", state)

    def _attempt(self, phase: Phase, record: PhaseRecord | None) -> Ending:
        report = None if self.report is None else _indented(self.report)
        pipeline = self.launch.pipeline(self.repository, self.keeper.manifest.phases, report)
        try:
            decision = decide(phase, pipeline, record, self.launch.selection.force)
        except FoundryError as error:
            decision = Decision(True, "", {}, {})
            self.keeper.begin_phase(phase.name, decision)
            return self._ended(phase.name, "failed", self._in_words(error))
        if not decision.is_due:
            self._say(phase.name, "unchanged")
            return Ending(phase.name, "unchanged")
        self._say(phase.name, "" if decision.why == NEVER_RUN else decision.why)
        return self._carried_out(phase, pipeline, decision)

    def _carried_out(self, phase: Phase, pipeline: Pipeline, decision: Decision) -> Ending:
        """Run a phase whose record says that it runs, and write down how it ended, however that was."""
        before = self.keeper.manifest
        self.keeper.begin_phase(phase.name, decision)
        try:
            outcome = phase.run(pipeline)
            self.keeper.complete_phase(phase.name, outcome)
        except PhaseSkipped as reason:
            if self.keeper.is_no_news(before, phase.name, str(reason)):
                self.keeper.take_back(before)
                self._say(phase.name, f"skipped: {reason}")
                return Ending(phase.name, "skipped", str(reason))
            return self._ended(phase.name, "skipped", str(reason))
        except BaseException as error:
            if (problem := self._explained(error)) is not None:
                return self._ended(phase.name, "failed", problem)
            self.keeper.end_phase(
                phase.name, "interrupted" if isinstance(error, SIGNALLED) else "failed", _named(error)
            )
            raise
        return Ending(phase.name, "done" if outcome.partial is None else "partial", outcome.partial or "")

    def _explained(self, error: BaseException) -> str | None:
        """A failure of the world in one line; None for a signal, and for a mistake of foundry's own."""
        if isinstance(error, FoundryError) and not isinstance(error, SIGNALLED):
            return self._in_words(error)
        if isinstance(error, ModuleNotFoundError) and not (error.name or "foundry").startswith("foundry"):
            return f"needs {error.name}, which is not installed; install it with `pip install '{EXTRA}'`"
        if isinstance(error, OSError) and error.errno in FAILURES_OF_THE_DISK:
            return str(disk_failure(error, self.keeper.folder))
        if isinstance(error, OSError) and error.errno in MISTAKES_ABOUT_FILES:
            return f"{error.filename2 or error.filename}: {error.strerror}"
        return None

    def _in_words(self, error: FoundryError) -> str:
        """The message of a failure; git's own words with the repository, and how to look into it."""
        if isinstance(error, GitError):
            return f"git failed in {self.repository.shown_as}: {error}; check it with git fsck"
        return str(error)

    def _ended(self, name: str, done: Literal["skipped", "failed"], reason: str) -> Ending:
        self._say(name, f"{done}: {reason}")
        self.keeper.end_phase(name, done, reason)
        return Ending(name, done, reason)

    def _say(self, name: str, line: str) -> None:
        """Name a phase, and what there is to say of it."""
        if self.report is not None:
            number = PHASE_NAMES.index(name) + 1
            self.report(f"[{number}/{len(PHASE_NAMES)}] {name}{f': {line}' if line else ''}")


def _named(error: BaseException) -> str:
    """What ended a phase, for the manifest; a mistake of foundry's own is told with its kind."""
    if isinstance(error, KeyboardInterrupt):  # Python's own, of Ctrl-C, names no signal
        return f"interrupted by {error.args[0] if error.args else 'SIGINT'}"
    if isinstance(error, SIGNALLED):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _indented(report: Report) -> Callable[[str], None]:
    return lambda line: report(f"      {line}")
