"""The GraphQL types that the service knows: one class for each, with a method for each of its fields."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from foundry.testing.wandb_service.execution import GraphQLObject, answers
from foundry.testing.wandb_service.state import (
    State,
    StoredArtifact,
    StoredFile,
    StoredProject,
    StoredRun,
    StoredVersion,
)
from foundry.testing.wandb_service.transfers import Transfers


@dataclass(frozen=True)
class Service:
    """What every field may need: the state, and addresses of files."""

    state: State
    transfers: Transfers


def global_id(kind: str, number: str) -> str:
    """An identifier as the service gives it to clients: opaque to them, and unlike that of another kind."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Connection(GraphQLObject):
    """A page of a list; all fits on the first."""

    types = ("Connection",)

    def __init__(self, nodes: list[GraphQLObject]) -> None:
        self._nodes = nodes

    @answers()
    def edges(self) -> list[Edge]:
        return [Edge(node, str(place)) for place, node in enumerate(self._nodes)]

    @answers()
    def page_info(self) -> PageInfo:
        return PageInfo()

    @answers()
    def total_count(self) -> int:
        return len(self._nodes)


class Edge(GraphQLObject):
    types = ("Edge",)

    def __init__(self, node: GraphQLObject, cursor: str) -> None:
        self._node = node
        self._cursor = cursor

    @answers()
    def node(self) -> GraphQLObject:
        return self._node

    @answers()
    def cursor(self) -> str:
        return self._cursor

    @answers()
    def version(self) -> str | None:
        return f"v{self._node.stored.index}" if isinstance(self._node, Artifact) else None


class PageInfo(GraphQLObject):
    types = ("PageInfo",)

    @answers()
    def end_cursor(self) -> None:
        return None

    @answers()
    def has_next_page(self) -> bool:
        return False


class User(GraphQLObject):
    """The owner of the key."""

    types = ("User",)

    def __init__(self, service: Service) -> None:
        self._service = service

    @answers()
    def id(self) -> str:
        return global_id("User", "1")

    @answers()
    def entity(self) -> str:
        return self._service.state.entity

    @answers()
    def name(self) -> str:
        return self._service.state.entity

    @answers()
    def username(self) -> str:
        return self._service.state.entity

    @answers()
    def email(self) -> None:
        return None

    @answers()
    def admin(self) -> bool:
        return False

    @answers()
    def flags(self) -> str:
        return "{}"

    @answers()
    def deleted_at(self) -> None:
        return None

    @answers()
    def api_keys(self) -> Connection:
        return Connection([])

    @answers()
    def teams(self) -> Connection:
        return Connection([Entity(self._service)])


class Entity(GraphQLObject):
    """The team or user that owns all projects of the service."""

    types = ("Entity",)

    def __init__(self, service: Service) -> None:
        self._service = service

    @answers()
    def id(self) -> str:
        return global_id("Entity", "1")

    @answers()
    def name(self) -> str:
        return self._service.state.entity

    @answers()
    def organization(self) -> None:
        return None

    @answers()
    def xxhash_digests_enabled(self) -> bool:
        return False


class Project(GraphQLObject):
    types = ("Project",)

    def __init__(self, service: Service, stored: StoredProject) -> None:
        self._service = service
        self._stored = stored

    @answers()
    def id(self) -> str:
        return global_id("Project", self._stored.id)

    @answers()
    def internal_id(self) -> str:
        return global_id("ProjectInternalId", self._stored.id)

    @answers()
    def name(self) -> str:
        return self._stored.name

    @answers()
    def entity(self) -> Entity:
        return Entity(self._service)

    @answers()
    def run(self, name: str) -> Run | None:
        return self.bucket(name)

    @answers("missing_ok")
    def bucket(self, name: str) -> Run | None:
        run = self._stored.runs.get(name)
        return None if run is None else Run(self._service, run)

    @answers()
    def artifact(self, name: str) -> Artifact | None:
        artifact = self._artifact(name.partition(":")[0])
        if artifact is None or not artifact.versions:
            return None
        return Artifact(self._service, artifact.versions[-1])

    @answers()
    def artifact_type(self, name: str) -> ArtifactType | None:
        known = any(artifact.type == name for artifact in self._stored.artifacts.values())
        return ArtifactType(self._service, name, self._stored) if known else None

    @answers()
    def artifact_collection(self, name: str) -> ArtifactCollection | None:
        artifact = self._artifact(name)
        return None if artifact is None else ArtifactCollection(self._service, artifact)

    @answers()
    def artifact_collection_membership(self, name: str) -> ArtifactMembership | None:
        collection = self.artifact_collection(name.partition(":")[0])
        return None if collection is None else collection.artifact_membership(name.partition(":")[2] or "latest")

    def _artifact(self, name: str) -> StoredArtifact | None:
        return self._stored.artifacts.get(name)


