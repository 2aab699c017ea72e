"""Pipelines on repositories so small that the cheap phases take a second: their launches, and what they leave."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from foundry.errors import FoundryError
from foundry.pipeline.launch import Launch
from foundry.pipeline.launching import carry_out
from foundry.pipeline.manifest import MANIFEST_FILE, PipelineManifest, read_manifest
from foundry.testing.forking import TIMEOUT_SECONDS, forked
from foundry.testing.kill_points import KillPoint, kill_points
from foundry.testing.processes import Finished
from foundry.testing.repositories import SampleRepository, python_project
from foundry.testing.runs import contents_of
from foundry.testing.warm_commands import run_warm
from foundry.training.run_lock import RunLock
from foundry.training.signals import left_at_once

CONFIG_FILE = Path("tiny.yaml")
CHEAP = "analyze,scrape,tokenize"
INDEXED = "analyze,scrape,embed"
UNTIL_ENOUGH = {"analyze.max_steps": None, "analyze.target_tokens": 4000}
TINY: dict[str, Any] = {
    "analyze": {"max_steps": 6},
    "tokenize": {"sequence_length": 32, "overlap": 4},
    "embed": {"enabled": False},
    "experiment": {
        "data": {"batch_size": 4, "max_validation_blocks": 4},
        "tokenizer": {"vocab_size": 320},
        "model": {"layers": 1, "hidden_size": 32, "attention_heads": 2},
        "training": {"learning_rate": 3e-3},
    },
    "evaluate": {"samples": 1, "max_new_tokens": 8, "max_problems": 1},
}
"""A pipeline that does everything but embed, in some seconds."""
PIPELINE_FOLDER = Path("pipelines/sample")
TIMES = ("created", "updated", "seconds", "started", "finished", "timings")
"""Keys of a manifest that a clock gives."""


@dataclass
class Pipelines:
    """The pipeline of a scenario, and what its launches did.

    Attributes:
        source: what is named on the command line.
        before: the files of the pipeline's folder before the last launch.
    """

    source: str = "sample"
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    manifest_before: PipelineManifest | None = None

    @property
    def folder(self) -> Path:
        """The only folder of a pipeline below the workspace."""
        found = [path.parent for path in Path("pipelines").glob(f"*/{MANIFEST_FILE}")]
        assert len(found) == 1, f"expected one pipeline, found {found}"
        return found[0]

    @property
    def manifest(self) -> PipelineManifest:
        """Its manifest, as it stands now."""
        return read_manifest(self.folder)

    def launch(self, *options: str) -> Finished:
        """Run `foundry pipeline` in a warm process of its own, to its end."""
        here = Path("pipelines")
        self.before = contents_of(here) if here.is_dir() else {}
        self.manifest_before = None
        with contextlib.suppress(FoundryError):  # a damaged one is for the launch to meet
            self.manifest_before = self.manifest if any(here.glob(f"*/{MANIFEST_FILE}")) else None
        self.finished = run_warm(self.arguments(*options))
        return self.finished

    def arguments(self, *options: str) -> list[str]:
        """The words of the command line after `foundry`."""
        return ["pipeline", self.source, "--config", str(CONFIG_FILE), *options]

    def done(self) -> dict[str, tuple[str, str]]:
        """What the last launch did about each phase, and why, from its table."""
        lines = self.finished.stdout.split("\nphase ", 1)[-1].splitlines()[1:]
        rows = [line.split(maxsplit=1) for line in lines[: lines.index("")]]
        return {name: _status_and_what(rest) for name, rest in rows}


def _status_and_what(rest: str) -> tuple[str, str]:
    status = "left alone" if rest.startswith("left alone") else rest.split(maxsplit=1)[0]
    return status, rest.removeprefix(status).strip()


@dataclass(frozen=True)
class Phases:
    """Phases of a tiny pipeline, as a task for a process that is forked warm."""

    source: str
    config: Path
    only: str | None

    def __call__(self) -> None:
        """Do them in the current folder, as the command does."""
        with left_at_once():
            carry_out(Launch.of(self.source, self.config, only=self.only), None)


@dataclass
class Alone:
    """A pipeline that was left alone, to compare others with, and the instants at which it could have been killed."""

    folder: Path
    points: list[KillPoint]
    phases: Phases

    @property
    def expected(self) -> dict[str, Any]:
        """Its manifest without times."""
        return without_times(read_manifest(self.folder / PIPELINE_FOLDER))

    def spread(self, count: int, places: tuple[str, ...] = ("",)) -> list[KillPoint]:
        """So many instants, evenly spread over those with one of `places` in their path."""
        points = [point for point in self.points if any(place in point.path for place in places)]
        assert len(points) >= count, f"there are {len(points)} instants at {places}"
        return [points[(2 * number + 1) * len(points) // (2 * count)] for number in range(count)]


def cheap_phases() -> Phases:
    """The cheap phases of the tiny pipeline on `sample`, wherever they are carried out."""
    return Phases(str(Path("sample").resolve()), CONFIG_FILE.resolve(), CHEAP)


def phases_anywhere() -> Phases:
    """All phases of the tiny pipeline on `sample`, wherever they are carried out."""
    return Phases(str(Path("sample").resolve()), CONFIG_FILE.resolve(), None)


def every_phase() -> Phases:
    """All phases of the tiny pipeline on `sample`."""
    return Phases("sample", CONFIG_FILE, None)


def left_alone(folder: Path, phases: Phases) -> Alone:
    """Run phases to their end in `folder`."""
    return Alone(folder, kill_points(phases, folder), phases)


@contextlib.contextmanager
def held_pipeline(folder: Path) -> Iterator[int]:
    """Another process works on the pipeline in `folder` for the length of the block; its number."""
    with forked(_hold, folder.resolve()) as (process, hears):
        assert hears.poll(TIMEOUT_SECONDS), "the other process does not hold the pipeline"
        hears.recv()
        assert process.pid is not None
        yield process.pid


def _hold(tell: Callable[[str, Any], None], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with RunLock(folder).held(print):
        tell("held", True)
        signal.pause()


def copy_of_finished() -> None:
    """Put a repository of 6 commits and its pipeline, whose cheap phases are done, into the current folder."""
    shutil.copytree(_template(CHEAP).name, Path(), dirs_exist_ok=True)


def copy_of_whole() -> None:
    """Put a repository of 6 commits and its pipeline, which has done everything but embed, into the current folder."""
    shutil.copytree(_template(None).name, Path(), dirs_exist_ok=True)


def copy_of_indexed() -> None:
    """Put a repository of 6 commits and its pipeline, whose history was read and embedded, into the current folder."""
    shutil.copytree(_template(INDEXED).name, Path(), dirs_exist_ok=True)


@functools.cache
def _template(only: str | None) -> tempfile.TemporaryDirectory[str]:
    template = tempfile.TemporaryDirectory(prefix="pipeline-")
    with contextlib.chdir(template.name):
        python_project(Path("sample"), 6)
        write_tiny_config({"embed.enabled": only == INDEXED} if only else UNTIL_ENOUGH)
        finished = Pipelines().launch(*(["--only", only] if only else []))
        assert finished.exit_code == 0, finished.stderr
    return template


def write_tiny_config(changes: Mapping[str, Any] | None = None) -> Path:
    """Write the file of a tiny pipeline into the current folder; `changes` by dotted keys."""
    content: dict[str, Any] = json.loads(json.dumps(TINY))
    for dotted, value in (changes or {}).items():
        *sections, key = dotted.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    CONFIG_FILE.write_text(yaml.safe_dump(content), encoding="utf-8")
    return CONFIG_FILE


def without_times(manifest: PipelineManifest) -> dict[str, Any]:
    """A manifest as plain values, without what a clock has given."""
    content: dict[str, Any] = _without(manifest.model_dump(mode="json"))
    return content


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in TIMES}
    return value


def raw_commit(repository: SampleRepository, lines: Iterable[bytes], message: bytes = b"made by hand") -> str:
    """A commit object with these header lines after its tree, as any program might have made it; HEAD names it then."""
    tree = repository.git("write-tree").encode()
    content = b"\n".join([b"tree " + tree, *lines, b"", message, b""])
    command = ["git", "-C", str(repository.folder), "hash-object", "-w", "-t", "commit", "--literally", "--stdin"]
    commit_id = subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()
    repository.git("update-ref", "HEAD", commit_id)
    return commit_id
