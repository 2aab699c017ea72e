"""The pages that foundry writes, each made by the command that users type, on something small."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foundry
from foundry.acceptance.coverage_data import Executed
from foundry.acceptance.coverage_report import write_coverage
from foundry.testing.evaluated_models import write_small_prompts
from foundry.testing.experiments import write_code_corpus
from foundry.testing.pipelines import PIPELINE_FOLDER, Pipelines, write_tiny_config
from foundry.testing.processes import TIMEOUT_SECONDS, environment_of_command
from foundry.testing.repositories import python_project
from foundry.testing.runs import Runs
from foundry.testing.sample_suite import write_sample_suite
from foundry.testing.sweeps import FOLDER, Sweeps, expect_exit, run_here

PROJECT = Path(foundry.__file__).parent.parent
SAMPLE_FEATURES = ("features/library", "features/archive", "features/training_runs")
"""Features in which no worker process is killed."""
MEASURED = ("foundry/terminal.py", "foundry/acceptance/checks/check.py")


def page_of_a_run() -> Path:
    """Train a small run in the current folder, and show it as a page."""
    return _shown("page.html", "info", str(_trained_run()), "--html", "page.html")


def page_of_an_evaluation() -> Path:
    """Train a small run in the current folder, and let it write texts for a few prompts."""
    prompts, _ = write_small_prompts(Path())
    command = ("evaluate", str(_trained_run()), "--prompts", str(prompts), "--problems", "1", "--output", "report")
    return _shown("report/evaluation.html", *command)


def page_of_a_pipeline() -> Path:
    """A small repository and its pipeline, which has analysed and read its history."""
    python_project(Path("sample"), 6)
    write_tiny_config()
    expect_exit(Pipelines().launch("--only", "analyze,scrape"), 0)
    return PIPELINE_FOLDER / "report.html"


def page_of_a_sweep() -> Path:
    """A finished sweep of two trials, with its report."""
    sweeps = Sweeps(keys={"trials": 2})
    sweeps.write()
    for options in ("--quiet", "--report"):
        sweeps.launch(options)
        expect_exit(sweeps.finished, 0)
    return FOLDER / "sweep.html"


def page_of_coverage() -> Path:
    """What coverage shows of two modules of which some lines were executed: the list of them."""
    modules = {name: PROJECT / name for name in MEASURED}
    folder = Path("coverage")
    folder.mkdir()
    write_coverage(Executed({name: {(-1, 3), (3, 5), (5, 6)} for name in modules}), modules, folder)
    return folder / "index.html"


def page_of_a_measured_module() -> Path:
    """What coverage shows of the lines of a module."""
    return next(page_of_coverage().parent.glob("*_check_py.html"))


def report_of_the_sample_suite() -> Path:
    """The report of a small suite in which scenarios pass, fail, break and are skipped."""
    return sample_run() / "release" / "report.html"


def features_of_the_sample_suite() -> Path:
    """The features of that suite as a document."""
    return sample_run() / "release" / "features.html"


def sample_results() -> dict[str, dict[str, Any]]:
    """What Allure's results say of each scenario of that suite, by its name."""
    paths = sample_run().glob("allure-results/*-result.json")
    return {result["name"]: result for result in (json.loads(path.read_text(encoding="utf-8")) for path in paths)}


@functools.cache
def _sample_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sample-report-")


@functools.cache
def sample_run() -> Path:
    """The folder in which the sample suite was run, once in a process."""
    folder = Path(_sample_folder().name)
    write_sample_suite(folder, PROJECT)
    command = [sys.executable, "-m", "foundry", "accept", *SAMPLE_FEATURES]
    answer = subprocess.run(
        command, cwd=folder, env=environment_of_command(), capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    assert answer.returncode == 1, f"exit code {answer.returncode}:\n{answer.stdout}{answer.stderr}"
    return folder


PAGES: dict[str, Callable[[], Path]] = {
    "a run": page_of_a_run,
    "an evaluation": page_of_an_evaluation,
    "a pipeline": page_of_a_pipeline,
    "a sweep": page_of_a_sweep,
    "an acceptance run": report_of_the_sample_suite,
    "the features": features_of_the_sample_suite,
    "the coverage": page_of_coverage,
    "a measured module": page_of_a_measured_module,
}
"""What makes each page in the current folder, and returns its path."""


def _trained_run() -> Path:
    runs = Runs()
    write_code_corpus(Path("corpus"))
    runs.launch()
    assert runs.error is None, runs.error
    return runs.folder


def _shown(page: str, *words: str) -> Path:
    expect_exit(run_here(words), 0)
    return Path(page)