class Run(GraphQLObject):
    types = ("Run",)

    def __init__(self, service: Service, stored: StoredRun) -> None:
        self._service = service
        self._stored = stored

    @answers()
    def id(self) -> str:
        return global_id("Run", self._stored.id)

    @answers()
    def name(self) -> str:
        return self._stored.name

    @answers()
    def project(self) -> Project:
        return Project(self._service, self._service.state.projects[self._stored.project])

    @answers()
    def project_id(self) -> str:
        return self._service.state.projects[self._stored.project].id

    @answers()
    def display_name(self) -> str:
        return self._stored.display_name or self._stored.name

    @answers()
    def description(self) -> str | None:
        return self._stored.description

    @answers()
    def notes(self) -> str | None:
        return self._stored.notes

    @answers()
    def tags(self) -> list[str]:
        return self._stored.tags

    @answers()
    def group(self) -> str | None:
        return self._stored.group

    @answers()
    def job_type(self) -> str | None:
        return self._stored.job_type

    @answers()
    def state(self) -> str:
        return self._stored.state

    @answers()
    def sweep_name(self) -> None:
        return None

    @answers()
    def commit(self) -> None:
        return None

    @answers()
    def read_only(self) -> bool:
        return False

    @answers()
    def user(self) -> User:
        return User(self._service)

    @answers()
    def created_at(self) -> str:
        return timestamp(self._stored.created_at)

    @answers()
    def heartbeat_at(self) -> str:
        return timestamp(self._stored.created_at)

    @answers()
    def config(self) -> str:
        return json.dumps(self._stored.raw_config)

    @answers()
    def wandb_config(self, keys: list[str]) -> str:
        # A client takes a run without the key "t" for one that does not exist.
        noted = self._stored.raw_config.get("_wandb", {}).get("value", {})
        return json.dumps({key: noted.get(key, {}) for key in keys})

    @answers()
    def summary_metrics(self) -> str:
        return json.dumps(self._stored.summary)

    @answers()
    def system_metrics(self) -> str:
        return "{}"

    @answers()
    def log_line_count(self) -> int:
        return len(self._stored.stream("output.log"))

    @answers()
    def history_line_count(self) -> int:
        return len(self._stored.stream("wandb-history.jsonl"))

    @answers()
    def events_line_count(self) -> int:
        return len(self._stored.stream("wandb-events.jsonl"))

    @answers()
    def history_tail(self) -> str:
        return json.dumps(self._stored.stream("wandb-history.jsonl")[-1:])

    @answers()
    def events_tail(self) -> str:
        return json.dumps(self._stored.stream("wandb-events.jsonl")[-1:])

    @answers()
    def history(
        self, samples: int | None = None, min_step: int | None = None, max_step: int | None = None
    ) -> list[str]:
        """The lines of the steps from `min_step` on, before `max_step`, at most `samples` of them."""
        steps = ((json.loads(line)["_step"], line) for line in self._stored.stream("wandb-history.jsonl"))
        low, high = min_step or 0, float("inf") if max_step is None else max_step
        return [line for step, line in steps if low <= step < high][:samples]

    @answers("samples")
    def events(self) -> list[str]:
        return self._stored.stream("wandb-events.jsonl")

    @answers()
    def history_keys(self) -> dict[str, Any] | None:
        rows = self._stored.history
        if not rows:
            return None
        keys = {key: {"typeCounts": [{"type": "number"}]} for row in rows for key in row}
        return {"sets": [], "keys": keys, "lastStep": max(row["_step"] for row in rows)}

    @answers("live_keys")
    def parquet_history(self) -> ParquetHistory:
        return ParquetHistory(self._stored)

    @answers("after", "first", "pattern")
    def files(self, names: list[str] | None = None) -> Connection:
        wanted = names or list(self._stored.files)
        found = ((name, self._stored.files.get(name)) for name in wanted)
        return Connection([File(self._service, "download_run_file", name, file) for name, file in found if file])

    @answers()
    def file_count(self) -> int:
        return len(self._stored.files)

    @answers("after", "first")
    def output_artifacts(self) -> Connection:
        made = [it for it in self._service.state.all_versions() if it.run == self._stored.name and it.index is not None]
        return Connection([Artifact(self._service, it) for it in made if it.project == self._stored.project])


