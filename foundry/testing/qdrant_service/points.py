"""What the service does with a request: the models of Qdrant's own client read it, its embedded index serves it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from qdrant_client import QdrantClient, models

OPERATIONS = {
    ("GET", "/exists"): "exists",
    ("PUT", ""): "create",
    ("GET", ""): "describe",
    ("PUT", "/points"): "upsert",
    ("POST", "/points/scroll"): "scroll",
    ("POST", "/points/delete"): "delete",
    ("POST", "/points/batch"): "batch",
    ("POST", "/points/count"): "count",
    ("POST", "/points/query/groups"): "search",
}
PATH = re.compile(r"/collections/([^/]+)(/.*)?")


def operation_of(method: str, path: str) -> tuple[str, str] | None:
    """The operation that a request asks for and the collection that it names; None where the service knows none."""
    parts = PATH.fullmatch(path)
    operation = OPERATIONS.get((method, parts[2] or "")) if parts else None
    return (operation, parts[1]) if parts and operation else None


class PointStore:
    """Collections in a folder."""

    def __init__(self, folder: Path) -> None:
        self._client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
        self._lock = threading.Lock()
        self._serve: dict[str, Callable[[str, bytes], Any]] = {
            "exists": lambda name, _body: {"exists": self._client.collection_exists(name)},
            "create": self._create,
            "describe": lambda name, _body: self._client.get_collection(name),
            "upsert": self._upsert,
            "scroll": self._scroll,
            "delete": self._delete,
            "batch": self._batch,
            "count": lambda name, _body: self._client.count(name),
            "search": self._search,
        }

    def serve(self, operation: str, collection: str, body: bytes) -> Any:
        """The result of an operation, as JSON values.

        Raises:
            ValueError: the request is not as Qdrant wants it, or names what is not there.
        """
        with self._lock:
            result = self._serve[operation](collection, body)
        return result.model_dump(mode="json") if isinstance(result, BaseModel) else result

    def _create(self, name: str, body: bytes) -> bool:
        asked = models.CreateCollection.model_validate_json(body)
        return self._client.create_collection(name, vectors_config=asked.vectors)

    def _upsert(self, name: str, body: bytes) -> Any:
        return self._client.upsert(name, models.PointsList.model_validate_json(body).points)

    def _scroll(self, name: str, body: bytes) -> dict[str, Any]:
        asked = models.ScrollRequest.model_validate_json(body)
        points, following = self._client.scroll(
            name,
            limit=asked.limit or 10,
            offset=asked.offset,
            with_payload=bool(asked.with_payload),
            with_vectors=bool(asked.with_vector),
        )
        return {"points": [point.model_dump(mode="json") for point in points], "next_page_offset": following}

    def _delete(self, name: str, body: bytes) -> Any:
        return self._client.delete(name, models.PointIdsList.model_validate_json(body))

    def _batch(self, name: str, body: bytes) -> list[Any]:
        operations = models.UpdateOperations.model_validate_json(body).operations
        return [done.model_dump(mode="json") for done in self._client.batch_update_points(name, operations)]

    def _search(self, name: str, body: bytes) -> Any:
        asked = models.QueryGroupsRequest.model_validate_json(body)
        return self._client.query_points_groups(
            name,
            group_by=asked.group_by,
            query=asked.query,
            query_filter=asked.filter,
            limit=asked.limit or 10,
            group_size=asked.group_size or 3,
            with_payload=bool(asked.with_payload),
        )
