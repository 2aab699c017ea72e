"""Steps about faults that are planted in a sample product, and what becomes of them."""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from behave import given, then, when
from behave.runner import Context

from foundry.testing.sample_product import write_sample_product

MODULE = Path("library/lending.py")


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


@dataclass
class PlantedState:
    """The change of the product that the scenario makes first, and the run that it looks at."""

    change: tuple[str, str] = ("", "")
    run: PlantedRun | None = None

    @property
    def planted(self) -> PlantedRun:
        assert self.run is not None, "no faults were planted"
        return self.run


@functools.cache
def planted_run(arguments: tuple[str, ...] = (), change: tuple[str, str] = ("", "")) -> PlantedRun:
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
        command = [sys.executable, "-m", "foundry.acceptance.faults", "--out", str(temporary.parent / "faults.json")]
        answer = subprocess.run(
            [*command, *arguments],
            cwd=project,
            env={**os.environ, "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        figures = temporary.parent / "faults.json"
        verdicts = json.loads(figures.read_text(encoding="utf-8"))["faults"] if figures.exists() else []
        return PlantedRun(
            exit_code=answer.returncode,
            output=answer.stdout + answer.stderr,
            verdicts={verdict["name"]: verdict for verdict in verdicts},
            before=before,
            after=files_of(project),
            seen_before=seen_before,
            seen_after=git(project, "status", "--porcelain"),
            left=(*(str(path) for path in temporary.iterdir()), *processes_about(str(temporary))),
        )


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


@then('the fault "{fault}" is {verdict}: "{message}"')
def fault_is(context: Context, fault: str, verdict: str, message: str) -> None:
    run = context.world.of(PlantedState).planted
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
    assert run.verdicts and not run.left, f"left: {run.left}"


@then("the planting exits with {code:d}")
def planting_exits(context: Context, code: int) -> None:
    run = context.world.of(PlantedState).planted
    assert run.exit_code == code, f"exit code {run.exit_code}, expected {code}; it said:\n{run.output}"


@then('the planting says "{text}"')
def planting_says(context: Context, text: str) -> None:
    output = context.world.of(PlantedState).planted.output
    assert any(line.startswith(text) for line in output.splitlines()), f"no line {text!r}; it said:\n{output}"


@then('the planting says only "{text}"')
def planting_says_only(context: Context, text: str) -> None:
    output = context.world.of(PlantedState).planted.output
    assert output.startswith(text) and output.count("\n") == 1, f"it said:\n{output}"


@then('the fault "{fault}" is listed with its guard')
def listed_with_guard(context: Context, fault: str) -> None:
    run = context.world.of(PlantedState).planted
    guard = run.verdicts[fault]["guard"]
    lines = [line for line in run.output.splitlines() if line.startswith(f"{fault} ")]
    assert len(lines) == 1 and guard["feature"] in lines[0] and guard["scenario"] in lines[0], f"{lines}\n{run.output}"
