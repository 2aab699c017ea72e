"""The release bundle: one folder that tells what was promised and whether it holds, whole or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from behave.model import Feature

from foundry import files
from foundry.acceptance.features_page import features_page
from foundry.acceptance.gate import gate
from foundry.acceptance.history import HISTORY_NAME, History, read_history, write_history
from foundry.acceptance.junit import junit_xml
from foundry.acceptance.record import RECORD_NAME, AcceptanceRecord, write_record
from foundry.acceptance.report import build_report, environment
from foundry.acceptance.selection import behave_configuration, parsed_features
from foundry.acceptance.summary_text import summary_text
from foundry.errors import UserError

REPORT_NAME = "report.html"
SUMMARY_NAME = "summary.md"
JUNIT_NAME = "junit.xml"
FEATURES_NAME = "features.html"
ENVIRONMENT_NAME = "environment.json"
FAULTS_NAME = "faults.json"
COVERAGE_FOLDER = "coverage"
SUMS_NAME = "SHA256SUMS"
RESULTS_NAME = "results"
"""The folder with Allure's results in what a shard leaves, for whoever merges the shards."""

PARTS = {
    *(RECORD_NAME, HISTORY_NAME, REPORT_NAME, SUMMARY_NAME, JUNIT_NAME, FEATURES_NAME, ENVIRONMENT_NAME),
    *(FAULTS_NAME, COVERAGE_FOLDER, SUMS_NAME, RESULTS_NAME),
}
"""All that a bundle may hold."""


def earlier_runs(out: Path) -> History:
    """The history in the bundle `out`; empty where there is none. To be called before a run, for it refuses early.

    Raises:
        UserError: `out` is something else than a bundle, or its history cannot be read.
    """
    previous = _set_aside(out)
    if previous.exists() and not out.exists():
        previous.rename(out.resolve())
    _refuse_other_folders(out)
    return read_history(out / HISTORY_NAME)


def remove_bundle(out: Path) -> None:
    """Remove what an earlier run has left in `out`, so that nothing of it passes for this run's; the history stays."""
    for name in PARTS - {HISTORY_NAME}:
        part = out / name
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def keep_record(record: AcceptanceRecord, out: Path, earlier: History) -> None:
    """Put the record of a run and the history with it into `out`, before anything that may go wrong after the run."""
    write_record(record, out / RECORD_NAME)
    write_history(earlier.with_run(record), out / HISTORY_NAME)


def write_bundle(
    record: AcceptanceRecord,
    results: Path,
    out: Path,
    history: History,
    *,
    checks: Sequence[Mapping[str, Any]] = (),
    coverage: Path | None = None,
    faults: Path | None = None,
    machine: Mapping[str, str] | None = None,
    say: Callable[[str], None] = print,
) -> list[str]:
    """Write the bundle of a run to the folder `out`, in the place of an older one, and return why its gate is shut.

    Record and history are in `out` first, so that they are kept where the rest cannot be made.
    The same arguments give the same files, but for the order in which Allure lists results that began in the same
    millisecond.

    Args:
        results: what the scenarios left for Allure.
        history: the earlier runs, `earlier_runs(out)`; where `record` is among them already it is not added again.
        checks: the findings of the pre-flight.
        coverage: a folder with the pages of coverage.
        faults: the JSON file with what became of the planted faults.
        machine: what `environment` told where the scenarios ran; None where that was here.

    Raises:
        UserError: there are no results, or `out` is something else than a bundle.
        FoundryError: Allure cannot be installed, or fails.
    """
    earlier = History(tuple(run for run in history.runs if (run.started, run.shard) != (record.started, record.shard)))
    previous = earlier.last_like(record)
    reasons = gate(record, earlier)
    ran = {"Date": record.started, "Commit": record.commit, "Python": record.python}
    machine = {**(machine or environment()), **ran}
    about = machine | _about(record)
    keep_record(record, out, earlier)
    place = out.resolve()
    with files.temporary_folder(place.parent, place.name) as new:
        build_report(results, new / REPORT_NAME, about=about, history=earlier, say=say)
        write_record(record, new / RECORD_NAME)
        write_history(earlier.with_run(record), new / HISTORY_NAME)
        files.write_text(new / SUMMARY_NAME, summary_text(record, previous, reasons, machine))
        files.write_text(new / JUNIT_NAME, junit_xml(record))
        files.write_text(new / FEATURES_NAME, features_page(_all_features(record), record))
        files.write_json(new / ENVIRONMENT_NAME, {"environment": machine, "checks": list(checks)})
        if record.shard or record.modules:
            shutil.copytree(results, new / RESULTS_NAME, ignore=shutil.ignore_patterns(".*"))
        if coverage and coverage.is_dir():
            shutil.copytree(coverage, new / COVERAGE_FOLDER)
        if faults and faults.is_file():
            shutil.copy(faults, new / FAULTS_NAME)
        files.write_text(new / SUMS_NAME, checksums(new))
        files.flush_folder(new)
        _swap(new, place)
    return reasons


def checksums(folder: Path) -> str:
    """The SHA-256 of each file below `folder`, as `sha256sum -c` reads them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS_NAME)
    return "".join(f"{files.sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)


def _about(record: AcceptanceRecord) -> dict[str, str]:
    about = {"Selection": record.selection, "Scenarios": str(len(record.scenarios)), "Workers": str(record.workers)}
    if record.shard:
        about["Shard"] = record.shard
    if record.seed is not None:
        about["Seed"] = str(record.seed)
    if record.ended_early:
        about["Partial"] = record.ended_early
    return about


def _all_features(record: AcceptanceRecord) -> Iterator[Feature]:
    """Each feature below the configured paths and below those of the run, once and whole."""
    configured = behave_configuration([], []).paths
    named = [path.partition(":")[0] for path in record.paths]
    seen: set[Path] = set()
    for path in [*configured, *named]:
        if Path(path).exists():
            for feature in parsed_features([path]):
                place = Path(feature.filename).resolve()
                if place not in seen:
                    seen.add(place)
                    yield feature


def _refuse_other_folders(out: Path) -> None:
    """A bundle takes the place of what is there, so that must be a bundle, too."""
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; name a folder")
    others = sorted({path.name for path in out.iterdir()} - PARTS) if out.exists() else []
    others = [name for name in others if not name.startswith(files.TEMPORARY_PREFIX)]
    if others:
        raise UserError(
            f"--out {out}: holds {others[0]!r}, which is no part of a bundle, and a bundle replaces the folder as a "
            "whole; name another folder"
        )


def _set_aside(out: Path) -> Path:
    """Where an older bundle waits for the moment in which the new one takes its place: where a link leads."""
    out = out.resolve()
    return out.with_name(f"{files.TEMPORARY_PREFIX}{out.name}.previous")


def _swap(new: Path, out: Path) -> None:
    """Put `new` in the place of `out`; a run that is killed in between finds the older one again."""
    previous = _set_aside(out)
    if out.exists():
        shutil.rmtree(previous, ignore_errors=True)
        out.rename(previous)
    new.rename(out)
    files.flush_to_disk(out.parent)
    shutil.rmtree(previous, ignore_errors=True)