class ParquetHistory(GraphQLObject):
    """The history of a run that has not been rewritten as Parquet files, as all history here."""

    types = ("ParquetHistory",)

    def __init__(self, stored: StoredRun) -> None:
        self._stored = stored

    @answers()
    def parquet_urls(self) -> list[str]:
        return []

    @answers()
    def live_data(self) -> list[dict[str, Any]]:
        return self._stored.history


class File(GraphQLObject):
    """A file of an artifact or beside a run."""

    types = ("File",)

    def __init__(self, service: Service, operation: str, name: str, file: StoredFile) -> None:
        self._service = service
        self._operation = operation
        self._name = name
        self._file = file

    @answers()
    def id(self) -> str:
        return global_id("File", self._file.path.name)

    @answers()
    def name(self) -> str:
        return self._name

    @answers()
    def display_name(self) -> str:
        return self._name

    @answers()
    def direct_url(self) -> str:
        return self._service.transfers.download_url(self._operation, self._name, self._file)

    @answers("upload")
    def url(self) -> str:
        return self.direct_url()

    @answers()
    def size_bytes(self) -> int:
        return self._file.size

    @answers()
    def mimetype(self) -> None:
        return None

    @answers()
    def updated_at(self) -> None:
        return None

    @answers()
    def storage_path(self) -> None:
        return None

    @answers()
    def digest(self) -> str:
        return self._file.digest

    @answers()
    def md5(self) -> str:
        return self._file.digest


class ArtifactType(GraphQLObject):
    types = ("ArtifactType",)

    def __init__(self, service: Service, name: str, project: StoredProject) -> None:
        self._service = service
        self._name = name
        self._project = project

    @answers()
    def name(self) -> str:
        return self._name

    @answers()
    def artifact_collection(self, name: str) -> ArtifactCollection | None:
        artifact = self._project.artifacts.get(name)
        known = artifact is not None and artifact.type == self._name
        return ArtifactCollection(self._service, artifact) if artifact is not None and known else None


class ArtifactCollection(GraphQLObject):
    types = ("ArtifactSequence", "ArtifactCollection")

    def __init__(self, service: Service, stored: StoredArtifact) -> None:
        self._service = service
        self._stored = stored

    @answers()
    def id(self) -> str:
        return global_id("ArtifactCollection", self._stored.id)

    @answers()
    def name(self) -> str:
        return self._stored.name

    @answers()
    def project(self) -> Project:
        return Project(self._service, self._service.state.projects[self._stored.project])

    @answers()
    def latest_artifact(self) -> Artifact | None:
        committed = self._stored.committed
        return Artifact(self._service, committed[-1]) if committed else None

    @answers()
    def artifact_membership(self, alias_name: str) -> ArtifactMembership | None:
        version = self._stored.version(alias_name)
        return None if version is None else ArtifactMembership(self._service, version)

    @answers("after", "first", "order", "filters")
    def artifacts(self) -> Connection:
        return Connection([Artifact(self._service, version) for version in reversed(self._stored.committed)])


class ArtifactMembership(GraphQLObject):
    """A version as a member of the collection that it was created in."""

    types = ("ArtifactCollectionMembership",)

    def __init__(self, service: Service, stored: StoredVersion) -> None:
        self._service = service
        self._stored = stored
        self._artifact = Artifact(service, stored)

    @answers()
    def id(self) -> str:
        return global_id("ArtifactCollectionMembership", self._stored.id)

    @answers()
    def version_index(self) -> int | None:
        return self._stored.index

    @answers()
    def created_at(self) -> str:
        return self._artifact.created_at()

    @answers()
    def aliases(self) -> list[ArtifactAlias]:
        return self._artifact.aliases()

    @answers()
    def artifact_collection(self) -> ArtifactCollection:
        return self._artifact.artifact_sequence()

    @answers()
    def artifact(self) -> Artifact:
        return self._artifact

    @answers("after", "first")
    def files(self, names: list[str] | None = None) -> Connection:
        kept = self._stored.files
        wanted = [name for name in (names or kept) if name in kept]
        return Connection([File(self._service, "download", name, kept[name]) for name in wanted])


