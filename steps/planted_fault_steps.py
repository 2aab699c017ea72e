"""Steps about faults that are planted in a sample product, and what becomes of them."""

from __future__ import annotations

import functools
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.capabilities import missing_capability
from foundry.acceptance.faults.fault import PlantedFault, catalogue_of, read_catalogue
from foundry.acceptance.formatter import tags_of
from foundry.acceptance.selection import parsed_features
from foundry.testing.bundle_reading import markdown_table
from foundry.testing.sample_product import write_sample_product

MODULE = Path("library/lending.py")
SLEEPER = "time.sleep(99)"
"""In the command line of the process that a fault of the sample product starts."""


@dataclass(frozen=True)
class PlantedRun:
    """What planting the faults of the sample product left.

    Attributes:
        before, after: the bytes of its files, by their names.
        seen_before, seen_after: what git says of it.
        left: what still lies in the folder for temporary files, or still runs.
    """

    exit_code: int
    output: str
    verdicts: dict[str, dict[str, Any]]
    before: dict[str, bytes]
    after: dict[str, bytes]
    seen_before: str
    seen_after: str
    left: tuple[str, ...]


@dataclass(frozen=True)
class AcceptedProduct:
    """What `foundry accept` has printed and written about the sample product."""

    exit_code: int
    output: str
    record: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    results: tuple[dict[str, Any], ...] = ()
    summary: str = ""

    @property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        return {verdict["name"]: verdict for verdict in self.figures["faults"]}


@dataclass
class PlantedState:
    """The change of the product that the scenario makes first, and the run that it looks at; or Foundry's catalogue."""

    change: tuple[str, str] = ("", "")
    run: PlantedRun | AcceptedProduct | None = None
    catalogue: list[PlantedFault] = field(default_factory=list)

    @property
    def planted(self) -> PlantedRun:
        """The faults planted without a run of the suite."""
        assert isinstance(self.run, PlantedRun), "no faults were planted"
        return self.run

    @property
    def accepted(self) -> AcceptedProduct:
        """The faults planted after a run of the suite."""
        assert isinstance(self.run, AcceptedProduct), "no product was accepted"
        return self.run

    @property
    def either(self) -> PlantedRun | AcceptedProduct:
        """What was run."""
        assert self.run is not None, "nothing was run"
        return self.run


@functools.cache
def accepted_product(arguments: tuple[str, ...], change: tuple[str, str] = ("", "")) -> AcceptedProduct:
    """Run the sample product's suite, and plant its faults, with `foundry accept`, after a change of all its files."""
    with tempfile.TemporaryDirectory(prefix="sample-product-") as folder:
        project = Path(folder).resolve()
        write_sample_product(project)
        for path in filter(Path.is_file, project.rglob("*") if any(change) else ()):
            path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
        command = [sys.executable, "-m", "foundry", "accept", *arguments]
        answer = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=240)
        output, bundle = answer.stdout + answer.stderr, project / "release"
        if not (bundle / "faults.json").exists():
            return AcceptedProduct(answer.returncode, output)
        results = [json.loads(path.read_text()) for path in project.glob("allure-results/*-result.json")]
        record = json.loads((bundle / "acceptance.json").read_text(encoding="utf-8"))
        figures = json.loads((bundle / "faults.json").read_text(encoding="utf-8"))
        summary = (bundle / "summary.md").read_text(encoding="utf-8")
        return AcceptedProduct(answer.returncode, output, record, figures, tuple(results), summary)


def product_left_at_once() -> AcceptedProduct:
    """Plant the fault that never ends after a run of its guard, and press Ctrl-C twice while it does its harm."""
    with tempfile.TemporaryDirectory(prefix="sample-product-") as folder:
        project, temporary = Path(folder, "product").resolve(), Path(folder, "tmp").resolve()
        project.mkdir()
        temporary.mkdir()
        write_sample_product(project)
        arguments = ("foundry", "accept", "features/lending.feature:17", "--planted-faults")
        process = started_module(arguments, project, temporary)
        try:
            wait_until(lambda: any(SLEEPER in line for line in processes_about(str(temporary))))
            for _ in range(2):
                process.send_signal(signal.SIGINT)
                time.sleep(1)
            output, _ = process.communicate(timeout=100)
        finally:
            process.kill()
        path = project / "release" / "acceptance.json"
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return AcceptedProduct(process.returncode, output, record)


