"""Models in the registry of a scenario, the commands that fetch them, and what the service and the cache then hold."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from foundry.artifacts.cache import ModelCache
from foundry.manifests import WEIGHTS_NAME
from foundry.testing.faults import change_json
from foundry.testing.published_models import published_model
from foundry.testing.registry import Registry
from foundry.testing.wandb_service import WandbService
from foundry.testing.wandb_service.shelf import files_below, put_artifact
from foundry.testing.warm_commands import Observed, run_warm

ARTIFACT = "code_model-a"
PROMPT = "def load("
WAIT_SECONDS = 30
BRIEF = ("--download-timeout", "3")
"""A download that stands still is given up soon."""


@dataclass
class Fetching:
    """What the steps about fetching share.

    Attributes:
        ended: the commands that have ended, the newest last.
        asked_before: how many requests the service had heard when that was noted.
        texts: what a model's local folder gives for the prompt, by the model's version in the registry.
        attempts: what each row of a table came to, with what was expected of it.
    """

    registry: Registry | None = None
    ended: list[Observed] = field(default_factory=list)
    asked_before: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    attempts: list[tuple[str, str, Observed]] = field(default_factory=list)

    @property
    def service(self) -> WandbService:
        """The service of the scenario."""
        assert self.registry is not None, "there is no registry yet"
        return self.registry.service

    @property
    def project(self) -> str:
        """The project of the scenario."""
        assert self.registry is not None, "there is no registry yet"
        return self.registry.project

    @property
    def last(self) -> Observed:
        """The command that ended last."""
        return self.ended[-1]

    @property
    def cache(self) -> ModelCache:
        """The cache of the scenario."""
        return ModelCache.of_user()

    def reference(self, rest: str = f"{ARTIFACT}:best") -> str:
        """A reference to a model of the scenario's project."""
        assert self.registry is not None, "there is no registry yet"
        return f"wandb://{self.registry.entity}/{self.project}/{rest}"

    def put_model(self, seed: int, architecture: str = "decoder") -> str:
        """Let `best` point to a new version, and note what its local folder gives; the version."""
        folder = published_model(Path(f"local-{seed}"), architecture, seed)
        version = put_artifact(self.service, self.project, ARTIFACT, files_below(folder))
        self.texts[version] = _text_of_local(architecture, seed)
        return version

    def fetch_earlier(self, rest: str = f"{ARTIFACT}:best", minutes: int = 0) -> None:
        """Let the best model have been fetched so many minutes ago, the first of all that the service was given.

        That was done once in this process, from a service that held the same; its cache is copied.

        Args:
            rest: what was asked for, after the project's name.
        """
        [model] = Path().glob("local-*")
        shutil.copytree(_cache_of(model.name, rest).name, self.cache.root)
        earlier = datetime.now(UTC) - timedelta(minutes=minutes)
        for path in (self.cache.root / "references").glob("*.json"):
            change_json(path, lambda record: record.update(time=earlier.isoformat()))
        self.note()

    def put_folder(self, name: str, folder: Path) -> None:
        """Make an artifact of a folder, and remove the folder."""
        put_artifact(self.service, self.project, name, files_below(folder))
        shutil.rmtree(folder)

    def generate(self, reference: str | None = None, *options: str) -> Observed:
        """Run `foundry generate` to its end, by default from the best version."""
        self.ended.append(run_warm(self.command(reference, *options)))
        return self.last

    def command(self, reference: str | None = None, *options: str) -> list[str]:
        """The arguments of `foundry generate`."""
        return ["generate", reference or self.reference(), "--prompt", PROMPT, "--json", *options]

    def run(self, *arguments: str) -> Observed:
        """Run `foundry` to its end."""
        self.ended.append(run_warm(arguments))
        return self.last

    def note(self) -> None:
        """Note what the service was asked so far."""
        self.asked_before = len(self.service.requests)

    @property
    def asked(self) -> list[str]:
        """What the service was asked since, by operation."""
        return [request.operation for request in self.service.requests[self.asked_before :]]

    @property
    def downloaded(self) -> list[str]:
        """The files of artifacts that the service was asked for since, in order."""
        heard = self.service.requests[self.asked_before :]
        return [request.file for request in heard if request.operation == "download"]

    def wait_for_download(self) -> None:
        """Wait until bytes of the weights are on this disk.

        Raises:
            AssertionError: they do not come.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while WEIGHTS_NAME not in self.downloaded or not any(
            path.stat().st_size for path in self.cache.root.glob(".writing-*/model/tmp*")
        ):
            assert time.monotonic() < deadline, f"no download: {self.asked}"
            time.sleep(0.02)

    @staticmethod
    def text_of(ended: Observed) -> str:
        """The text that a command has generated.

        Raises:
            AssertionError: it has not.
        """
        assert ended.exit_code == 0, ended
        [generated] = json.loads(ended.stdout)
        return str(generated["full_text"])

    @property
    def files_in_cache(self) -> list[str]:
        """The files in the cache, locks left out."""
        root = self.cache.root
        found = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        return sorted(path for path in found if not path.startswith("locks/"))


@functools.cache
def _text_of_local(architecture: str, seed: int) -> str:
    """What the command line makes of a model in a local folder."""
    with tempfile.TemporaryDirectory(prefix="local-model-") as name:
        folder = published_model(Path(name) / "model", architecture, seed)
        return Fetching.text_of(run_warm(["generate", str(folder), "--prompt", PROMPT, "--json"]))


@functools.cache
def _cache_of(model: str, rest: str) -> tempfile.TemporaryDirectory[str]:
    """The cache after a model was fetched from a service that holds nothing else."""
    cache = tempfile.TemporaryDirectory(prefix="fetched-model-")
    with tempfile.TemporaryDirectory(prefix="fetching-") as workspace, contextlib.chdir(workspace):
        registry = Registry()
        outer = os.environ.copy()
        registry.open_here(Path(workspace) / "registry")
        try:
            fetching = Fetching(registry)
            fetching.put_model(int(model.removeprefix("local-")))
            text = fetching.text_of(fetching.generate(fetching.reference(rest)))
            assert text == fetching.texts["v0"], f"{text!r}, not {fetching.texts['v0']!r}"
            shutil.copytree(fetching.cache.root, cache.name, dirs_exist_ok=True)
        finally:
            registry.close()
            os.environ.clear()
            os.environ.update(outer)
    return cache