class Artifact(GraphQLObject):
    """One version of an artifact."""

    types = ("Artifact",)

    def __init__(self, service: Service, stored: StoredVersion) -> None:
        self._service = service
        self.stored = stored

    @answers()
    def id(self) -> str:
        return global_id("Artifact", self.stored.id)

    @answers()
    def artifact_sequence(self) -> ArtifactCollection:
        return ArtifactCollection(self._service, self._service.state.artifact_of(self.stored))

    @answers()
    def version_index(self) -> int | None:
        return self.stored.index

    @answers()
    def artifact_type(self) -> ArtifactType:
        project = self._service.state.projects[self.stored.project]
        return ArtifactType(self._service, self.stored.type, project)

    @answers()
    def description(self) -> str | None:
        return self.stored.description

    @answers()
    def metadata(self) -> str | None:
        return None if self.stored.metadata is None else json.dumps(self.stored.metadata)

    @answers()
    def ttl_duration_seconds(self) -> int:
        return -2  # none of its own

    @answers()
    def ttl_is_inherited(self) -> bool:
        return False

    @answers()
    def tags(self) -> list[Tag]:
        return [Tag(name) for name in self.stored.tags]

    @answers()
    def history_step(self) -> None:
        return None

    @answers()
    def state(self) -> str:
        return self.stored.state

    @answers()
    def size(self) -> int:
        return sum(file.size for file in self.stored.files.values())

    @answers()
    def digest(self) -> str:
        return self.stored.digest

    @answers()
    def commit_hash(self) -> str:
        return self.stored.digest

    @answers()
    def file_count(self) -> int:
        return len(self.stored.files)

    @answers()
    def created_at(self) -> str:
        return timestamp(self.stored.created_at)

    @answers()
    def updated_at(self) -> str:
        return self.created_at()

    @answers()
    def aliases(self) -> list[ArtifactAlias]:
        collection = self.artifact_sequence()
        return [ArtifactAlias(collection, self.stored, alias) for alias in self.stored.aliases]

    @answers()
    def current_manifest(self) -> ArtifactManifest | None:
        return ArtifactManifest(self._service, self.stored) if self.stored.manifest else None

    @answers()
    def created_by(self) -> Run | None:
        run = self._service.state.projects[self.stored.project].runs.get(self.stored.run or "")
        return None if run is None else Run(self._service, run)


class ArtifactAlias(GraphQLObject):
    types = ("ArtifactAlias",)

    def __init__(self, collection: ArtifactCollection, version: StoredVersion, alias: str) -> None:
        self._collection = collection
        self._version = version
        self._alias = alias

    @answers()
    def id(self) -> str:
        return global_id("ArtifactAlias", f"{self._version.artifact}:{self._alias}")

    @answers()
    def alias(self) -> str:
        return self._alias

    @answers()
    def artifact_collection(self) -> ArtifactCollection:
        return self._collection


class Tag(GraphQLObject):
    types = ("Tag",)

    def __init__(self, name: str) -> None:
        self._name = name

    @answers()
    def id(self) -> str:
        return global_id("Tag", self._name)

    @answers()
    def name(self) -> str:
        return self._name


class ArtifactManifest(GraphQLObject):
    """The list of a version's files, itself a file."""

    types = ("ArtifactManifest",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        self._service = service
        self._version = version

    @answers()
    def id(self) -> str:
        return global_id("ArtifactManifest", self._version.id)

    @answers()
    def file(self) -> ManifestFile:
        return ManifestFile(self._service, self._version)


class ManifestFile(GraphQLObject):
    types = ("File",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        self._service = service
        self._version = version

    @answers()
    def id(self) -> str:
        return global_id("ManifestFile", self._version.id)

    @answers()
    def direct_url(self) -> str | None:
        manifest = self._version.manifest
        if manifest is None:
            return None
        return self._service.transfers.download_url("download_manifest", "wandb_manifest.json", manifest)

    @answers()
    def upload_url(self) -> str:
        def stored(file: StoredFile) -> None:
            self._version.manifest = file

        return self._service.transfers.upload_url("upload_manifest", "wandb_manifest.json", stored)

    @answers()
    def upload_headers(self) -> list[str]:
        return []
