"""The folder of a team that puts its own experiment under acceptance, and what comes out when it does."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from foundry.config_file import load_experiment
from foundry.testing.forking import forked
from foundry.testing.processes import Finished
from foundry.testing.repositories import python_project
from foundry.trainer import Trainer

EXPERIMENT = "my.yaml"
PROMPTS = 'language: python\nprompts:\n  - {name: comment, text: "# A comment is ", max_new_tokens: 1}\n'
EXPERIMENTS: dict[str, dict[str, Any]] = {
    EXPERIMENT: {},
    "broken.yaml": {"model": {"layers": 0}},
    "unprompted.yaml": {"acceptance": {"prompts": ["elsewhere.yaml"], "min_parse_rate": 0.5}},
}
"""The experiments in the folder, and what is changed in each."""
TEMPORARY = "temporary"
TIMEOUT_SECONDS = 600.0
LINKED = ("environment.py", "features", "steps")
"""What the team has of the project beside its settings."""


@dataclass
class TeamFolder:
    """The team's folder, which is the current one, and what the last command did there.

    Attributes:
        origin: the project.
        results: name, status and message of each scenario that was reported.
    """

    origin: Path = Path()
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    results: list[tuple[str, str, str]] = field(default_factory=list)

    def run(self, program: str, arguments: Sequence[str]) -> None:
        """Run `foundry` or `behave` in a warm process of its own."""
        with forked(_run, program, tuple(arguments), Path.cwd()) as (process, _):
            process.join(TIMEOUT_SECONDS)
            assert process.exitcode is not None, f"{program} did not end in {TIMEOUT_SECONDS:g} s"
            code = process.exitcode
        self.finished = Finished(code, Path("stdout.txt").read_text(), Path("stderr.txt").read_text())
        self.results = _results()


def write_team_folder(origin: Path, acceptance: Mapping[str, Any]) -> None:
    """Write into the current folder: a repository, an experiment on it with these demands, and a finished run of it."""
    shutil.copytree(_template().name, Path(), dirs_exist_ok=True)
    content = yaml.safe_load(Path(EXPERIMENT).read_text(encoding="utf-8"))
    Path(EXPERIMENT).write_text(yaml.safe_dump({**content, "acceptance": dict(acceptance)}), encoding="utf-8")
    shutil.copy(origin / "pyproject.toml", Path())
    for name in LINKED:
        Path(name).symlink_to(origin / name)


@functools.cache
def _template() -> tempfile.TemporaryDirectory[str]:
    template = tempfile.TemporaryDirectory(prefix="team-")
    with contextlib.chdir(template.name):
        python_project(Path("project"), num_commits=12)
        Path("prompts.yaml").write_text(PROMPTS, encoding="utf-8")
        for name, changes in EXPERIMENTS.items():
            Path(name).write_text(yaml.safe_dump({**_experiment(), **changes}), encoding="utf-8")
        Trainer(load_experiment(Path(EXPERIMENT))).train()
    return template


def _experiment() -> dict[str, Any]:
    return {
        "experiment_name": "my",
        "data": {
            "git": {"repository": "project", "commits": False},
            "batch_size": 4,
            "max_sequence_length": 32,
            "validation_fraction": 0.2,
        },
        "tokenizer": {"vocab_size": 320},
        "model": {"layers": 1, "hidden_size": 32, "attention_heads": 2},
        "training": {"train_steps": 40, "learning_rate": 3e-3, "evaluation_interval": 10, "device": "cpu"},
    }


def _results() -> list[tuple[str, str, str]]:
    found = (json.loads(path.read_text(encoding="utf-8")) for path in Path("allure-results").glob("*-result.json"))
    return [(it["name"], it["status"], (it.get("statusDetails") or {}).get("message", "")) for it in found]


def _run(_tell: Callable[[str, Any], None], program: str, arguments: Sequence[str], folder: Path) -> None:
    from behave.__main__ import main as behave

    from foundry.__main__ import main as run_command

    os.chdir(folder)
    Path(TEMPORARY).mkdir()
    os.environ["TMPDIR"] = str(folder / TEMPORARY)  # what a forked process leaves goes with it
    importlib.reload(tempfile)  # it keeps the folder that it once found
    for stream, name in ((sys.stdout, "stdout.txt"), (sys.stderr, "stderr.txt")):
        with Path(name).open("w", encoding="utf-8") as written:
            os.dup2(written.fileno(), stream.fileno())
    if program == "foundry":
        run_command(arguments)
    raise SystemExit(behave(list(arguments)))
