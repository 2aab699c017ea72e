"""What the service holds: projects, their runs with history, their artifacts with versions and aliases."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple


class StoredFile(NamedTuple):
    """A file that was uploaded: size in bytes, MD5 digest in base64, and where its bytes lie."""

    size: int
    digest: str
    path: Path


@dataclass
class StoredRun:
    """A run as the service holds it.

    Attributes:
        name: the run's id, unique in its project.
        raw_config: the configuration as it was sent, each value wrapped: `{"lr": {"value": 0.1}}`.
        lines: the lines of each stream of the run by their offsets, such as `wandb-history.jsonl`.
        files: the files uploaded beside the run, by name.
        state: `running`, `finished` or `failed`.
    """

    id: str
    name: str
    entity: str
    project: str
    display_name: str | None = None
    raw_config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    lines: dict[str, dict[int, str]] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, unwrapped, without what the client notes about itself."""
        return {name: entry.get("value") for name, entry in self.raw_config.items() if name != "_wandb"}

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows that were logged, in the order of their offsets."""
        return [json.loads(line) for line in self.stream("wandb-history.jsonl")]

    def stream(self, name: str) -> list[str]:
        """The lines of one stream, in the order of their offsets."""
        return [line for _, line in sorted(self.lines.get(name, {}).items())]


@dataclass
class StoredVersion:
    """One version of an artifact.

    Attributes:
        index: its number, `v0` being 0; None until it is committed.
        state: `PENDING` while it is being uploaded, then `COMMITTED`.
        digest: the digest of the manifest, as the client names it.
        aliases: what points to it now; `v0` and its like are not among them.
        files: the files of the committed version, by their paths in the artifact.
    """

    id: str
    artifact: str
    type: str
    entity: str
    project: str
    digest: str
    run: str | None = None
    index: int | None = None
    state: str = "PENDING"
    metadata: dict[str, Any] | None = None
    description: str | None = None
    aliases: list[str] = field(default_factory=list)
    wanted_aliases: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    manifest: StoredFile | None = None
    files: dict[str, StoredFile] = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)


@dataclass
class StoredArtifact:
    """An artifact with all its versions, the pending ones included, in the order in which they were created."""

    id: str
    name: str
    type: str
    entity: str
    project: str
    versions: list[StoredVersion] = field(default_factory=list)

    @property
    def committed(self) -> list[StoredVersion]:
        """The versions that are whole, the oldest first."""
        return [version for version in self.versions if version.state == "COMMITTED"]

    def version(self, alias: str) -> StoredVersion | None:
        """The committed version that `alias`, or a name such as `v0`, points to."""
        found = (it for it in self.committed if alias in it.aliases or alias == f"v{it.index}")
        return next(found, None)

    def point(self, aliases: Iterable[str], version: StoredVersion) -> None:
        """Let `aliases` point to `version`, and no longer to another."""
        for alias in aliases:
            for other in self.versions:
                if alias in other.aliases:
                    other.aliases.remove(alias)
            version.aliases.append(alias)

    def commit(self, version: StoredVersion, files: dict[str, StoredFile]) -> None:
        """Make `version` the newest one, with its files, and let its aliases point to it."""
        if version.state != "COMMITTED":
            version.index, version.state, version.files = len(self.committed), "COMMITTED", files
            self.point(version.wanted_aliases, version)


@dataclass
class StoredProject:
    """A project: its runs and artifacts by name, and each file of its artifacts once, by its digest."""

    id: str
    name: str
    entity: str
    runs: dict[str, StoredRun] = field(default_factory=dict)
    artifacts: dict[str, StoredArtifact] = field(default_factory=dict)
    contents: dict[str, StoredFile] = field(default_factory=dict)


class State:
    """All that one service holds, but for the bytes of the files."""

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self.projects: dict[str, StoredProject] = {}
        self.manifests: dict[str, StoredVersion] = {}
        self._numbers = count(1)

    def new_id(self) -> str:
        """A number that this service has given to nothing else."""
        return str(next(self._numbers))

    def project(self, entity: str | None, name: str | None) -> StoredProject | None:
        """The project of that name, or None; the service has one entity."""
        return self.projects.get(name or "") if entity in (None, "", self.entity) else None

    def project_made(self, name: str) -> StoredProject:
        """The project of that name; it comes into being when it is first named."""
        if name not in self.projects:
            self.projects[name] = StoredProject(self.new_id(), name, self.entity)
        return self.projects[name]

    def all_runs(self) -> Iterator[StoredRun]:
        """Every run of every project."""
        return (run for project in self.projects.values() for run in project.runs.values())

    def all_versions(self) -> Iterator[StoredVersion]:
        """Every version of every artifact of every project."""
        return (
            version
            for project in self.projects.values()
            for artifact in project.artifacts.values()
            for version in artifact.versions
        )

    def artifact_of(self, version: StoredVersion) -> StoredArtifact:
        """The artifact that `version` belongs to."""
        return self.projects[version.project].artifacts[version.artifact]