@functools.cache
def planted_run(
    arguments: tuple[str, ...] = (), change: tuple[str, str] = ("", ""), interrupted: bool = False
) -> PlantedRun:
    """Plant the faults of the sample product once, however many scenarios look at it."""
    with tempfile.TemporaryDirectory(prefix="sample-product-") as folder:
        project, temporary = Path(folder, "product").resolve(), Path(folder, "tmp").resolve()
        project.mkdir()
        temporary.mkdir()
        write_sample_product(project)
        commit_all(project)
        text = (project / MODULE).read_text(encoding="utf-8")
        (project / MODULE).write_text(text.replace(*change) + "# not committed\n", encoding="utf-8")
        before, seen_before = files_of(project), git(project, "status", "--porcelain")
        figures = temporary.parent / "faults.json"
        exit_code, output = plant(project, temporary, ("--out", str(figures), *arguments), interrupted)
        verdicts = json.loads(figures.read_text(encoding="utf-8"))["faults"] if figures.exists() else []
        return PlantedRun(
            exit_code=exit_code,
            output=output,
            verdicts={verdict["name"]: verdict for verdict in verdicts},
            before=before,
            after=files_of(project),
            seen_before=seen_before,
            seen_after=git(project, "status", "--porcelain"),
            left=(*(str(path) for path in temporary.iterdir()), *processes_about(str(temporary))),
        )


def plant(project: Path, temporary: Path, arguments: tuple[str, ...], interrupted: bool) -> tuple[int, str]:
    """The exit code and the output of a planting, which Ctrl-C may end when a fault has begun to do its harm."""
    process = started_module(("foundry.acceptance.faults", *arguments), project, temporary)
    try:
        if interrupted:
            wait_until(lambda: any(SLEEPER in line for line in processes_about(str(temporary))))
            process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output
    finally:
        process.kill()


