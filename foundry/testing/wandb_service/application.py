"""What the service does with requests, whatever carries them: it answers from its state and keeps a record."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry.testing.wandb_service.documents import Document
from foundry.testing.wandb_service.execution import Refused, UnknownRequest, execute
from foundry.testing.wandb_service.faults import FaultBoard
from foundry.testing.wandb_service.mutations import Mutation
from foundry.testing.wandb_service.nodes import Service
from foundry.testing.wandb_service.queries import Query
from foundry.testing.wandb_service.state import State, StoredFile
from foundry.testing.wandb_service.transfers import PART_SUFFIX, Transfers

KNOWN_OPERATIONS = frozenset(
    (
        "AddAliases",
        "ArtifactByID",
        "ArtifactCreatedBy",
        "ArtifactMembershipByName",
        "ArtifactType",
        "CommitArtifact",
        "CreateArtifact",
        "CreateArtifactFiles",
        "CreateArtifactManifest",
        "CreateRunFiles",
        "DeleteAliases",
        "FetchArtifactManifest",
        "GetArtifactMembershipFileUrls",
        "GetDefaultEntity",
        "GetViewer",
        "HistoryPage",
        "OrganizationCoreWeaveOrganizationID",
        "ProjectArtifacts",
        "Run",
        "RunFiles",
        "RunFullHistory",
        "RunHistoryKeys",
        "RunOutputArtifacts",
        "RunParquetHistory",
        "RunResumeStatus",
        "ServerFeaturesQuery",
        "UpdateArtifact",
        "UpsertBucket",
        "UseArtifact",
        "Viewer",
    )
)
"""The operations that the product, or a user's suite, was seen to need; another one is a problem."""

STREAMS = frozenset(("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log"))
STREAM_FIELDS = frozenset(("files", "complete", "exitcode", "uploaded", "dropped"))

PIECE, OVERLAP = 1 << 16, 1 << 12
"""Bytes of what was received that are looked at together, and those of them that are looked at twice."""


@dataclass
class Request:
    """One request, from the moment it is heard.

    Attributes:
        number: its place among all requests, from 1.
        operation: the name of the GraphQL operation, else `file_stream`, `upload`, `download` ...; `unknown` for
            what the service does not know.
        file: the name of the file that it moves; empty for one that moves none.
        status: the HTTP status of the answer; None where there was none, or is none yet.
        bytes_received: bytes of its body so far.
        bytes_sent: bytes of the body of the answer so far.
        time: when it was heard, in seconds since 1970.
    """

    number: int
    method: str
    path: str
    operation: str = "unknown"
    file: str = ""
    status: int | None = None
    bytes_received: int = 0
    bytes_sent: int = 0
    time: float = field(default_factory=time.time)


class Application:
    """The service without its connections.

    `folder` keeps the files and what was received; `url` is where clients reach the service.
    """

    def __init__(self, folder: Path, url: str, entity: str, api_key: str) -> None:
        self.folder = folder
        self.state = State(entity)
        self.transfers = Transfers(folder, url)
        self.faults = FaultBoard()
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self.key_has_expired = False
        self.lock = threading.RLock()
        self._api_key = api_key
        self._bodies = folder / "bodies"

    def new_request(self, method: str, path: str) -> Request:
        """The record of a request that has just been heard."""
        with self.lock:
            request = Request(len(self.requests) + 1, method, path)
            self.requests.append(request)
        return request

    def problem(self, text: str) -> None:
        """Remember that a client asked for what the service does not know."""
        with self.lock:
            self.problems.append(text)

    def keep_body(self, body: bytes) -> None:
        """Remember what was received, beside the files."""
        with self.lock, self._bodies.open("ab") as kept:
            kept.write(body + b"\n")

    def received(self) -> Iterator[bytes]:
        """The bodies of all requests and the files, in pieces that overlap by a few KiB."""
        for path in sorted(path for path in self.folder.iterdir() if path.suffix != PART_SUFFIX):
            with path.open("rb") as kept:
                overlap = b""
                while piece := kept.read(PIECE):
                    yield overlap + piece
                    overlap = piece[-OVERLAP:]

    def authorizes(self, header: str | None) -> bool:
        """Whether a request may come in with this `Authorization`."""
        kind, _, credentials = (header or "").partition(" ")
        if kind != "Basic" or self.key_has_expired:
            return False
        key = b64decode(credentials).partition(b":")[2]
        return secrets.compare_digest(key, self._api_key.encode())

    def graphql(self, document: Document, variables: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of the answer to a document."""
        service = Service(self.state, self.transfers)
        root = Query(service) if document.kind == "query" else Mutation(service)
        try:
            if document.operation not in KNOWN_OPERATIONS:
                raise UnknownRequest("the operation")
            with self.lock:
                return 200, {"data": execute(document, variables, root)}
        except UnknownRequest as unknown:
            self.problem(f"{document.operation}: {unknown} is unknown")
            return 400, failure(f"{unknown} is unknown")
        except Refused as refused:
            return 400, failure(str(refused))

    def file_stream(self, entity: str, project_name: str, run_name: str, sent: dict[str, Any]) -> int:
        """Keep the lines that a run sends, and its end; the status of the answer."""
        for name in sorted({*sent} - STREAM_FIELDS) + sorted({*sent.get("files", {})} - STREAMS):
            self.problem(f"file_stream: the field {name!r} is unknown")
        with self.lock:
            project = self.state.project(entity, project_name)
            run = project.runs.get(run_name) if project else None
            if run is None:
                return 404
            for name, part in sent.get("files", {}).items():
                lines = dict(enumerate(part["content"], start=part["offset"]))
                run.lines.setdefault(name, {}).update(lines)
                if name == "wandb-summary.json":
                    run.summary = json.loads(part["content"][-1])
            if sent.get("complete"):
                run.state = "finished" if sent.get("exitcode") == 0 else "failed"
        return 200

    def content(self, hexadecimal: str) -> StoredFile | None:
        """The file of an artifact with this MD5 digest, in hexadecimal."""
        with self.lock:
            return next(
                (
                    file
                    for project in self.state.projects.values()
                    for digest, file in project.contents.items()
                    if b64decode(digest).hex() == hexadecimal
                ),
                None,
            )


def failure(message: str) -> dict[str, Any]:
    """The body of an answer that says what went wrong."""
    return {"errors": [{"message": message}]}
