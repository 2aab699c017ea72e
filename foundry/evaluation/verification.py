"""Checks everything that a run has on disk, and says what a relaunch would do with it. Changes nothing.

Imports nothing heavy: the bytes of a checkpoint are compared with its manifest, not loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from foundry import files, manifests
from foundry.artifacts.local import LocalStore, digests_in
from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment
from foundry.environments import ENVIRONMENT_NAME, read_launches
from foundry.errors import FoundryError, UserError
from foundry.evaluation.metrics_check import metrics_findings
from foundry.manifests import CHECKPOINT_FILES, STATE_NAME, FileDigest, Manifest
from foundry.monitoring.record import HARDWARE_NAME, HardwareRecord
from foundry.training.early_stopping import EarlyStopping
from foundry.training.extension import FINISHED, MAX_JSON_BYTES, run_fingerprint
from foundry.training.lifecycle import CHECKPOINTS_NAME, CONFIG_NAME, DATA_NAME, RECORD_NAME, RunRecord
from foundry.training.run_lock import RunLock
from foundry.untrusted import read_json

Verdict = Literal["whole", "damaged", "note"]
MARKS: dict[Verdict, str] = {"whole": "✓", "damaged": "✗", "note": "–"}
TOKENIZER_NAME = "tokenizer"
DOCUMENTS_NAME = "documents"
"""The hashes of what was trained on and held out; runs from before there was `--incremental` have none."""


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        subject: a file or folder, relative to the run folder.
        verdict: `note` is neither whole nor damaged: not there yet, set aside, left by a killed process.
    """

    subject: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Verification:
    """All that was found of a run.

    Attributes:
        relaunch: what launching the run again would do, in words.
    """

    folder: Path
    findings: list[Finding]
    relaunch: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged."""
        return all(finding.verdict != "damaged" for finding in self.findings)

    def rows(self) -> list[tuple[str, str, str]]:
        """One line for each thing: mark, subject, reason."""
        return [(MARKS[finding.verdict], finding.subject, finding.text) for finding in self.findings]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        found = [vars(finding) for finding in self.findings]
        return {"folder": str(self.folder), "whole": self.is_whole, "findings": found, "relaunch": self.relaunch}


def verify_run(folder: Path, report: Callable[[str], None]) -> Verification:
    """Check the run in `folder`; every byte of its checkpoints and of its publication is read.

    Args:
        report: is told what is being read before each checkpoint, and before the publication.

    Raises:
        UserError: there is no run.
    """
    traces = (RECORD_NAME, CONFIG_NAME, CHECKPOINTS_NAME)
    if not any((folder / name).exists() for name in traces):
        raise UserError(f"{folder}: no run here ({RECORD_NAME} is missing); `foundry list` shows the runs")
    checks = _Checks(folder, report)
    findings = list(checks.all())
    return Verification(folder, findings, checks.relaunch())


@dataclass
class _Checks:
    """The checks of one run, and what the later ones need of the earlier."""

    folder: Path
    report: Callable[[str], None]
    record: RunRecord | None = None
    config: ExperimentConfig | None = None
    whole: dict[int, Path] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)

    def all(self) -> Iterator[Finding]:
        yield from self._at_work()
        yield self._record()
        yield self._config()
        data, finding = self._data()
        yield finding
        yield self._kept(TOKENIZER_NAME, data)
        if data is None or any(path.startswith(f"{DOCUMENTS_NAME}/") for path in data["files"]):
            yield self._kept(DOCUMENTS_NAME, data)
        yield self._environment()
        yield from self._hardware()
        yield from self._checkpoints()
        yield from self._metrics(data)
        yield from self._remains()
        yield from self._publication()

    def _at_work(self) -> Iterator[Finding]:
        holder = RunLock(self.folder).holder()
        if holder is not None:
            yield Finding("lock", "note", f"{holder} is at work on this run; what follows may change meanwhile")

    def _record(self) -> Finding:
        try:
            self.record = RunRecord.read(self.folder)
        except UserError as error:
            return Finding(RECORD_NAME, "damaged", str(error).removeprefix(f"{self.folder / RECORD_NAME}: "))
        record, origin = self.record, self.record.origin
        steps = f"{record.steps_done} of {record.total_steps}" if record.total_steps else str(record.steps_done)
        return Finding(
            RECORD_NAME, "whole", f"{record.state}, {steps} steps{f', {origin.how} {origin}' if origin else ''}"
        )

    def _config(self) -> Finding:
        try:
            self.config = load_experiment(self.folder / CONFIG_NAME)
        except UserError as error:
            return Finding(CONFIG_NAME, "damaged", str(error).splitlines()[0])
        if self.record is None:
            return Finding(CONFIG_NAME, "whole", "a valid experiment")
        identity, expected = self.record.source_identity, self.record.fingerprint
        if identity is None:
            return Finding(CONFIG_NAME, "whole", "a valid experiment; the run does not say on which source")
        found = run_fingerprint(self.config, identity, self.record.origin)
        if found != expected:
            return Finding(CONFIG_NAME, "damaged", f"has the fingerprint {found}, and the run has {expected}")
        return Finding(CONFIG_NAME, "whole", f"fingerprint {found}")

    def _data(self) -> tuple[dict[str, Any] | None, Finding]:
        path = self.folder / DATA_NAME
        if not path.exists():
            is_expected = self.record is not None and self.record.data_digest is not None
            return None, Finding(DATA_NAME, "damaged" if is_expected else "note", "is missing")
        try:
            data = read_json(path, MAX_JSON_BYTES)
            tokens = [entry["sha256"] for name, entry in data["files"].items() if "/" not in name]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None, Finding(DATA_NAME, "damaged", "cannot be read")
        digest = hashlib.sha256(json.dumps(tokens).encode()).hexdigest()
        if self.record is not None and self.record.data_digest not in (None, digest):
            return None, Finding(DATA_NAME, "damaged", "names other tokens than those the run was begun with")
        return data, Finding(DATA_NAME, "whole", f"{data['blocks']['training']:,} blocks of training")

    def _kept(self, name: str, data: dict[str, Any] | None) -> Finding:
        """What was found of a folder whose files `data.json` describes."""
        if data is None or not (self.folder / name).exists():
            verdict: Verdict = "note" if data is None else "damaged"
            return Finding(name, verdict, "is missing" if data else "cannot be compared without data.json")
        described = {path: entry for path, entry in data["files"].items() if path.startswith(f"{name}/")}
        for path, entry in described.items():
            problem = _problem_of(self.folder, path, entry)
            if problem:
                return Finding(name, "damaged", problem)
        return Finding(name, "whole", f"{len(described)} files")

    def _environment(self) -> Finding:
        if not (self.folder / ENVIRONMENT_NAME).exists():
            return Finding(ENVIRONMENT_NAME, "note", "is missing; the first launch that trains writes it")
        launches = read_launches(self.folder)
        if not launches:
            return Finding(ENVIRONMENT_NAME, "damaged", "cannot be read; the next launch that trains writes it anew")
        return Finding(ENVIRONMENT_NAME, "whole", f"{len(launches)} launch{'es' * (len(launches) > 1)}")

    def _hardware(self) -> Iterator[Finding]:
        try:
            record = HardwareRecord.read(self.folder)
        except ValueError as problem:
            yield Finding(HARDWARE_NAME, "damaged", f"{problem}; the next launch that trains writes it anew")
            return
        if record is not None:
            yield Finding(HARDWARE_NAME, "whole", f"{record.samples:,} samples")

    def _checkpoints(self) -> Iterator[Finding]:
        folder = self.folder / CHECKPOINTS_NAME
        for path in manifests.checkpoint_folders(folder):
            name = f"{CHECKPOINTS_NAME}/{path.name}"
            self.report(f"checking {name}")
            try:
                manifest = self._whole_checkpoint(path)
            except ValueError as problem:
                self.damaged.append(path)
                yield Finding(name, "damaged", str(problem))
                continue
            self.whole[manifest.step] = path
            yield Finding(
                name, "whole", f"{sum(entry.bytes for entry in manifest.files.values()):,} bytes{_loss(manifest)}"
            )
        for path in manifests.set_aside_folders(folder):
            yield Finding(f"{CHECKPOINTS_NAME}/{path.name}", "note", "was found damaged and set aside; it is not used")

    def _whole_checkpoint(self, path: Path) -> Manifest:
        manifest = manifests.verify(path, CHECKPOINT_FILES)
        if manifests.checkpoint_folder(path.parent, manifest.step) != path:
            raise ValueError(f"its manifest says step {manifest.step}")
        if self.record is not None and manifest.fingerprint != self.record.fingerprint:
            raise ValueError(f"it belongs to a run with fingerprint {manifest.fingerprint}")
        return manifest

    def _metrics(self, data: dict[str, Any] | None) -> Iterator[Finding]:
        if self.record is None or self.config is None:
            return
        has_validation = data is not None and "validation" in data["blocks"]
        done = self.record.steps_done
        if self.record.state not in FINISHED:
            done = max(self.whole, default=done)
        for verdict, text in metrics_findings(self.folder, self.record, self.config, has_validation, done):
            yield Finding("metrics.jsonl", verdict, text)

    def _remains(self) -> Iterator[Finding]:
        for path in sorted(self.folder.rglob(f"{files.TEMPORARY_PREFIX}*")):
            name = path.relative_to(self.folder).as_posix()
            yield Finding(name, "note", "is half-written; the next launch removes it")

    def _publication(self) -> Iterator[Finding]:
        published = self.record.published if self.record is not None else None
        if published is None:
            return
        name = f"publication of step {published.step}"
        if published.store != LocalStore.kind:
            yield Finding(name, "note", f"is kept by the {published.store} store at {published.location}; not read")
            return
        place = Path(published.location)
        self.report(f"checking {place}")
        if not place.is_dir():
            yield Finding(name, "damaged", f"{place} is gone")
            return
        try:
            found = digests_in(place)
        except FoundryError as error:
            yield Finding(name, "damaged", str(error))
            return
        wrong = sorted(n for n in found.keys() | published.digests.keys() if found.get(n) != published.digests.get(n))
        if wrong:
            yield Finding(name, "damaged", f"{place} is not what the store confirmed: {', '.join(wrong)}")
        else:
            yield Finding(name, "whole", f"{len(found)} files in {place}")

    # --- what a relaunch would do ---

    def relaunch(self) -> str:
        """In words."""
        if self.record is None:
            return f"a relaunch cannot go on: {RECORD_NAME} cannot be read; put it back from a copy"
        state, best = self.record.state, self.record.best_step or self.record.steps_done
        if state == "cleaned":
            return "a relaunch does nothing: the run is complete"
        if state == "published":
            return "a relaunch would clean up: nothing is trained, the published model stays"
        if state == "stopped":
            return self._publishing(best)
        return self._training(self.record)

    def _publishing(self, step: int) -> str:
        if step in self.whole:
            return f"a relaunch would publish step {step}"
        return f"a relaunch cannot publish: the checkpoint of the best step, {step}, is not whole"

    def _training(self, record: RunRecord) -> str:
        aside = "".join(f", after setting {path.name} aside" for path in self.damaged if self._is_newer(path))
        if not self.whole:
            set_aside = manifests.set_aside_folders(self.folder / CHECKPOINTS_NAME)
            if self.damaged or set_aside or record.steps_done:
                return "a relaunch cannot go on: no whole checkpoint; put one back from a copy"
            return "a relaunch begins at step 1"
        step = max(self.whole)
        stopping = self._early_stopping(step)
        if step == record.total_steps or (stopping is not None and stopping.should_stop):
            best = stopping.lowest_step if stopping is not None and stopping.lowest_step else step
            return f"a relaunch makes no step, and would publish step {best}{aside}"
        return f"a relaunch goes on at step {step + 1} from {self.whole[step].name}{aside}"

    def _is_newer(self, path: Path) -> bool:
        return path.name > max((whole.name for whole in self.whole.values()), default="")

    def _early_stopping(self, step: int) -> EarlyStopping | None:
        try:
            state = read_json(self.whole[step] / STATE_NAME, MAX_JSON_BYTES)
            return EarlyStopping(**state["early_stopping"])
        except (OSError, ValueError, LookupError, TypeError):
            return None


def _problem_of(folder: Path, name: str, described: dict[str, Any]) -> str | None:
    try:
        manifests.verify_file(folder, name, FileDigest.model_validate(described))
    except (OSError, ValueError) as problem:
        return str(problem).replace(manifests.MANIFEST_NAME, DATA_NAME)
    return None


def _loss(manifest: Manifest) -> str:
    return "" if manifest.validation_loss is None else f", validation loss {manifest.validation_loss:.3f}"
