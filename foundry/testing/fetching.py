"""Models in the registry of a scenario, the commands that fetch them, and what the service and the cache then hold."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from foundry.artifacts.cache import ModelCache
from foundry.manifests import WEIGHTS_NAME
from foundry.testing.published_models import published_model
from foundry.testing.registry import Registry
from foundry.testing.wandb_service import WandbService
from foundry.testing.wandb_service.shelf import files_below, put_artifact
from foundry.testing.warm_commands import Observed, run_warm

ARTIFACT = "code_model-a"
PROMPT = "def load("
WAIT_SECONDS = 30
BRIEF = ("--download-timeout", "2")
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
        self.texts[version] = self.text_of(run_warm(["generate", str(folder), "--prompt", PROMPT, "--json"]))
        return version

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
