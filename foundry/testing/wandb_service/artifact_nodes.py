"""The GraphQL types of artifacts: collections, versions, their aliases, files and manifests."""

from __future__ import annotations

import json

from foundry.testing.wandb_service.execution import Fields, GraphQLObject, answers
from foundry.testing.wandb_service.nodes import Connection, File, Service, global_id, project_name, timestamp
from foundry.testing.wandb_service.state import StoredArtifact, StoredFile, StoredProject, StoredVersion

DISABLED = -2
"""The seconds that a version lives when nobody has limited them."""


class ArtifactType(GraphQLObject):
    """A kind of artifacts in a project, such as `model`."""

    types = ("ArtifactType",)

    def __init__(self, service: Service, name: str, project: StoredProject) -> None:
        super().__init__(name=name)
        self._service = service
        self._name = name
        self._project = project

    @answers()
    def artifact_collection(self, name: str) -> ArtifactCollection | None:
        """The artifact of that name, if it is of this kind."""
        artifact = self._project.artifacts.get(name)
        if artifact is None or artifact.type != self._name:
            return None
        return ArtifactCollection(self._service, artifact)


class ArtifactCollection(GraphQLObject):
    """An artifact with all its versions."""

    types = ("ArtifactSequence", "ArtifactCollection")

    def __init__(self, service: Service, stored: StoredArtifact) -> None:
        super().__init__(
            id=global_id("ArtifactCollection", stored.id),
            name=stored.name,
            project=project_name(service, stored.project),
        )
        self._service = service
        self._stored = stored

    @answers()
    def latest_artifact(self) -> Artifact | None:
        """The newest version."""
        committed = self._stored.committed
        return Artifact(self._service, committed[-1]) if committed else None

    @answers()
    def artifact_membership(self, alias_name: str) -> ArtifactMembership | None:
        """The version that an alias points to."""
        version = self._stored.version(alias_name)
        return None if version is None else ArtifactMembership(self._service, version)

    @answers("after", "first", "order", "filters")
    def artifacts(self) -> Connection:
        """All versions, the newest first."""
        versions = self._stored.committed[::-1]
        names = [f"v{version.index}" for version in versions]
        return Connection([Artifact(self._service, version) for version in versions], version=names)


class Artifact(GraphQLObject):
    """One version of an artifact."""

    types = ("Artifact",)

    def __init__(self, service: Service, stored: StoredVersion) -> None:
        super().__init__(
            id=global_id("Artifact", stored.id),
            versionIndex=stored.index,
            artifactType=ArtifactType(service, stored.type, service.state.projects[stored.project]),
            description=stored.description,
            metadata=None if stored.metadata is None else json.dumps(stored.metadata),
            ttlDurationSeconds=DISABLED,
            ttlIsInherited=False,
            tags=[Fields("Tag", id=global_id("Tag", tag), name=tag) for tag in stored.tags],
            historyStep=None,
            state=stored.state,
            size=sum(file.size for file in stored.files.values()),
            digest=stored.digest,
            commitHash=stored.digest,
            fileCount=len(stored.files),
            createdAt=timestamp(stored.created_at),
            updatedAt=timestamp(stored.created_at),
        )
        self._service = service
        self._stored = stored

    @answers()
    def artifact_sequence(self) -> ArtifactCollection:
        """The artifact that this is a version of."""
        return ArtifactCollection(self._service, self._service.state.artifact_of(self._stored))

    @answers()
    def aliases(self) -> list[GraphQLObject]:
        """What points to this version."""
        collection = self.artifact_sequence()
        return [
            Fields(
                "ArtifactAlias",
                id=global_id("ArtifactAlias", f"{self._stored.artifact}:{alias}"),
                alias=alias,
                artifactCollection=collection,
            )
            for alias in self._stored.aliases
        ]

    @answers()
    def current_manifest(self) -> ArtifactManifest | None:
        """The list of the files; None before it was uploaded."""
        return ArtifactManifest(self._service, self._stored) if self._stored.manifest else None

    @answers()
    def created_by(self) -> GraphQLObject | None:
        """The run that made this version, or None."""
        run = self._service.state.projects[self._stored.project].runs.get(self._stored.run or "")
        if run is None:
            return None
        project = project_name(self._service, run.project)
        return Fields("Run", id=global_id("Run", run.id), name=run.name, project=project)


class ArtifactMembership(GraphQLObject):
    """A version as a member of the artifact that it was created in."""

    types = ("ArtifactCollectionMembership",)

    def __init__(self, service: Service, stored: StoredVersion) -> None:
        artifact = Artifact(service, stored)
        super().__init__(
            id=global_id("ArtifactCollectionMembership", stored.id),
            versionIndex=stored.index,
            createdAt=timestamp(stored.created_at),
            aliases=artifact.aliases(),
            artifactCollection=artifact.artifact_sequence(),
            artifact=artifact,
        )
        self._service = service
        self._stored = stored

    @answers("after", "first")
    def files(self, names: list[str] | None = None) -> Connection:
        """The files of the version, or those of them that are named."""
        kept = self._stored.files
        wanted = [name for name in names or kept if name in kept]
        return Connection([File(self._service, "download", name, kept[name]) for name in wanted])


class ArtifactManifest(GraphQLObject):
    """The list of a version's files, itself a file."""

    types = ("ArtifactManifest",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        super().__init__(
            id=global_id("ArtifactManifest", version.id),
            file=ManifestFile(service, version),
        )


class ManifestFile(GraphQLObject):
    """The file that lists a version's files, to be put or got."""

    types = ("File",)

    def __init__(self, service: Service, version: StoredVersion) -> None:
        super().__init__(id=global_id("ManifestFile", version.id), uploadHeaders=[])
        self._transfers = service.transfers
        self._version = version

    @answers()
    def direct_url(self) -> str | None:
        """Where the list is got; None before it was put."""
        manifest = self._version.manifest
        if manifest is None:
            return None
        return self._transfers.download_url("download_manifest", "wandb_manifest.json", manifest)

    @answers()
    def upload_url(self) -> str:
        """Where the list is put."""

        def stored(file: StoredFile) -> None:
            self._version.manifest = file

        return self._transfers.upload_url("upload_manifest", "wandb_manifest.json", stored)
