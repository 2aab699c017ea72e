"""Makes one whole of the shards of a suite that ran on several hosts."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from foundry.acceptance.board import show_gate, show_summary
from foundry.acceptance.bundle import RESULTS_NAME, earlier_runs, remove_bundle, write_bundle
from foundry.acceptance.coverage_run import coverage_run, have_coverage
from foundry.acceptance.formatter import clear_results
from foundry.acceptance.merging_environments import merged_environments
from foundry.acceptance.merging_groups import counted_folders, merged_groups
from foundry.acceptance.record import RECORD_NAME, AcceptanceRecord, ScenarioRecord, read_record
from foundry.acceptance.runner import exit_code
from foundry.acceptance.shards import parse_shard
from foundry.errors import UserError

MUST_AGREE = {
    "foundry": "versions of Foundry",
    "commit": "commits",
    "paths": "features",
    "tags": "tags",
    "last_failed": "selections",
    "contract": "experiments",
}


def merge(
    folders: Sequence[Path], results: Path, out: Path, console: Console | None = None, *, gate: bool = False
) -> int:
    """Merge what `foundry accept --shard` has left in `folders`, and write what a whole run would have left.

    Args:
        results: the folder for Allure's results of all shards; those of an earlier run are removed.
        gate: the quality gate decides on the exit code.

    Returns:
        The exit code that a whole run would have had.

    Raises:
        UserError: a folder holds no shard, or the shards are not all the parts of one suite.
        FoundryError: the report cannot be built.
    """
    if not folders:
        raise UserError("nothing to merge; name the folders that `foundry accept --shard I/N --out FOLDER` has written")
    console = console or Console(highlight=False, soft_wrap=True, emoji=False)
    _refuse_to_overwrite(folders, (out, results))
    history = earlier_runs(out)
    shards = [(folder, _record_of(folder)) for folder in folders]
    record, counted = merged(shards), counted_folders(shards)
    machine, checks = merged_environments(folders)
    say = partial(console.print, markup=False)
    with coverage_run() if have_coverage(folders) else contextlib.nullcontext() as coverage:
        if coverage:
            record = coverage.merged(folders, record, say)
        clear_results(results)
        remove_bundle(out)
        for folder in folders:
            _copy_results(folder, results, counted)
        show_summary(console, record)
        pages = coverage.folder if coverage else None
        reasons = write_bundle(record, results, out, history, checks=checks, coverage=pages, machine=machine, say=say)
    show_gate(console, reasons, gate)
    console.print(f"bundle: {out.resolve()}")
    return exit_code(record, reasons if gate else ())


def _copy_results(folder: Path, results: Path, counted: Mapping[str, Path]) -> None:
    """Copy the results of a shard, but for those of scenarios whose outcome on another host counts."""

    def left_out(_: str, names: list[str]) -> list[str]:
        told = [name for name in names if name.endswith("-result.json")]
        keys = {name: json.loads((folder / RESULTS_NAME / name).read_bytes())["testCaseId"] for name in told}
        return [name for name, key in keys.items() if counted.get(key, folder) != folder]

    shutil.copytree(folder / RESULTS_NAME, results, ignore=left_out, dirs_exist_ok=True)


def _refuse_to_overwrite(folders: Sequence[Path], places: Iterable[Path]) -> None:
    for folder in folders:
        if any(place.resolve().is_relative_to(folder.resolve()) for place in places):
            raise UserError(
                f"{folder}: would be overwritten by the merge of it; name another folder with --out and --results"
            )


def _record_of(folder: Path) -> AcceptanceRecord:
    record = read_record(folder / RECORD_NAME)
    if not (record.shard or record.modules):
        raise UserError(f"{folder}: a whole run, not a shard; merge what `foundry accept --shard I/N` has left")
    found = len(list((folder / RESULTS_NAME).glob("*-result.json")))
    if found != len(record.scenarios):
        raise UserError(
            f"{folder / RESULTS_NAME}: holds {found} results, and {RECORD_NAME} tells of {len(record.scenarios)}; "
            "copy the folder of the shard as a whole"
        )
    return record


def merged(shards: Sequence[tuple[Path, AcceptanceRecord]]) -> AcceptanceRecord:
    """The record of the whole suite from those of its shards, each with the folder that it comes from.

    Raises:
        UserError: they are not all the parts of one suite, each of them once.
    """
    _expect_one_suite(shards)
    _expect_every_part(shards)
    if shards[0][1].modules:
        return merged_groups(shards)
    _expect_each_scenario_once(shards)
    records = [record for _, record in shards]
    scenarios, num_workers = [], 0
    for record in records:
        scenarios += [_moved(scenario, num_workers) for scenario in record.scenarios]
        num_workers += record.workers
    pythons = sorted({record.python for record in records})
    seeds = {record.seed for record in records}
    early = [f"shard {record.shard}: {record.ended_early}" for record in records if record.ended_early]

    return records[0].model_copy(
        update={
            "python": ", ".join(pythons),
            "started": min(record.started for record in records),
            "seconds": max(record.seconds for record in records),
            "shard": "",
            "seed": seeds.pop() if len(seeds) == 1 else None,
            "workers": num_workers,
            "ended_early": "; ".join(early),
            "complaints": tuple(
                f"shard {record.shard}: {complaint}" for record in records for complaint in record.complaints
            ),
            "scenarios": tuple(sorted(scenarios, key=_place)),
        }
    )


def _expect_one_suite(shards: Sequence[tuple[Path, AcceptanceRecord]]) -> None:
    (first_folder, first), *others = shards
    for folder, record in others:
        for name, what in MUST_AGREE.items():
            one, other = getattr(first, name), getattr(record, name)
            if one != other:
                raise UserError(
                    f"{first_folder} and {folder} are of different {what}, {_shown(one)} and {_shown(other)}; "
                    "merge the shards of one suite"
                )


def _expect_every_part(shards: Sequence[tuple[Path, AcceptanceRecord]]) -> None:
    kinds = {"module group" if record.modules else "shard" for _, record in shards}
    if len(kinds) > 1:
        raise UserError("some are shards and some are module groups; merge the parts of one suite")
    (kind,) = kinds
    parts = [parse_shard(record.shard or record.modules) for _, record in shards]
    counts = sorted({part.count for part in parts})
    if len(counts) > 1:
        raise UserError(f"{kind}s of {counts[0]} and of {counts[1]} parts; merge the {kind}s of one suite")
    numbers = Counter(part.number for part in parts)
    if doubled := [f"{number}/{counts[0]}" for number, times in sorted(numbers.items()) if times > 1]:
        raise UserError(f"{kind} {', '.join(doubled)} is there more than once; name each folder once")
    if missing := [f"{number}/{counts[0]}" for number in range(1, 1 + counts[0]) if number not in numbers]:
        raise UserError(f"{kind} {', '.join(missing)} is missing; name the folders of all {counts[0]} {kind}s")


def _expect_each_scenario_once(shards: Sequence[tuple[Path, AcceptanceRecord]]) -> None:
    keys = Counter(scenario.key for _, record in shards for scenario in record.scenarios)
    key, times = keys.most_common(1)[0]
    if times > 1:
        name = next(it.name for _, record in shards for it in record.scenarios if it.key == key)
        raise UserError(f"the scenario {name!r} is in {times} shards; run all shards from the same features")


def _moved(scenario: ScenarioRecord, num_workers: int) -> ScenarioRecord:
    """With the number that its worker has among all of them; 0 stays 0."""
    return scenario.model_copy(update={"worker": scenario.worker and scenario.worker + num_workers})


def _place(scenario: ScenarioRecord) -> tuple[str, int]:
    path, _, line = scenario.place.rpartition(":")
    return path, int(line)


def _shown(value: object) -> str:
    return " ".join(value) or "none" if isinstance(value, tuple) else str(value)
