"""The registry that a scenario publishes to: a service on this machine, or the real Weights & Biases.

What it holds is looked at through the client's public interface (`registry_observer`), the same for both.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.testing.wandb_service import WandbService
from foundry.testing.wandb_service.service import client_folders

API_KEY = "0123456789abcdef" * 3
OBSERVE_SECONDS = 120


class Unanswered(AssertionError):
    """The registry does not say what it was asked: it cannot be reached, or has no such run."""


@dataclass(frozen=True)
class Published:
    """One version of an artifact, as whoever may read it sees it.

    Attributes:
        version: such as `v0`.
        files: by its path in the artifact, the MD5 digest in base64 and the size in bytes of each file.
    """

    version: str
    type: str
    aliases: tuple[str, ...]
    metadata: dict[str, Any]
    files: dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Logged:
    """A run, as whoever may read it sees it.

    Attributes:
        history: the rows, in order, each with the client's `_step`, without what else it adds.
        summary: the last value of each metric.
        state: `running`, `finished`, `failed` or `crashed`.
        group: the name of the group that it belongs to, if any.
    """

    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    state: str
    group: str | None


class Registry:
    """The registry of one scenario, and the environment in which the client reaches it.

    Attributes:
        entity: the team or user that owns what is published.
        project: a name that no other scenario uses in the real service.
        service: the service on this machine; None where the registry is the real one.
    """

    def __init__(self) -> None:
        self.entity = ""
        self.project = ""
        self._service: WandbService | None = None
        self._environment: dict[str, str] | None = None

    def open_here(self, folder: Path, entity: str = "team") -> None:
        """Start a service with its files below `folder`, and let this process and its children know no other."""
        self._service = WandbService(folder / "service", entity=entity, api_key=API_KEY)
        self.entity, self.project = entity, "acceptance"
        self._enter({**self._service.environment(folder / "client"), "FOUNDRY_CACHE": str(folder / "cache")})

    def open_in_the_cloud(self, folder: Path) -> None:
        """Use the account of this process's environment, with the client's files below `folder`."""
        self.project = f"foundry-acceptance-{secrets.token_hex(4)}"
        kept = {name: value for name, value in os.environ.items() if name in ("WANDB_BASE_URL", "WANDB_API_KEY")}
        self._enter({**kept, **client_folders(folder / "client"), "FOUNDRY_CACHE": str(folder / "cache")})
        self.entity = self._observe("entity")

    @property
    def service(self) -> WandbService:
        """The service on this machine.

        Raises:
            AssertionError: the registry is not open, or is the real one, of which a scenario cannot ask this.
        """
        assert self._service is not None, "the registry is no service on this machine"
        return self._service

    @property
    def is_here(self) -> bool:
        """Whether the registry is a service on this machine."""
        return self._service is not None

    def close(self) -> None:
        """Stop the service and put the environment back.

        Raises:
            AssertionError: a client asked the service for what it does not know.
        """
        if self._environment is not None:
            os.environ.clear()
            os.environ.update(self._environment)
            self._environment = None
        if self._service is not None:
            self._service.stop()
            self._service.check()

    def published(self, artifact: str) -> Published | None:
        """What `artifact`, a name with an alias such as `model:best`, points to; None where it points to nothing."""
        found = self._observe("artifact", self._place(artifact))
        if found is None:
            return None
        return Published(
            found["version"],
            found["type"],
            tuple(found["aliases"]),
            found["metadata"],
            {name: (digest, size) for name, (digest, size) in found["files"].items()},
        )

    def fetch(self, artifact: str, folder: Path) -> None:
        """Download `artifact` into `folder`, past every cache, and verify it."""
        self._observe("fetch", self._place(artifact), str(folder))

    def logged(self, run_id: str) -> Logged:
        """What was logged under `run_id`.

        Raises:
            Unanswered: there is no such run.
        """
        return Logged(**self._observe("run", self._place(run_id)))

    def history(self, run_id: str) -> list[dict[str, Any]]:
        """The rows that were logged under `run_id`, as in `Logged`."""
        return self.logged(run_id).history

    def config(self, run_id: str) -> dict[str, Any]:
        """The configuration of the run."""
        return self.logged(run_id).config

    def summary(self, run_id: str) -> dict[str, Any]:
        """The last value of each metric of the run."""
        return self.logged(run_id).summary

    def _place(self, name: str) -> str:
        return name if name.count("/") == 2 else f"{self.entity}/{self.project}/{name}"

    def _enter(self, variables: dict[str, str]) -> None:
        self._environment = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            del os.environ[name]
        os.environ.update(variables)

    def _observe(self, *question: str) -> Any:
        """What the client answers, with this process's environment, in its current folder."""
        answered = _ask(
            {"environment": {**os.environ, "WANDB_SILENT": "true"}, "folder": str(Path.cwd()), "question": question}
        )
        if "answer" not in answered:
            raise Unanswered(f"{' '.join(question)}: {answered.get('error', 'the client does not answer')}")
        return answered["answer"]


@functools.cache
def _observer() -> subprocess.Popen[str]:
    """The process that asks the registries of all scenarios; it ends with this one."""
    return subprocess.Popen(
        [sys.executable, "-m", "foundry.testing.registry_observer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def _ask(message: dict[str, Any]) -> dict[str, Any]:
    observer = _observer()
    assert observer.stdin is not None and observer.stdout is not None
    patience = threading.Timer(OBSERVE_SECONDS, observer.kill)
    patience.start()
    try:
        observer.stdin.write(json.dumps(message) + "\n")
        observer.stdin.flush()
        return dict(json.loads(observer.stdout.readline() or "{}"))
    finally:
        patience.cancel()
        if observer.poll() is not None:
            _observer.cache_clear()
