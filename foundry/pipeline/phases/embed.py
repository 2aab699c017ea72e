"""The phase `embed`: commits and files as vectors in an index that `foundry search` asks."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from foundry.data.progress import Progress
from foundry.embeddings.description import (
    INDEX_FILE,
    POINTS_FILE,
    QDRANT_FOLDER,
    IndexDescription,
    read_description,
    write_description,
    write_points,
)
from foundry.embeddings.embedder import load_embedder
from foundry.embeddings.indexing import Indexed, update_index
from foundry.embeddings.model_files import EmbeddingModelFiles, find_embedding_model
from foundry.embeddings.qdrant import EMBEDDED_COLLECTION, SLOW_ABOVE, QdrantIndex, open_folder, open_server
from foundry.embeddings.texts import IndexedText
from foundry.errors import FoundryError
from foundry.files import sha256_of
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.indexed_texts import texts_of_commits, texts_of_files
from foundry.pipeline.phase import HISTORY_FOLDER, INDEX_FOLDER, PhaseOutcome, PhaseSkipped, Pipeline
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE

LIBRARIES = {"qdrant_client": "qdrant-client", "sentence_transformers": "sentence-transformers"}


class EmbedPhase:
    """See `foundry.pipeline.phase.Phase`."""

    name = "embed"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """All of `embed` but the size of batches, which changes no more of a vector than rounding."""
        return config.embed.model_dump(mode="json", exclude={"batch_size"})

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """The digests of what scraping has left, and of the model.

        Raises:
            UserError: there is no such model.
            FoundryError: the repository was not scraped, or the model hub cannot be reached.
        """
        if _reason_to_skip(pipeline.config):
            return {}
        digests = {f"{HISTORY_FOLDER}/{path.name}": sha256_of(path) for path in _records(pipeline)}
        return {**digests, "model": find_embedding_model(pipeline.config.embed.model).digest}

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """Bring the index up to date; what a call that was killed has embedded is not embedded again.

        Raises:
            PhaseSkipped: `embed.enabled` is false, or a library is missing.
            UserError: the model is missing, or the index has vectors of another length.
            FoundryError: the index is in use, or its server does not answer.
        """
        reason = _reason_to_skip(pipeline.config)
        if reason:
            raise PhaseSkipped(reason)
        model = find_embedding_model(pipeline.config.embed.model)
        progress = Progress(pipeline.report)
        collection = _collection(pipeline)
        with _opened(pipeline, collection) as index:
            indexed = update_index(
                index,
                _texts(pipeline),
                lambda: load_embedder(model),
                model.digest,
                pipeline.config.embed.batch_size,
                progress,
            )
        description = _describe(pipeline, collection, model, indexed)
        if description.url is None and description.points > SLOW_ABOVE:
            progress.note(
                f"the index holds {description.points:,} vectors in memory; above {SLOW_ABOVE:,} a Qdrant server "
                "(embed.url) answers faster"
            )
        return _outcome(pipeline, description, indexed, progress.seconds)


def _reason_to_skip(config: PipelineConfig) -> str | None:
    if not config.embed.enabled:
        return "embed.enabled is false"
    missing = [name for module, name in LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        return (
            f"{' and '.join(missing)} are missing; `pip install 'foundry-lm[pipeline]'` installs what this phase needs"
        )
    return None


def _records(pipeline: Pipeline) -> tuple[Path, Path]:
    folder = pipeline.folder / HISTORY_FOLDER
    paths = folder / COMMITS_FILE, folder / FILES_FILE
    for path in paths:
        if not path.is_file():
            raise FoundryError(f"{path}: is missing; the phase scrape makes it")
    return paths


def _texts(pipeline: Pipeline) -> Iterator[IndexedText]:
    commits, files = _records(pipeline)
    return itertools.chain(texts_of_commits(commits, pipeline.config.embed.max_commits), texts_of_files(files))


def _opened(pipeline: Pipeline, collection: str) -> AbstractContextManager[QdrantIndex]:
    url = pipeline.config.embed.url
    folder = pipeline.folder / INDEX_FOLDER
    return open_folder(folder / QDRANT_FOLDER) if url is None else open_server(url, collection)


def _collection(pipeline: Pipeline) -> str:
    """The collection's name: on a server that others use, too, it belongs to this folder on this machine alone.

    A pipeline whose folder was moved keeps its collection.
    """
    url = pipeline.config.embed.url
    if url is None:
        return EMBEDDED_COLLECTION
    before = read_description(pipeline.folder / INDEX_FOLDER)
    if before is not None and before.url == url:
        return before.collection
    place = f"{socket.gethostname()}:{pipeline.folder.resolve()}".encode(errors="surrogateescape")
    return f"foundry-{pipeline.folder.name}-{hashlib.sha256(place).hexdigest()[:12]}"


def _describe(pipeline: Pipeline, collection: str, model: EmbeddingModelFiles, indexed: Indexed) -> IndexDescription:
    keys = {(payload["kind"], payload["key"]) for payload in indexed.payloads.values()}
    return IndexDescription(
        model=model.reference,
        model_digest=model.digest,
        dimension=indexed.dimension,
        collection=collection,
        url=pipeline.config.embed.url,
        points=len(indexed.payloads),
        commits=sum(kind == "commit" for kind, _ in keys),
        files=sum(kind == "file" for kind, _ in keys),
    )


def _outcome(pipeline: Pipeline, description: IndexDescription, indexed: Indexed, seconds: float) -> PhaseOutcome:
    """Write what describes the index, the description last: where it stands, all of the index does."""
    folder = Path(INDEX_FOLDER)
    write_points(pipeline.folder / folder / POINTS_FILE, indexed.payloads)
    write_description(pipeline.folder / folder / INDEX_FILE, description)
    return PhaseOutcome(
        results=description.model_dump(exclude={"collection", "url"}),
        outputs=(folder / POINTS_FILE, folder / INDEX_FILE),
        timings={
            "seconds": seconds,
            "texts_embedded": indexed.embedded,
            "texts_kept": indexed.kept,
            "points_removed": indexed.removed,
            "texts_per_second": indexed.embedded / seconds,
        },
    )
