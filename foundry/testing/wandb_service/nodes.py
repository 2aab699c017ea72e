"""GraphQL types that others refer to: users, projects as others name them, files, lists in pages."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from foundry.testing.wandb_service.execution import Fields, GraphQLObject, answers
from foundry.testing.wandb_service.state import State, StoredFile, StoredProject
from foundry.testing.wandb_service.transfers import Transfers


@dataclass(frozen=True)
class Service:
    """What answers are made from: the state, and addresses of files."""

    state: State
    transfers: Transfers


def global_id(kind: str, number: str) -> str:
    """An identifier as the service gives it to clients: opaque to them, and unlike that of another kind."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def number_in(identifier: str) -> str:
    """The number that `global_id` was given."""
    return b64decode(identifier).decode().partition(":")[2]


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Connection(GraphQLObject):
    """A list in pages, of which the first holds it all; `of_edges` are fields beside each node."""

    types = ("Connection",)

    def __init__(self, nodes: Sequence[GraphQLObject], **of_edges: Sequence[str]) -> None:
        edges = [
            Fields("Edge", node=node, cursor=str(place), **{name: values[place] for name, values in of_edges.items()})
            for place, node in enumerate(nodes)
        ]
        page = Fields("PageInfo", endCursor=None, hasNextPage=False)
        super().__init__(edges=edges, pageInfo=page, totalCount=len(nodes))


def entity(service: Service) -> GraphQLObject:
    """The team that owns all projects of the service."""
    name = service.state.entity
    return Fields("Entity", id=global_id("Entity", "1"), name=name, organization=None, xxhashDigestsEnabled=False)


def user(service: Service) -> GraphQLObject:
    """The owner of the key."""
    name = service.state.entity
    return Fields(
        "User",
        id=global_id("User", "1"),
        entity=name,
        name=name,
        username=name,
        email=None,
        admin=False,
        flags="{}",
        deletedAt=None,
        apiKeys=Connection([]),
        teams=Connection([entity(service)]),
    )


class ProjectName(GraphQLObject):
    """A project as what belongs to it names it."""

    types = ("Project",)

    def __init__(self, service: Service, stored: StoredProject) -> None:
        super().__init__(
            id=global_id("Project", stored.id),
            internalId=global_id("ProjectInternalId", stored.id),
            name=stored.name,
            entity=entity(service),
        )


def project_name(service: Service, name: str) -> ProjectName:
    """The project of that name, of which something is known to belong to it."""
    return ProjectName(service, service.state.projects[name])


class File(GraphQLObject):
    """A file of an artifact or beside a run; `operation` is what getting it counts as."""

    types = ("File",)

    def __init__(self, service: Service, operation: str, name: str, file: StoredFile) -> None:
        super().__init__(
            id=global_id("File", file.path.name),
            name=name,
            sizeBytes=file.size,
            mimetype=None,
            updatedAt=None,
            digest=file.digest,
            md5=file.digest,
        )
        self._address = partial(service.transfers.download_url, operation, name, file)

    @answers()
    def direct_url(self) -> str:
        """Where the bytes are got."""
        return self._address()

    @answers("upload")
    def url(self) -> str:
        """Where the bytes are got."""
        return self._address()
