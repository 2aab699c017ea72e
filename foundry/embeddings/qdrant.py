"""Vectors in Qdrant: in a folder of this machine, or on a server."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry.embeddings.addresses import API_KEY, problem_with_address
from foundry.embeddings.embedder import Vectors
from foundry.embeddings.index import Hit, Point
from foundry.embeddings.stored_points import require_points_alone
from foundry.embeddings.texts import Kind
from foundry.errors import FoundryError, UserError
from foundry.untrusted import shown

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

TIMEOUT_SECONDS = 20
"""A server that has not answered by then is taken to be down."""
PAUSE_SECONDS = 0.1
"""Between two looks whether another process still uses a folder."""
POINTS_A_PAGE = 1_000
EMBEDDED_COLLECTION = "texts"
SLOW_ABOVE = 20_000
"""The embedded index holds all vectors in memory and compares with each; its makers advise a server above this."""


class QdrantIndex:
    """A collection of Qdrant; see `open_folder` and `open_server`, and `VectorIndex` for what it does."""

    def __init__(self, client: QdrantClient, collection: str, place: str) -> None:
        self._client = client
        self._collection = collection
        self._place = place

    @property
    def place(self) -> str:
        """The folder, or the address of the server."""
        return self._place

    def dimension(self) -> int | None:
        """See `VectorIndex`."""
        with explained(self.place):
            if not self._client.collection_exists(self._collection):
                return None
            vectors = self._client.get_collection(self._collection).config.params.vectors
        size = getattr(vectors, "size", None)
        if size is None:
            raise FoundryError(f"{self.place}: the collection {self._collection} was not made by foundry; rename it")
        return int(size)

    def create(self, dimension: int) -> None:
        """See `VectorIndex`."""
        from qdrant_client import models

        with explained(self.place):
            self._client.create_collection(
                self._collection,
                vectors_config=models.VectorParams(size=dimension, distance=models.Distance.COSINE),
            )

    def payloads(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """See `VectorIndex`."""
        next_page: Any = None
        while True:
            with explained(self.place):
                points, next_page = self._client.scroll(
                    self._collection, limit=POINTS_A_PAGE, offset=next_page, with_payload=True, with_vectors=False
                )
            yield from ((str(point.id), point.payload or {}) for point in points)
            if next_page is None:
                return

    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorIndex`."""
        from qdrant_client import models

        sent = [
            models.PointStruct(id=point.id, vector=point.vector.tolist(), payload=dict(point.payload))
            for point in points
        ]
        with explained(self.place):
            self._client.upsert(self._collection, points=sent, wait=True)

    def replace_payloads(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """See `VectorIndex`."""
        from qdrant_client import models

        acts: list[Any] = [
            models.OverwritePayloadOperation(
                overwrite_payload=models.SetPayload(payload=dict(payload), points=[point_id])
            )
            for point_id, payload in payloads.items()
        ]
        with explained(self.place):
            for begin in range(0, len(acts), POINTS_A_PAGE):
                self._client.batch_update_points(self._collection, acts[begin : begin + POINTS_A_PAGE], wait=True)

    def delete(self, ids: Sequence[str]) -> None:
        """See `VectorIndex`."""
        from qdrant_client import models

        with explained(self.place):
            for begin in range(0, len(ids), POINTS_A_PAGE):
                page = models.PointIdsList(points=list(ids[begin : begin + POINTS_A_PAGE]))
                self._client.delete(self._collection, points_selector=page, wait=True)

    def nearest(self, vector: Vectors, limit: int, kind: Kind | None) -> list[Hit]:
        """See `VectorIndex`."""
        from qdrant_client import models

        of_kind = models.FieldCondition(key="kind", match=models.MatchValue(value=kind)) if kind else None
        with explained(self.place):
            found = self._client.query_points_groups(
                self._collection,
                group_by="group",
                query=vector.tolist(),
                query_filter=models.Filter(must=[of_kind]) if of_kind else None,
                limit=limit,
                group_size=1,
                with_payload=True,
            )
        return [Hit(hit.score, hit.payload or {}) for group in found.groups for hit in group.hits]

    def close(self) -> None:
        """See `VectorIndex`."""
        self._client.close()


@contextlib.contextmanager
def open_folder(folder: Path, patience: float = 0) -> Iterator[QdrantIndex]:
    """The index in a folder, which belongs to this process alone inside the block; made where there is none.

    Args:
        patience: seconds to wait for another process that uses it.

    Raises:
        FoundryError: another process uses it, or it holds what Qdrant did not write.
    """
    deadline = time.monotonic() + patience
    require_points_alone(folder, EMBEDDED_COLLECTION)
    with _quiet():
        while (client := _client_of(folder)) is None:
            if time.monotonic() >= deadline:
                raise FoundryError(
                    f"{folder}: another process uses this index; wait until it ends, or keep the index on a server "
                    "(embed.url)"
                )
            time.sleep(PAUSE_SECONDS)
        with contextlib.closing(QdrantIndex(client, EMBEDDED_COLLECTION, str(folder))) as index:
            yield index


def _client_of(folder: Path) -> QdrantClient | None:
    """Qdrant on a folder; None where another process uses it."""
    from qdrant_client import QdrantClient

    try:
        return QdrantClient(path=str(folder))
    except RuntimeError as error:
        if "already accessed" not in str(error):
            raise
        return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what Qdrant says of large folders: whoever fills one says it in our words."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Local mode is not recommended")
        yield


@contextlib.contextmanager
def open_server(url: str, collection: str, timeout: int = TIMEOUT_SECONDS) -> Iterator[QdrantIndex]:
    """A collection on a server; the variable QDRANT_API_KEY holds its key, where it asks for one.

    Args:
        timeout: seconds that a request may take.

    Raises:
        UserError: this is no address of a server.
    """
    from qdrant_client import QdrantClient

    problem = problem_with_address(url)
    if problem is not None:
        raise UserError(f"embed.url: {problem}")
    client = QdrantClient(
        url=url, api_key=os.environ.get(API_KEY), timeout=timeout, check_compatibility=False, prefer_grpc=False
    )
    with contextlib.closing(QdrantIndex(client, collection, url)) as index:
        yield index


@contextlib.contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what Qdrant's client raises into one line.

    Raises:
        FoundryError: names the place, what went wrong there, and what to do.
    """
    from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except sqlite3.Error as error:
        raise FoundryError(
            f"{place}: the index could not be written or read ({_reason(error)}); mend that, and launch again: what it "
            "has stored is kept"
        ) from error
    except ResponseHandlingException as error:
        raise FoundryError(
            f"Qdrant at {place} does not answer ({_reason(error)}); start it, or correct embed.url, and launch again"
        ) from error
    except ResourceExhaustedResponse as error:
        raise FoundryError(f"Qdrant at {place} is busy ({_reason(error)}); launch again later") from error
    except UnexpectedResponse as error:
        raise FoundryError(f"Qdrant at {place} {_refusal(error.status_code)}") from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return shown(text or type(error.__context__ or error).__name__)


def _refusal(status: int | None) -> str:
    if status in (401, 403):
        return f"refuses the key (HTTP {status}); set {API_KEY} to one that may write there, and launch again"
    if status is not None and status >= 500:
        return f"failed (HTTP {status}); look into its log, and launch again: what it has stored is not sent again"
    return f"answers with HTTP {status}, as Qdrant would not; correct embed.url, or look into its log"
