"""What clients can have changed: the fields of GraphQL mutations."""

from __future__ import annotations

import json
from typing import Any

from foundry.testing.wandb_service.artifact_nodes import Artifact, ArtifactManifest
from foundry.testing.wandb_service.execution import Fields, GraphQLObject, Refused, UnknownRequest, answers
from foundry.testing.wandb_service.nodes import Connection, Service, global_id, number_in
from foundry.testing.wandb_service.queries import version_found
from foundry.testing.wandb_service.run_nodes import Run
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


class Mutation(GraphQLObject):
    """The root of mutations."""

    types = ("Mutation",)

    def __init__(self, service: Service) -> None:
        super().__init__()
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
    ) -> GraphQLObject:
        """Begin a run, go on with it, or change what is known of it."""
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
        return Fields("UpsertBucketPayload", bucket=Run(self._service, run), inserted=inserted)

    def _run_made(
        self, id_: str | None, entity: str | None, project_name: str | None, name: str | None
    ) -> tuple[StoredRun, bool]:
        """The run that is named by its identifier or its place, and whether it has just come into being."""
        state = self._service.state
        if id_:
            number = number_in(id_)
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
    def create_run_files(self, entity_name: str, project_name: str, run_name: str, files: list[str]) -> GraphQLObject:
        """Give addresses to put files beside a run at."""
        project = self._service.state.project(entity_name, project_name)
        run = project.runs.get(run_name) if project else None
        if run is None:
            raise Refused(f"run {entity_name}/{project_name}/{run_name} not found")
        return Fields(
            "CreateRunFilesPayload",
            runID=global_id("Run", run.id),
            uploadHeaders=[],
            files=[Fields("File", name=name, uploadUrl=self._address_beside(run, name)) for name in files],
        )

    def _address_beside(self, run: StoredRun, name: str) -> str:
        def stored(file: StoredFile) -> None:
            run.files[name] = file

        return self._service.transfers.upload_url("upload_run_file", name, stored)

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
    ) -> GraphQLObject:
        """Begin a new version of an artifact, unless it has one with this digest already: that is the answer, then."""
        self._check_entity(entity_name)
        name = artifact_collection_name or (artifact_collection_names or [""])[0]
        artifact = self._artifact_made(project_name, name, artifact_type_name)
        names = [alias["alias"] for alias in aliases or []]
        known = next((version for version in artifact.committed if version.digest == digest), None)
        if known is not None:
            artifact.point(names, known)
            return self._payload("CreateArtifactPayload", known)
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
        return self._payload("CreateArtifactPayload", version)

    def _payload(self, kind: str, version: StoredVersion) -> GraphQLObject:
        return Fields(kind, artifact=Artifact(self._service, version))

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
    def create_artifact_manifest(self, artifact_id: str) -> GraphQLObject:
        """Give an address to put the list of a version's files at."""
        version = version_found(self._service, artifact_id)
        return Fields("CreateArtifactManifestPayload", artifactManifest=ArtifactManifest(self._service, version))

    @answers("storage_layout", "cloud_region_id")
    def create_artifact_files(self, artifact_files: list[dict[str, Any]]) -> GraphQLObject:
        """Give addresses to put the files of a version at, in the order in which they were named."""
        files = Connection([self._new_file(asked) for asked in artifact_files])
        return Fields("CreateArtifactFilesPayload", files=files)

    def _new_file(self, asked: dict[str, Any]) -> GraphQLObject:
        unknown = sorted({*asked} - {"artifactID", "artifactManifestID", "md5", "mimetype", "name", "uploadPartsInput"})
        if unknown:
            raise UnknownRequest(f"the argument {unknown[0]!r} of a file of an artifact")
        version = version_found(self._service, asked["artifactID"])
        return Fields(
            "File",
            artifact=Artifact(self._service, version),
            storagePath=None,
            uploadUrl=self._address_in(version, asked["name"], asked["md5"]),
            uploadHeaders=[f"Content-MD5:{asked['md5']}"],
            uploadMultipartUrls=None,
        )

    def _address_in(self, version: StoredVersion, name: str, digest: str) -> str | None:
        """None where the project holds the content already, from whatever version."""
        contents = self._service.state.projects[version.project].contents

        def stored(file: StoredFile) -> None:
            contents[digest] = file

        return None if digest in contents else self._service.transfers.upload_url("upload", name, stored, digest)

    @answers()
    def commit_artifact(self, artifact_id: str) -> GraphQLObject:
        """Make a version whole: all its files have been put."""
        version = version_found(self._service, artifact_id)
        artifact = self._service.state.artifact_of(version)
        artifact.commit(version, files_in_manifest(self._service, version))
        return self._payload("CommitArtifactPayload", version)

    @answers("entity_name", "project_name", "run_name", "used_as")
    def use_artifact(self, artifact_id: str) -> GraphQLObject:
        """Note that a run uses a version; nothing is kept of it."""
        return self._payload("UseArtifactPayload", version_found(self._service, artifact_id))

    @answers()
    def update_artifact(
        self,
        artifact_id: str,
        description: str | None = None,
        metadata: str | None = None,
        aliases: list[dict[str, str]] | None = None,
        tags_to_add: list[dict[str, str]] | None = None,
        tags_to_delete: list[dict[str, str]] | None = None,
    ) -> GraphQLObject:
        """Change what is known of a version."""
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
        return self._payload("UpdateArtifactPayload", version)

    @answers()
    def add_aliases(self, artifact_id: str, aliases: list[dict[str, str]]) -> GraphQLObject:
        """Let aliases point to a version, and no longer to another."""
        version = version_found(self._service, artifact_id)
        self._service.state.artifact_of(version).point([alias["alias"] for alias in aliases], version)
        return Fields("AddAliasesPayload", success=True)

    @answers()
    def delete_aliases(self, artifact_id: str, aliases: list[dict[str, str]]) -> GraphQLObject:
        """Let aliases point to a version no longer."""
        version = version_found(self._service, artifact_id)
        removed = {alias["alias"] for alias in aliases}
        version.aliases = [alias for alias in version.aliases if alias not in removed]
        return Fields("DeleteAliasesPayload", success=True)


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