def started_module(arguments: Sequence[str], project: Path, temporary: Path) -> subprocess.Popen[str]:
    """Python with a module of these arguments, at work in `project`; both of its streams come out of one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come in {seconds:.0f} s"
        time.sleep(0.05)


def commit_all(project: Path) -> None:
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "--quiet", "--message=first")


def git(project: Path, *arguments: str) -> str:
    """What git answers."""
    command = ["git", "-C", str(project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def files_of(project: Path) -> dict[str, bytes]:
    """The bytes of the product's files, without git's own."""
    paths = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(project)): path.read_bytes() for path in paths}


def processes_about(text: str) -> list[str]:
    """The command lines of processes that name `text`."""
    running = psutil.process_iter(["cmdline"])
    return [" ".join(it.info["cmdline"] or []) for it in running if text in " ".join(it.info["cmdline"] or [])]


@given('"{text}" of the sample product has become "{changed}"')
def product_changed(context: Context, text: str, changed: str) -> None:
    context.world.of(PlantedState).change = (text, changed)


@when("the faults of the sample product are planted")
def plant_faults(context: Context) -> None:
    context.world.of(PlantedState).run = planted_run()


@when('the faults of the sample product are planted with "{arguments}"')
def plant_faults_with(context: Context, arguments: str) -> None:
    state = context.world.of(PlantedState)
    state.run = planted_run(tuple(shlex.split(arguments)), state.change)


@when('the planting of "{fault}" is interrupted while the fault has a process running')
def interrupt_planting(context: Context, fault: str) -> None:
    context.world.of(PlantedState).run = planted_run(("--only", fault), interrupted=True)


@then('the fault "{fault}" is {verdict}: "{message}"')
def fault_is(context: Context, fault: str, verdict: str, message: str) -> None:
    run = context.world.of(PlantedState).either
    shown = run.verdicts[fault]
    why = ": ".join(part for part in (shown["step"], shown["message"]) if part)
    assert shown["verdict"] == verdict and message in why, f"{fault} is {shown['verdict']}: {why!r}\n{run.output}"


@then("every file of the sample product is as it was")
def files_unchanged(context: Context) -> None:
    run = context.world.of(PlantedState).planted
    changed = [name for name in run.before | run.after if run.before.get(name) != run.after.get(name)]
    assert run.verdicts and not changed, f"changed: {changed}"


@then("git sees the changes that it saw before")
def git_unchanged(context: Context) -> None:
    run = context.world.of(PlantedState).planted
    assert run.seen_before == run.seen_after == " M library/lending.py\n", f"{run.seen_before}, then {run.seen_after}"


@then("no process and no file of theirs is left")
def nothing_left(context: Context) -> None:
    run = context.world.of(PlantedState).planted
    assert not run.left, f"left: {run.left}"


@then("the planting exits with {code:d}")
def planting_exits(context: Context, code: int) -> None:
    run = context.world.of(PlantedState).either
    assert run.exit_code == code, f"exit code {run.exit_code}, expected {code}; it said:\n{run.output}"


@then('the planting says "{text}"')
def planting_says(context: Context, text: str) -> None:
    output = context.world.of(PlantedState).either.output
    assert any(line.startswith(text) for line in output.splitlines()), f"no line {text!r}; it said:\n{output}"


@then('the planting says only "{text}"')
def planting_says_only(context: Context, text: str) -> None:
    output = context.world.of(PlantedState).either.output
    assert output.startswith(text) and output.count("\n") == 1, f"it said:\n{output}"


@then('the fault "{fault}" is listed with its guard')
def listed_with_guard(context: Context, fault: str) -> None:
    run = context.world.of(PlantedState).planted
    guard = run.verdicts[fault]["guard"]
    lines = [line for line in run.output.splitlines() if line.startswith(f"{fault} ")]
    assert len(lines) == 1 and guard["feature"] in lines[0] and guard["scenario"] in lines[0], f"{lines}\n{run.output}"


@when('the sample product is accepted with "{arguments}"')
def accept_product(context: Context, arguments: str) -> None:
    state = context.world.of(PlantedState)
    state.run = accepted_product(tuple(shlex.split(arguments)), state.change)


@when("Ctrl-C is pressed twice while a run of the sample product plants its faults")
def leave_at_once(context: Context) -> None:
    context.world.of(PlantedState).run = product_left_at_once()


@then('its record says that "{name}" was {status}')
def record_says_of(context: Context, name: str, status: str) -> None:
    run = context.world.of(PlantedState).accepted
    found = {it["name"]: it["status"] for it in run.record.get("scenarios", ())}
    assert found == {name: status}, f"recorded: {found}; it said:\n{run.output}"


@then('its summary has the figure "{name}" with "{value}"')
def summary_has_figure(context: Context, name: str, value: str) -> None:
    rows = {row[0]: row[1] for row in markdown_table(context.world.of(PlantedState).accepted.summary, "Figures")}
    assert rows.get(name) == value, f"{name} is {rows.get(name)!r}; figures: {rows}"


@then('the planting tells of "{fault}" that "{text}"')
def planting_tells(context: Context, fault: str, text: str) -> None:
    output = context.world.of(PlantedState).either.output
    lines = [line for line in output.splitlines() if line.strip().startswith(f"✗ {fault}: ")]
    assert len(lines) == 1 and lines[0].endswith(text), f"lines: {lines}; it said:\n{output}"


@then("the record names the faults that were not caught")
def record_names_survivors(context: Context) -> None:
    tally = context.world.of(PlantedState).accepted.record["faults"]
    survived, expected = sorted(tally["survived"]), [row["fault"] for row in context.table]
    assert survived == expected, f"not caught: {survived}\nexpected: {expected}"


@then('the results of the epic "{epic}" are')
def results_of_epic(context: Context, epic: str) -> None:
    results = context.world.of(PlantedState).accepted.results
    shown = sorted((it["name"], it["status"]) for it in results if {"name": "epic", "value": epic} in it["labels"])
    expected = [(row["result"], row["status"]) for row in context.table]
    assert shown == expected, f"shown: {shown}\nexpected: {expected}"


@then('the results of the epic "{epic}" show "{name}" as {status}')
def result_of_epic(context: Context, epic: str, name: str, status: str) -> None:
    results = context.world.of(PlantedState).accepted.results
    shown = {it["name"]: it["status"] for it in results if {"name": "epic", "value": epic} in it["labels"]}
    assert shown.get(name) == status, f"{name} is {shown.get(name)}; shown: {shown}"


@then("mutants of the lines are tried against the scenarios of the run alone")
def mutants_tried(context: Context) -> None:
    mutants = context.world.of(PlantedState).accepted.figures["mutants"]["mutants"]
    for row in context.table:
        verdicts = [it["verdict"] for it in mutants if it["line"] == int(row["line"])]
        counts = {verdict: verdicts.count(verdict) for verdict in ("killed", "survived")}
        assert counts == {verdict: int(row[verdict]) for verdict in counts}, f"line {row['line']}: {verdicts}"


@when("the catalogue of Foundry is read")
def read_foundry_catalogue(context: Context) -> None:
    context.world.of(PlantedState).catalogue = read_catalogue([catalogue_of(context.origin)])


@then("it has {count:d} faults or more, each with a story")
def catalogue_has(context: Context, count: int) -> None:
    catalogue = context.world.of(PlantedState).catalogue
    without = [fault.name for fault in catalogue if len(fault.story.split()) < 4]
    assert len(catalogue) >= count and not without, f"{len(catalogue)} faults; without a story: {without}"


@then("each fault applies exactly once to a module of the product that is a program with it")
def each_applies(context: Context) -> None:
    for fault in context.world.of(PlantedState).catalogue:
        package = Path(fault.module).parts[:2]
        assert package[0] == "foundry" and package[1] not in ("acceptance", "testing"), f"{fault.name}: {fault.module}"
        compile(fault.planted(context.origin), fault.module, "exec")


@then("each fault has a guard that runs on every machine")
def each_has_guard(context: Context) -> None:
    catalogue = context.world.of(PlantedState).catalogue
    paths = sorted({str(context.origin / fault.guard.feature) for fault in catalogue})
    runs = {}
    for scenario in (scenario for feature in parsed_features(paths) for scenario in feature.walk_scenarios()):
        place = Path(scenario.filename).resolve().relative_to(context.origin)
        runs[str(place), scenario.name] = not missing_capability(tags_of(scenario), "")
    missing = [it.name for it in catalogue if not runs.get((it.guard.feature, it.guard.scenario))]
    assert not missing, f"without a guard that runs here: {missing}"
