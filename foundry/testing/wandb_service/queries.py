"""What clients can ask for: the fields of GraphQL queries."""

from __future__ import annotations

from foundry.testing.wandb_service.artifact_nodes import Artifact, ArtifactCollection, ArtifactMembership, ArtifactType
from foundry.testing.wandb_service.execution import Fields, GraphQLObject, Refused, answers
from foundry.testing.wandb_service.nodes import ProjectName, Service, entity, number_in, user
from foundry.testing.wandb_service.run_nodes import Run
from foundry.testing.wandb_service.state import StoredProject, StoredVersion


class Query(GraphQLObject):
    """The root of queries."""

    types = ("Query",)

    def __init__(self, service: Service) -> None:
        # Clients can do without every feature that a service may name.
        super().__init__(viewer=user(service), serverInfo=Fields("ServerInfo", features=[]))
        self._service = service

    @answers()
    def entity(self, name: str) -> GraphQLObject | None:
        """The team of that name."""
        return entity(self._service) if name == self._service.state.entity else None

    @answers()
    def project(self, name: str | None = None, entity_name: str | None = None) -> Project | None:
        """The project of that name."""
        project = self._service.state.project(entity_name, name)
        return None if project is None else Project(self._service, project)

    @answers()
    def model(self, name: str | None = None, entity_name: str | None = None) -> Project | None:
        """The project of that name: projects were once called models."""
        return self.project(name, entity_name)

    @answers()
    def artifact(self, id_: str) -> Artifact | None:
        """The version of an artifact that has this identifier."""
        version = version_of(self._service, id_)
        return None if version is None else Artifact(self._service, version)


class Project(ProjectName):
    """A project with what it holds."""

    def __init__(self, service: Service, stored: StoredProject) -> None:
        super().__init__(service, stored)
        self._service = service
        self._stored = stored

    @answers()
    def run(self, name: str) -> Run | None:
        """The run of that name."""
        run = self._stored.runs.get(name)
        return None if run is None else Run(self._service, run)

    @answers("missing_ok")
    def bucket(self, name: str) -> Run | None:
        """The run of that name: runs were once called buckets."""
        return self.run(name)

    @answers()
    def artifact(self, name: str) -> Artifact | None:
        """The newest version of an artifact, be it committed or not."""
        artifact = self._stored.artifacts.get(name.partition(":")[0])
        if artifact is None or not artifact.versions:
            return None
        return Artifact(self._service, artifact.versions[-1])

    @answers()
    def artifact_type(self, name: str) -> ArtifactType | None:
        """A kind of artifacts, if there is one of it."""
        known = any(artifact.type == name for artifact in self._stored.artifacts.values())
        return ArtifactType(self._service, name, self._stored) if known else None

    @answers()
    def artifact_collection(self, name: str) -> ArtifactCollection | None:
        """The artifact of that name."""
        artifact = self._stored.artifacts.get(name)
        return None if artifact is None else ArtifactCollection(self._service, artifact)

    @answers()
    def artifact_collection_membership(self, name: str) -> ArtifactMembership | None:
        """The version that a name with an alias, such as `model:best`, points to."""
        artifact, _, alias = name.partition(":")
        collection = self.artifact_collection(artifact)
        return None if collection is None else collection.artifact_membership(alias or "latest")


def version_of(service: Service, identifier: str) -> StoredVersion | None:
    """The version of an artifact that has this identifier."""
    number = number_in(identifier)
    return next((version for version in service.state.all_versions() if version.id == number), None)


def version_found(service: Service, identifier: str) -> StoredVersion:
    """The version of an artifact that has this identifier; refused where there is none."""
    version = version_of(service, identifier)
    if version is None:
        raise Refused(f"no artifact has the id {identifier}")
    return version
