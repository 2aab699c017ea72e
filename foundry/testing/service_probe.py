"""Asks a service of Weights & Biases directly over HTTP, without its client, to see how it answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from foundry.testing.wandb_service import WandbService

PATIENCE_SECONDS = 0.3
"""How long an answer is waited for that may never come."""
PROJECT = "probed"
CREATE = "mutation CreateArtifact($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id } } }"
FILES = """mutation CreateArtifactFiles($input: CreateArtifactFilesInput!) {
    createArtifactFiles(input: $input) { files { edges { node { uploadUrl } } } } }"""
MANIFEST = """mutation CreateArtifactManifest($id: ID!) { createArtifactManifest(input: {artifactID: $id}) {
    artifactManifest { file { uploadUrl } } } }"""
COMMIT = "mutation CommitArtifact($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id } } }"
ADDRESSES = """query ArtifactMembershipByName { project(name: "probed") {
    artifactCollectionMembership(name: "probed:latest") {
        files { edges { node { directUrl } } } artifact { currentManifest { file { directUrl } } } } } }"""
VIEWER = "query GetViewer { viewer { entity } }"
START = """mutation UpsertBucket { upsertBucket(input: {name: "probed", modelName: "probed"}) { inserted } }"""


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        status: the HTTP status; None where the answer did not begin.
        body: what was read of it.
        ending: `whole`, `cut`, `refused`, or `none` where no answer came in time.
    """

    status: int | None
    body: bytes
    ending: str

    @property
    def value(self) -> Any:
        """The JSON in the body."""
        return json.loads(self.body)


def digest_of(content: bytes) -> str:
    """The MD5 digest in base64."""
    return b64encode(md5(content, usedforsecurity=False).digest()).decode()


class Probe:
    """Stores one artifact of one file, `weights.bin`, in `service`, and keeps the addresses of everything.

    Args:
        content: the bytes of the file.
        api_key: the key to come with.
    """

    def __init__(self, service: WandbService, content: bytes, api_key: str) -> None:
        self.service = service
        self.content = content
        self.api_key = api_key
        self.patience = PATIENCE_SECONDS
        self.graphql(START)
        self._publish(content)
        found = self.graphql(ADDRESSES).value["data"]["project"]["artifactCollectionMembership"]
        self.download_url: str = found["files"]["edges"][0]["node"]["directUrl"]
        self.manifest_url: str = found["artifact"]["currentManifest"]["file"]["directUrl"]
        self.other_content = content[::-1]
        self.upload_url = self._address(self._create(self.other_content), self.other_content)

    def acts(self) -> dict[str, Callable[[], Answer]]:
        """One request of each kind, by what it is called."""
        return {
            "upload": lambda: self.put(self.other_content),
            "download": lambda: self.get(self.download_url),
            "manifest": lambda: self.get(self.manifest_url),
            "viewer": lambda: self.graphql(VIEWER),
            "metrics": self.send_metrics,
        }

    def expected(self, act: str) -> bytes | None:
        """The body of the right answer of an act; None where any will do."""
        return {"download": self.content, "manifest": self._manifest(self.content)}.get(act)

    def graphql(self, query: str, **variables: Any) -> Answer:
        """Ask with a GraphQL document."""
        return self.ask("POST", f"{self.service.url}/graphql", json.dumps({"query": query, "variables": variables}))

    def send_metrics(self, stream: str = "wandb-history.jsonl") -> Answer:
        """Send the first row of the history of the run `probed`, or the first line of another stream."""
        sent = {"files": {stream: {"offset": 0, "content": ['{"_step": 1}']}}}
        entity = self.service.entity
        return self.ask("POST", f"{self.service.url}/files/{entity}/{PROJECT}/probed/file_stream", json.dumps(sent))

    def put(self, content: bytes) -> Answer:
        """Put `content` at the address of the upload, which is for `other_content`."""
        return self.ask("PUT", self.upload_url, content)

    def get(self, url: str) -> Answer:
        """Get what lies at `url`."""
        return self.ask("GET", url)

    def ask(self, method: str, url: str, body: str | bytes | None = None) -> Answer:
        """Ask anything, with the key and the patience of this probe."""
        return ask_http(method, url, body, self.api_key, self.patience)

    def _publish(self, content: bytes) -> None:
        version = self._create(content)
        self.ask("PUT", self._address(version, content), content)
        manifest = self.graphql(MANIFEST, id=version).value["data"]["createArtifactManifest"]
        self.ask("PUT", manifest["artifactManifest"]["file"]["uploadUrl"], self._manifest(content))
        self.graphql(COMMIT, id=version)

    def _create(self, content: bytes) -> str:
        named = {"entityName": self.service.entity, "projectName": PROJECT, "artifactTypeName": "model"}
        aliases = [{"alias": "latest", "artifactCollectionName": "probed"}]
        asked = {**named, "artifactCollectionName": "probed", "digest": digest_of(content), "aliases": aliases}
        return str(self.graphql(CREATE, input=asked).value["data"]["createArtifact"]["artifact"]["id"])

    def _address(self, version: str, content: bytes) -> str:
        file = {"artifactID": version, "name": "weights.bin", "md5": digest_of(content)}
        files = self.graphql(FILES, input={"artifactFiles": [file]}).value["data"]["createArtifactFiles"]["files"]
        return str(files["edges"][0]["node"]["uploadUrl"])

    @staticmethod
    def _manifest(content: bytes) -> bytes:
        return json.dumps({"contents": {"weights.bin": {"digest": digest_of(content), "size": len(content)}}}).encode()


def ask_http(
    method: str, url: str, body: str | bytes | None, api_key: str, patience: float = PATIENCE_SECONDS
) -> Answer:
    """Ask anything over HTTP; an answer that does not come within `patience` seconds does not come."""
    data = body.encode() if isinstance(body, str) else body
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Authorization", f"Basic {b64encode(f'api:{api_key}'.encode()).decode()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=patience) as answer:
            return _read(answer)
    except urllib.error.HTTPError as refused:
        with contextlib.closing(refused):
            return _read(refused)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, b"", _ending(error))


def _read(answer: Any) -> Answer:
    body = bytearray()
    ending = "whole"
    try:
        while piece := answer.read1(1 << 16):
            body += piece
    except (OSError, http.client.HTTPException) as error:
        ending = _ending(error)
    if ending == "whole" and answer.length:
        ending = "cut"
    return Answer(answer.status, bytes(body), ending)


def _ending(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "none"
    return "refused" if isinstance(reason, ConnectionRefusedError) else "cut"
