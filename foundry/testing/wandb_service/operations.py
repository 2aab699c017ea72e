"""What clients can ask for and have changed: the fields at the root of GraphQL documents."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from foundry.testing.wandb_service import schema
from foundry.testing.wandb_service.execution import GraphQLObject, Refused, UnknownRequest, answers
from foundry.testing.wandb_service.schema import Service
from foundry.testing.wandb_service.state import StoredArtifact, StoredFile, StoredRun, StoredVersion

UNUSED_OF_ARTIFACTS = (
    "client_id",
    "digest_algorithm",
    "distributed_id",
    "enable_digest_deduplication",
    "history_step",
    "labels",
    "sequence_client_id",
    "storage_region",
    "ttl_duration_seconds",
)
"""What clients say of a new version that changes nothing here."""


class Query(GraphQLObject):
    types = ("Query",)

    def __init__(self, service: Service) -> None:
        self._service = service

    @answers()
    def viewer(self) -> schema.User:
        return schema.User(self._service)

    @answers()
    def server_info(self) -> ServerInfo:
        return ServerInfo()

    @answers()
    def entity(self, name: str) -> schema.Entity | None:
        return schema.Entity(self._service) if name == self._service.state.entity else None

    @answers()
    def project(self, name: str | None = None, entity_name: str | None = None) -> schema.Project | None:
        project = self._service.state.project(entity_name, name)
        return None if project is None else schema.Project(self._service, project)

    @answers()
    def model(self, name: str | None = None, entity_name: str | None = None) -> schema.Project | None:
        return self.project(name, entity_name)

    @answers()
    def artifact(self, id_: str) -> schema.Artifact | None:
        version = version_of(self._service, id_)
        return None if version is None else schema.Artifact(self._service, version)


class ServerInfo(GraphQLObject):
    """A service that has none of the features that clients can do without."""

    types = ("ServerInfo",)

    @answers()
    def features(self) -> list[Any]:
        return []


def version_of(service: Service, global_id: str) -> StoredVersion | None:
    """The version of an artifact that has this identifier."""
    number = b64decode(global_id).decode().partition(":")[2]
    return next((version for version in service.state.all_versions() if version.id == number), None)


def version_found(service: Service, global_id: str) -> StoredVersion:
    """The version of an artifact that has this identifier; refused where there is none."""
    version = version_of(service, global_id)
    if version is None:
        raise Refused(f"no artifact has the id {global_id}")
    return version


class Mutation(GraphQLObject):
    types = ("Mutation",)

    def __init__(self, service: Service) -> None:
        self._service = service

    @answers("debug", "host", "commit", "job_program", "job_repo", "sweep")
    def upsert_bucket(
        self,
        id_: str | None = None,
        name: str | None = None,
        model_name: str | None = None,
        entity_name: str | None = None,
        group_name: str | None = None,
        job_type: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        notes: str | None = None,
        tags: list[str] | None = None,
        state: str | None = None,
        config: str | None = None,
        summary_metrics: str | None = None,
    ) -> UpsertedBucket:
        run, inserted = self._run_made(id_, entity_name, model_name, name)
        given = {
            "group": group_name,
            "job_type": job_type,
            "display_name": display_name,
            "description": description,
            "notes": notes,
            "tags": tags,
            "raw_config": None if config is None else json.loads(config),
            "summary": None if summary_metrics is None else json.loads(summary_metrics),
            # Without an id, a client starts the run, or goes on with it.
            "state": state or (None if id_ else "running"),
        }
        for attribute, value in given.items():
            if value is not None:
                setattr(run, attribute, value)
        return UpsertedBucket(schema.Run(self._service, run), inserted)

    def _run_made(
        self, id_: str | None, entity: str | None, project_name: str | None, name: str | None
    ) -> tuple[StoredRun, bool]:
        """The run that is named by its identifier or its place, and whether it has just come into being."""
        state = self._service.state
        if id_:
            number = b64decode(id_).decode().partition(":")[2]
            found = next((run for run in state.all_runs() if run.id == number), None)
            if found is None:
                raise Refused(f"no run has the id {id_}")
            return found, False
        self._check_entity(entity)
        project = state.project_made(project_name or "uncategorized")
        name = name or f"run-{state.new_id()}"
        inserted = name not in project.runs
        if inserted:
            project.runs[name] = StoredRun(state.new_id(), name, project.entity, project.name)
        return project.runs[name], inserted

    def _check_entity(self, entity: str | None) -> None:
        if entity not in (None, "", self._service.state.entity):
            raise Refused(f"entity {entity} not found")

    @answers()
    def create_run_files(self, entity_name: str, project_name: str, run_name: str, files: list[str]) -> CreatedRunFiles:
        project = self._service.state.project(entity_name, project_name)
        run = project.runs.get(run_name) if project else None
        if run is None:
            raise Refused(f"run {entity_name}/{project_name}/{run_name} not found")
        return CreatedRunFiles(self._service, run, files)

    @answers(*UNUSED_OF_ARTIFACTS)
    def create_artifact(
        self,
        entity_name: str,
        project_name: str,
        artifact_type_name: str,
        digest: str,
        artifact_collection_name: str | None = None,
        artifact_collection_names: list[str] | None = None,
        run_name: str | None = None,
        description: str | None = None,
        metadata: str | None = None,
        aliases: list[dict[str, str]] | None = None,
        tags: list[dict[str, str]] | None = None,
    ) -> CreatedArtifact:
        self._check_entity(entity_name)
        name = artifact_collection_name or (artifact_collection_names or [""])[0]
        artifact = self._artifact_made(project_name, name, artifact_type_name)
        names = [alias["alias"] for alias in aliases or []]
        known = next((version for version in artifact.committed if version.digest == digest), None)
        if known is not None:
            artifact.point(names, known)
            return CreatedArtifact(self._service, known)
        version = StoredVersion(
            self._service.state.new_id(),
            artifact.name,
            artifact.type,
            artifact.entity,
            artifact.project,
            digest,
            run=run_name,
            metadata=json.loads(metadata) if metadata else None,
            description=description,
            wanted_aliases=names,
            tags=[tag["tagName"] for tag in tags or []],
        )
        artifact.versions.append(version)
        return CreatedArtifact(self._service, version)

    def _artifact_made(self, project_name: str, name: str, type_: str) -> StoredArtifact:
        state = self._service.state
        project = state.project_made(project_name)
        if name not in project.artifacts:
            project.artifacts[name] = StoredArtifact(state.new_id(), name, type_, project.entity, project.name)
        artifact = project.artifacts[name]
        if artifact.type != type_:
            raise Refused(f"artifact {name} has the type {artifact.type}, not {type_}")
        return artifact

    @answers("base_artifact_id", "name", "entity_name", "project_name", "run_name", "type", "digest")
    def create_artifact_manifest(self, artifact_id: str) -> ChangedManifest:
        return ChangedManifest(self._service, version_found(self._service, artifact_id))

    @answers("storage_layout", "cloud_region_id")
    def create_artifact_files(self, artifact_files: list[dict[str, Any]]) -> CreatedArtifactFiles:
        nodes: list[GraphQLObject] = [self._new_file(asked) for asked in artifact_files]
        return CreatedArtifactFiles(schema.Connection(nodes))

    def _new_file(self, asked: dict[str, Any]) -> NewArtifactFile:
        unknown = sorted({*asked} - {"artifactID", "artifactManifestID", "md5", "mimetype", "name", "uploadPartsInput"})
        if unknown:
            raise UnknownRequest(f"the argument {unknown[0]!r} of a file of an artifact")
        return NewArtifactFile(
            self._service, version_found(self._service, asked["artifactID"]), asked["name"], asked["md5"]
        )

    @answers()
    def commit_artifact(self, artifact_id: str) -> ChangedArtifact:
        version = version_found(self._service, artifact_id)
        artifact = self._service.state.artifact_of(version)
        artifact.commit(version, files_in_manifest(self._service, version))
        return ChangedArtifact(self._service, version)

    @answers("entity_name", "project_name", "run_name", "used_as")
    def use_artifact(self, artifact_id: str) -> ChangedArtifact:
        return ChangedArtifact(self._service, version_found(self._service, artifact_id))

    @answers()
    def update_artifact(
        self,
        artifact_id: str,
        description: str | None = None,
        metadata: str | None = None,
        aliases: list[dict[str, str]] | None = None,
        tags_to_add: list[dict[str, str]] | None = None,
        tags_to_delete: list[dict[str, str]] | None = None,
    ) -> ChangedArtifact:
        version = version_found(self._service, artifact_id)
        version.description = description if description is not None else version.description
        version.metadata = json.loads(metadata) if metadata else version.metadata
        if aliases is not None:
            version.aliases.clear()
            names = [alias["alias"] for alias in aliases]
            self._service.state.artifact_of(version).point(names, version)
        removed = {tag["tagName"] for tag in tags_to_delete or []}
        added = [tag["tagName"] for tag in tags_to_add or []]
        version.tags = [tag for tag in version.tags if tag not in removed] + added
        return ChangedArtifact(self._service, version)

    @answers()
    def add_aliases(self, artifact_id: str, aliases: list[dict[str, str]]) -> Success:
        version = version_found(self._service, artifact_id)
        self._service.state.artifact_of(version).point([alias["alias"] for alias in aliases], version)
        return Success()

    @answers()
    def delete_aliases(self, artifact_id: str, aliases: list[dict[str, str]]) -> Success:
        version = version_found(self._service, artifact_id)
        removed = {alias["alias"] for alias in aliases}
        version.aliases = [alias for alias in version.aliases if alias not in removed]
        return Success()


def files_in_manifest(service: Service, version: StoredVersion) -> dict[str, StoredFile]:
    """The files that the manifest of `version` names; refused where it or one of them has not been uploaded."""
    if version.manifest is None:
        raise Refused(f"artifact {version.artifact} has no manifest")
    contents = json.loads(version.manifest.path.read_bytes())["contents"]
    known = service.state.projects[version.project].contents
    digests = {name: entry["digest"] for name, entry in contents.items() if "ref" not in entry}
    missing = sorted(name for name, digest in digests.items() if digest not in known)
    if missing:
        raise Refused(f"artifact {version.artifact}: not uploaded: {', '.join(missing)}")
    return {name: known[digest] for name, digest in digests.items()}


class UpsertedBucket(GraphQLObject):
    types = ("UpsertBucketPayload",)

    def __init__(self, run: schema.Run, inserted: bool) -> None:
        self._run = run
        self._inserted = inserted

    @answers()
    def bucket(self) -> schema.Run:
        return self._run

    @answers()
    def inserted(self) -> bool:
        return self._inserted


class CreatedRunFiles(GraphQLObject):
    types = ("CreateRunFilesPayload",)

    def __init__(self, service: Service, run: StoredRun, names: list[str]) -> None:
        self._service = service
        self._run = run
        self._names = names

    @answers()
    def run_id(self) -> str:
        return schema.global_id("Run", self._run.id)

    @answers()
    def upload_headers(self) -> list[str]:
        return []

    @answers()
    def files(self) -> list[NewRunFile]:
        return [NewRunFile(self._service, self._run, name) for name in self._names]


class NewRunFile(GraphQLObject):
    """A file beside a run that may be put."""

    types = ("File",)

    def __init__(self, service: Service, run: StoredRun, name: str) -> None:
        self._service = service
        self._run = run
        self._name = name

    @answers()
    def name(self) -> str:
        return self._name

    @answers()
    def upload_url(self) -> str:
        def stored(file: StoredFile) -> None:
            self._run.files[self._name] = file

        return self._service.transfers.upload_url("upload_run_file", self._name, stored)


class CreatedArtifact(GraphQLObject):
    types = ("CreateArtifactPayload",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        self._service = service
        self._version = version

    @answers()
    def artifact(self) -> schema.Artifact:
        return schema.Artifact(self._service, self._version)


class ChangedArtifact(CreatedArtifact):
    types = ("UpdateArtifactPayload",)


class ChangedManifest(GraphQLObject):
    types = ("CreateArtifactManifestPayload",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        self._service = service
        self._version = version

    @answers()
    def artifact_manifest(self) -> schema.ArtifactManifest:
        return schema.ArtifactManifest(self._service, self._version)


class CreatedArtifactFiles(GraphQLObject):
    types = ("CreateArtifactFilesPayload",)

    def __init__(self, files: schema.Connection) -> None:
        self._files = files

    @answers()
    def files(self) -> schema.Connection:
        return self._files


class NewArtifactFile(GraphQLObject):
    """A file of an artifact that may be put, unless the project has its content already."""

    types = ("File",)

    def __init__(self, service: Service, version: StoredVersion, name: str, md5: str) -> None:
        self._service = service
        self._version = version
        self._name = name
        self._md5 = md5

    @answers()
    def artifact(self) -> schema.Artifact:
        return schema.Artifact(self._service, self._version)

    @answers()
    def storage_path(self) -> None:
        return None

    @answers()
    def upload_multipart_urls(self) -> None:
        return None

    @answers()
    def upload_headers(self) -> list[str]:
        return [f"Content-MD5:{self._md5}"]

    @answers()
    def upload_url(self) -> str | None:
        contents = self._service.state.projects[self._version.project].contents

        def stored(file: StoredFile) -> None:
            contents[self._md5] = file

        if self._md5 in contents:
            return None
        return self._service.transfers.upload_url("upload", self._name, stored, self._md5)


class Success(GraphQLObject):
    types = ("Success",)

    @answers()
    def success(self) -> bool:
        return True
