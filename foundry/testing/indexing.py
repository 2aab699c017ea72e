"""Drives the embedding of a small repository, and looks at its index from outside."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from foundry.data.git import GitRepository
from foundry.embeddings.description import INDEX_FILE, POINTS_FILE, QDRANT_FOLDER, read_description
from foundry.embeddings.embedder import Embedder, Vectors, load_embedder
from foundry.embeddings.index import Point
from foundry.embeddings.model_files import EmbeddingModelFiles, find_embedding_model
from foundry.errors import FoundryError, UserError
from foundry.pipeline.config import EmbedConfig, PipelineConfig
from foundry.pipeline.phase import INDEX_FOLDER, PhaseOutcome, Pipeline
from foundry.pipeline.phases.embed import EmbedPhase
from foundry.testing.processes import Finished, environment_of_command
from foundry.testing.written_history import SampleCommit, write_history

TIMEOUT_SECONDS = 60
HOLD = """
import sys
from qdrant_client import QdrantClient
client = QdrantClient(path=sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""
MANY = 100_000
STORAGE = Path(QDRANT_FOLDER) / "collection" / "texts" / "storage.sqlite"


@dataclass
class Indexing:
    """A pipeline's folder of which only `embed` is done, and what became of that.

    Attributes:
        commits: of the repository.
        settings: of the section `embed`.
        outcome: of the last call that did not fail.
        problem: the error of the last call; None where it did not fail.
        told: the lines for the user.
    """

    folder: Path = Path("pipelines/sample")
    commits: list[SampleCommit] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    outcome: PhaseOutcome | None = None
    problem: FoundryError | None = None
    told: list[str] = field(default_factory=list)

    @property
    def index_folder(self) -> Path:
        """Where the index is described."""
        return self.folder / INDEX_FOLDER

    def pipeline(self) -> Pipeline:
        """What the phase is given."""
        config = PipelineConfig(embed=EmbedConfig.model_validate(self.settings))
        return Pipeline(config, self.folder, GitRepository(Path(), None, "sample", False), self.told.append, Path(), {})

    def scrape(self) -> None:
        """Write the records of the commits."""
        write_history(self.folder, self.commits)

    def embed(self) -> None:
        """Write the records of the commits, and run the phase on them; an error that is meant for users is kept."""
        self.scrape()
        self.run()

    def embed_well(self) -> Indexing:
        """Do the same, and raise what went wrong; itself."""
        self.embed()
        if self.problem is not None:
            raise self.problem
        return self

    def run(self) -> None:
        """Run the phase on what is there; an error that is meant for users is kept."""
        self.outcome = self.problem = None
        try:
            self.outcome = EmbedPhase().run(self.pipeline())
        except ValidationError as error:
            self.problem = UserError("; ".join(mistake["msg"] for mistake in error.errors()))
        except FoundryError as error:
            self.problem = error

    def timing(self, name: str) -> float:
        """A figure of the last call, such as `texts_embedded`.

        Raises:
            AssertionError: that failed.
        """
        assert self.outcome is not None, self.problem
        return self.outcome.timings[name]

    def points(self) -> list[dict[str, Any]]:
        """The lines of `points.jsonl`."""
        lines = (self.index_folder / POINTS_FILE).read_text(encoding="ascii").splitlines()
        return [json.loads(line) for line in lines]

    def described(self) -> dict[str, bytes]:
        """The bytes of the files that describe the index, by their names."""
        return {name: (self.index_folder / name).read_bytes() for name in (POINTS_FILE, INDEX_FILE)}

    def vectors(self) -> dict[str, Vectors]:
        """The vector of every point, as the index gives it, by the ids."""
        return {point.id: point.vector for point in self.stored()}

    def stored(self) -> list[Point]:
        """Every point, as Qdrant's client gives it."""
        from qdrant_client import QdrantClient

        description = read_description(self.index_folder)
        assert description is not None, "nothing was indexed"
        folder = str(self.index_folder / QDRANT_FOLDER)
        client = (
            QdrantClient(url=description.url, check_compatibility=False)
            if description.url
            else QdrantClient(path=folder)
        )
        with closing(client):
            points, rest = client.scroll(description.collection, limit=MANY, with_vectors=True)
        assert rest is None, "more points than one page holds"
        return [
            Point(str(point.id), np.asarray(point.vector, dtype=np.float32), point.payload or {}) for point in points
        ]


def model_files(reference: str = EmbedConfig().model) -> EmbeddingModelFiles:
    """The model that comes as a package."""
    return find_embedding_model(reference)


def embedder() -> Embedder:
    """That model, loaded once in this process."""
    return load_embedder(model_files())


@functools.cache
def _tiny_model(dimension: int, seed: int) -> Callable[[Path], None]:
    """Writes a model of sentence-transformers with random weights and vectors of that length."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel

    def write(folder: Path) -> None:
        torch.manual_seed(seed)
        backbone = folder.with_name(f"{folder.name}-backbone")
        shape = BertConfig(
            vocab_size=30522,
            hidden_size=dimension,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=2 * dimension,
            max_position_embeddings=64,
        )
        BertModel(shape).save_pretrained(backbone)
        for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copy(model_files().folder / name, backbone / name)
        words = Transformer(str(backbone), max_seq_length=64)
        SentenceTransformer(modules=[words, Pooling(dimension)], device="cpu").save(str(folder))
        shutil.rmtree(backbone)

    return write


def write_tiny_model(folder: Path, dimension: int, seed: int = 1) -> Path:
    """Put a model of sentence-transformers into `folder`: random weights, vectors of that length."""
    _tiny_model(dimension, seed)(folder)
    return folder


def texts_of_many_lengths(count: int) -> list[str]:
    """Texts of 2 to 100 words in an order that mixes them."""
    return [" ".join(f"word{number % 7}" for number in range(2 + place * 37 % 98)) for place in range(count)]


@contextlib.contextmanager
def counted_padding(model: Embedder) -> Iterator[list[tuple[int, int]]]:
    """The shape of every batch that the model reads inside the block, padding included."""
    shapes: list[tuple[int, int]] = []

    def note(_module: Any, features: Any) -> None:
        rows, columns = features[0]["input_ids"].shape
        shapes.append((rows, columns))

    hook = model.model[0].register_forward_pre_hook(note)
    try:
        yield shapes
    finally:
        hook.remove()


@contextlib.contextmanager
def held_by_another_process(folder: Path, seconds: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """A process that has the index in `folder` open for the length of the block, or for so many seconds of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_of_command(),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held", "the process could not open the index"
        end = threading.Timer(seconds, process.kill)
        end.start()
        yield
        end.cancel()
    finally:
        process.kill()
        process.communicate()


def embed_and_be_killed(indexing: Indexing, moment: str) -> int:
    """Run the phase in a process of its own, which SIGKILL ends at a moment; its exit code.

    The process is forked from this one, in which the model is loaded, or each would take seconds to begin.

    Args:
        moment: a number of points that are stored by then, or the name of the file that is about to appear.
    """
    embedder()
    indexing.scrape()
    process = multiprocessing.get_context("fork").Process(target=_embed_until, args=(indexing, moment))
    process.start()
    if moment.isdigit():
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while process.is_alive() and _stored_points(indexing.index_folder) < int(moment):
            assert time.monotonic() < deadline, f"never stored {moment} points"
        process.kill()
    process.join(TIMEOUT_SECONDS)
    assert process.exitcode is not None, "did not end"
    return process.exitcode


def _embed_until(indexing: Indexing, moment: str) -> None:
    import signal

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "os.rename" and Path(os.fsdecode(given[1])).name == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    indexing.embed()
    if moment.isdigit():
        time.sleep(TIMEOUT_SECONDS)  # the parent kills this process as soon as it has looked


def _stored_points(index_folder: Path) -> int:
    path = index_folder / STORAGE
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as storage:
        try:
            return int(storage.execute("SELECT count(*) FROM points").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def foundry_in_this_process(arguments: list[str]) -> Finished:
    """The `foundry` command, with what it prints and its exit code, where a loaded model is used again."""
    from foundry.__main__ import main

    out, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main(arguments)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    texts = []
    for stream in (out, errors):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return Finished(code, *texts)
