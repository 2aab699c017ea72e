"""Steps on what of a repository is embedded, and what becomes of the index."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from behave import given, then, when
from behave.runner import Context

from foundry.embeddings.embedder import load_embedder
from foundry.embeddings.qdrant import open_server
from foundry.errors import FoundryError, UserError
from foundry.pipeline.phase import PhaseSkipped
from foundry.testing.hostile.payloads import pickle_of, torch_file_of
from foundry.testing.indexing import (
    STORAGE,
    Indexing,
    counted_padding,
    embed_and_be_killed,
    embedder,
    held_by_another_process,
    model_files,
    texts_of_many_lengths,
    write_tiny_model,
)
from foundry.testing.limits import file_size_limit
from foundry.testing.meanings import area_commits, function_of
from foundry.testing.qdrant_service import Fault, QdrantService
from foundry.testing.written_history import SampleCommit


@dataclass
class EmbeddingState:
    """What the scenario has set up beside the pipeline itself.

    Attributes:
        canary: appears as soon as code that came with a model or an index is run.
        shapes: of the batches that the model has read.
    """

    service: QdrantService | None = None
    canary: Path = Path("canary")
    model: Path = Path()
    seconds: float = 0.0
    earlier_problem: FoundryError | None = None
    before: dict[str, bytes] = field(default_factory=dict)
    other: Indexing = field(default_factory=lambda: Indexing(folder=Path("pipelines/other")))
    texts: list[str] = field(default_factory=list)
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    shapes: list[tuple[int, int]] = field(default_factory=list)


def indexing_of(context: Context) -> Indexing:
    return context.world.of(Indexing)


def state_of(context: Context) -> EmbeddingState:
    return context.world.of(EmbeddingState)


# --- what is embedded ---


@given("a repository of which {count:d} commits add a module each")
def step(context: Context, count: int) -> None:
    indexing_of(context).commits = area_commits(count)


@given("a repository with a file whose path is no UTF-8")
def step(context: Context) -> None:
    indexing_of(context).commits = [SampleCommit("Add a file", {"odd\udcff.py": function_of(1)})]


@given("embed.{name} is {value}")
def step(context: Context, name: str, value: str) -> None:
    indexing_of(context).settings[name] = {"false": False}.get(value, int(value) if value.isdigit() else value)


@given("it was embedded")
def step(context: Context) -> None:
    indexing_of(context).embed_well()


@when("it is embedded")
def step(context: Context) -> None:
    indexing_of(context).embed()


@when("a pipeline without history is embedded")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    indexing.embed()
    shutil.rmtree(indexing.folder)
    indexing.run()


@when("it is embedded in two folders")
def step(context: Context) -> None:
    first, second = indexing_of(context), state_of(context).other
    second.commits = first.commits
    first.embed_well()
    second.embed_well()


@then(
    "the index stands for {commits:d} commits and {files:d} files, with vectors of {dimension:d} numbers and length 1"
)
def step(context: Context, commits: int, files: int, dimension: int) -> None:
    indexing = indexing_of(context)
    results = indexing.outcome.results
    found = {name: results[name] for name in ("commits", "files", "dimension")}
    assert found == {"commits": commits, "files": files, "dimension": dimension}, results
    lengths = [float(np.linalg.norm(vector)) for vector in indexing.vectors().values()]
    assert len(lengths) == results["points"] and np.allclose(lengths, 1, atol=1e-5), lengths


@then("the list of its points is sorted, names each once, and agrees with the vectors")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    points = indexing.points()
    keys = [(point["kind"], point["key"], point["line"], point["id"]) for point in points]
    assert keys == sorted(set(keys)), keys
    assert {point["id"] for point in points} == set(indexing.vectors()), points


@then("both describe their index with the same bytes, and have the same vectors")
def step(context: Context) -> None:
    assert_same_index(indexing_of(context), state_of(context).other, tolerance=0)


def assert_same_index(found: Indexing, expected: Indexing, tolerance: float) -> None:
    assert found.described() == expected.described(), (found.described(), expected.described())
    assert_same_points(found, expected, tolerance)


def assert_same_points(found: Indexing, expected: Indexing, tolerance: float) -> None:
    ours, theirs = ({point.id: point for point in indexing.stored()} for indexing in (found, expected))
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    payloads = [(ours[key].payload, theirs[key].payload) for key in ours if ours[key].payload != theirs[key].payload]
    assert not payloads, payloads
    furthest = max(float(abs(ours[key].vector - theirs[key].vector).max()) for key in ours)
    assert furthest <= tolerance, f"two vectors of one text differ by {furthest}"


@then("the commits in the index are the last {count:d}")
def step(context: Context, count: int) -> None:
    indexing = indexing_of(context)
    found = {point["title"] for point in indexing.points() if point["kind"] == "commit"}
    assert found == {commit.subject for commit in indexing.commits[-count:]}, found


@then('the index names the file "{path}"')
def step(context: Context, path: str) -> None:
    found = [point["key"] for point in indexing_of(context).points() if point["kind"] == "file"]
    assert found == [path], found


@then('the phase is skipped: "{reason}"')
def step(context: Context, reason: str) -> None:
    problem = indexing_of(context).problem
    assert isinstance(problem, PhaseSkipped) and str(problem) == reason, repr(problem)


@then("nothing stands in the folder of the index")
def step(context: Context) -> None:
    folder = indexing_of(context).index_folder
    assert not folder.exists(), list(folder.rglob("*"))


# --- a second time ---


def with_one_more(commits: list[SampleCommit]) -> list[SampleCommit]:
    return area_commits(len(commits) + 1)


def with_changed_file(commits: list[SampleCommit]) -> list[SampleCommit]:
    return [*commits, SampleCommit("Compute another area", {"shapes/part_0.py": function_of(100)})]


def with_lines_above(commits: list[SampleCommit]) -> list[SampleCommit]:
    text = f"{function_of(100)}\n\n{function_of(0)}"
    return [*commits, SampleCommit("Put another area before it", {"shapes/part_0.py": text})]


CHANGES: dict[str, Callable[[list[SampleCommit]], list[SampleCommit]]] = {
    "nothing": list,
    "one more commit": with_one_more,
    "a changed file in one more commit": with_changed_file,
    "the loss of the last commit": lambda commits: commits[:-1],
    "new lines above a function in a file": with_lines_above,
}


@when("after {change} it is embedded again")
def step(context: Context, change: str) -> None:
    indexing = indexing_of(context)
    indexing.commits = CHANGES[change](indexing.commits)
    indexing.embed_well()


@then("{new:d} texts were embedded, {kept:d} were kept and {removed:d} points were removed")
def step(context: Context, new: int, kept: int, removed: int) -> None:
    indexing = indexing_of(context)
    found = tuple(indexing.timing(name) for name in ("texts_embedded", "texts_kept", "points_removed"))
    assert found == (new, kept, removed), f"{found} instead of {(new, kept, removed)}"


@then("the index is the one that a first embedding makes")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    fresh = replace(indexing, folder=Path("pipelines/fresh"), settings={}, told=[])
    assert_same_index(indexing, fresh.embed_well(), tolerance=1e-5)


@when("embedding is killed {moment}, and launched again")
def step(context: Context, moment: str) -> None:
    indexing = indexing_of(context)
    indexing.settings["batch_size"] = 8
    word = moment.split()[1]
    exit_code = embed_and_be_killed(indexing, word)
    assert exit_code == -9, f"it was not killed, but ended with {exit_code}"
    indexing.embed_well()


@then("texts that were stored before the kill were not embedded again")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    assert indexing.timing("texts_kept") >= 10, indexing.outcome


# --- batches ---


@given("{count:d} texts of very different lengths, the long among the short")
def step(context: Context, count: int) -> None:
    state_of(context).texts = texts_of_many_lengths(count)


@when("they are embedded in batches of {size:d}")
def step(context: Context, size: int) -> None:
    state = state_of(context)
    state.vectors = np.zeros((len(state.texts), embedder().dimension), dtype=np.float32)
    with counted_padding(embedder()) as state.shapes:
        for places, vectors in embedder().documents(state.texts, size):
            state.vectors[places] = vectors


@then("the model reads less than half the padding of batches in the given order")
def step(context: Context) -> None:
    state = state_of(context)
    lengths = embedder()._num_tokens(state.texts)
    size = state.shapes[0][0]
    in_order = [lengths[begin : begin + size] for begin in range(0, len(lengths), size)]
    unsorted = sum(len(batch) * max(batch) for batch in in_order) - sum(lengths)
    found = sum(rows * columns for rows, columns in state.shapes) - sum(lengths)
    assert 0 <= found < unsorted / 2, f"{found} padded tokens, and {unsorted} in the given order"


@then("each vector is the one that its text has alone")
def step(context: Context) -> None:
    state = state_of(context)
    alone = np.stack([vectors[0] for text in state.texts for _, vectors in embedder().documents([text], 1)])
    assert np.allclose(state.vectors, alone, atol=1e-5), abs(state.vectors - alone).max()


@given("an embedding model whose vectors have any length")
def step(context: Context) -> None:
    state_of(context).model = write_tiny_model(Path("model"), 32)


@when("it embeds texts and a question")
def step(context: Context) -> None:
    state = state_of(context)
    model = load_embedder(model_files(str(state.model)))
    [(_places, documents)] = model.documents(["a text", "another one"], 2)
    state.vectors = np.stack([*documents, model.query("a question")])


@then("each vector has the length 1")
def step(context: Context) -> None:
    lengths = np.linalg.norm(state_of(context).vectors, axis=1)
    assert len(lengths) == 3 and np.allclose(lengths, 1, atol=1e-5), lengths


# --- models ---


@given("it was embedded with a model of dimension {dimension:d}")
def step(context: Context, dimension: int) -> None:
    indexing = indexing_of(context)
    indexing.settings["model"] = str(write_tiny_model(Path("first-model"), dimension))
    indexing.embed_well()
    state_of(context).before = indexing.described()


@when("it is embedded again with another model of dimension {dimension:d}")
def step(context: Context, dimension: int) -> None:
    indexing = indexing_of(context)
    indexing.settings["model"] = str(write_tiny_model(Path("second-model"), dimension, seed=2))
    indexing.embed()


@then("the user is told that {count:d} vectors are of another model")
def step(context: Context, count: int) -> None:
    found = [line for line in indexing_of(context).told if f"{count} vectors are of another model" in line]
    assert len(found) == 1, indexing_of(context).told


@then("the index is as it was")
def step(context: Context) -> None:
    found = indexing_of(context).described()
    assert found == state_of(context).before, (found, state_of(context).before)


def pickle_instead_of_weights(folder: Path, canary: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle_of(canary))


def pickle_in_a_module(folder: Path, canary: Path) -> None:
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text('{"in_features": 32, "out_features": 32, "bias": true}')
    torch_file_of(canary, folder / "2_Dense" / "pytorch_model.bin")
    list_module(folder, "sentence_transformers.models.Dense", "2_Dense")


def class_of_its_own(folder: Path, canary: Path) -> None:
    (folder / "own.py").write_text(f"open({str(canary)!r}, 'w').close()\nclass Own: pass\n")
    list_module(folder, "own.Own", "")


def list_module(folder: Path, kind: str, path: str) -> None:
    modules_file = folder / "modules.json"
    listed = json.loads(modules_file.read_text())
    listed.append({"idx": len(listed), "name": str(len(listed)), "path": path, "type": kind})
    modules_file.write_text(json.dumps(listed))


def cut_weights(folder: Path, _canary: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


MISTAKES: dict[str, Callable[[Path, Path], None]] = {
    "has pickled weights alone": pickle_instead_of_weights,
    "has pickled weights in a module": pickle_in_a_module,
    "asks for a class of its own": class_of_its_own,
    "is no sentence-transformers model": lambda folder, _canary: (folder / "modules.json").unlink(),
    "is damaged": cut_weights,
}


@given("an embedding model that {mistake}")
def step(context: Context, mistake: str) -> None:
    indexing = indexing_of(context)
    if mistake == "is a package that is not installed":
        indexing.settings["model"] = "package:no-such-package"
        return
    folder = write_tiny_model(Path("model"), 32)
    MISTAKES[mistake](folder, state_of(context).canary.absolute())
    indexing.settings["model"] = str(folder)


@then('it is refused with one line that has "{first}" and "{second}"')
def step(context: Context, first: str, second: str) -> None:
    assert_one_line(indexing_of(context).problem, UserError, [first, second])


@then('it fails with one line that has "{text}"')
def step(context: Context, text: str) -> None:
    assert_one_line(indexing_of(context).problem, FoundryError, [text])


@then('it fails with one line that names the server and has "{text}"')
def step(context: Context, text: str) -> None:
    assert_one_line(indexing_of(context).problem, FoundryError, [indexing_of(context).settings["url"], text])


@then('it fails within {seconds:d} seconds with one line that names the server and has "{text}"')
def step(context: Context, seconds: int, text: str) -> None:
    assert_one_line(indexing_of(context).problem, FoundryError, [indexing_of(context).settings["url"], text])
    assert state_of(context).seconds < seconds, f"after {state_of(context).seconds} s"


def assert_one_line(problem: FoundryError | None, kind: type[FoundryError], texts: list[str]) -> None:
    assert type(problem) is kind, f"{kind.__name__} instead of {problem!r}"
    missing = [text for text in texts if text not in str(problem)]
    assert not missing and "\n" not in str(problem), f"{missing} not in the line: {problem}"


@then("no code of the model was run")
@then("no code in the index was run")
def step(context: Context) -> None:
    assert not state_of(context).canary.exists(), "the code was run"


# --- servers ---


def serve(context: Context, fault: Fault | None = None) -> None:
    service = state_of(context).service = QdrantService.shared()
    if fault is not None:
        service.inject(fault)
    indexing_of(context).settings["url"] = service.url


FAULTS = {
    "answers 500": Fault("answer", status=500),
    "wants a key": Fault("lock", key="the-key"),
    "never answers": Fault("hang"),
    "dies at the second batch": Fault("die", on="upsert", after=1),
}


@given("a Qdrant server")
def step(context: Context) -> None:
    serve(context)


@given("a Qdrant server that {fault}")
def step(context: Context, fault: str) -> None:
    serve(context, FAULTS[fault])


@given("the address of a Qdrant server that is down")
def step(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    indexing_of(context).settings["url"] = f"http://127.0.0.1:{port}"


@given("the variable QDRANT_API_KEY is {key}")
def step(context: Context, key: str) -> None:
    os.environ["QDRANT_API_KEY"] = key
    context.world.ending.callback(os.environ.pop, "QDRANT_API_KEY")


@when("it is embedded there twice")
def step(context: Context) -> None:
    for _ in range(2):
        indexing_of(context).embed_well()


@when("it is asked, with 1 second to answer")
def step(context: Context) -> None:
    started = time.monotonic()
    try:
        with open_server(indexing_of(context).settings["url"], "texts", timeout=1) as index:
            index.dimension()
    except FoundryError as error:
        indexing_of(context).problem = error
    state_of(context).seconds = time.monotonic() - started


@when("it is embedded in batches of {size:d}, the server comes back, and it is embedded again")
def step(context: Context, size: int) -> None:
    indexing = indexing_of(context)
    indexing.settings["batch_size"] = size
    indexing.embed()
    assert "does not answer" in str(indexing.problem), indexing.problem
    state_of(context).service.restart()
    indexing.embed_well()


@then("the server has the vectors that a folder would have")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    local = replace(indexing, folder=Path("pipelines/local"), settings={}).embed_well()
    assert indexing.points() == local.points(), (indexing.points(), local.points())
    assert_same_points(indexing, local, tolerance=1e-5)
    indexing.embed()


# --- folders ---


@when("it is embedded while another process has the index open")
def step(context: Context) -> None:
    indexing = indexing_of(context)
    with held_by_another_process(indexing.index_folder / "qdrant"):
        indexing.embed()


def dangerous_point(index: Path, canary: Path) -> None:
    with closing(sqlite3.connect(index / STORAGE)) as storage, storage:
        storage.execute("UPDATE points SET point = ?", (pickle_of(canary),))


def view_instead_of_points(index: Path, canary: Path) -> None:
    with closing(sqlite3.connect(index / STORAGE)) as storage, storage:
        storage.execute("ALTER TABLE points RENAME TO others")
        storage.execute("UPDATE others SET point = ?", (pickle_of(canary),))
        storage.execute("CREATE VIEW points AS SELECT rowid, id, point FROM others")


def link_instead_of_points(index: Path, canary: Path) -> None:
    dangerous_point(index, canary)
    (index / STORAGE).rename("elsewhere.sqlite")
    (index / STORAGE).symlink_to(Path("elsewhere.sqlite").absolute())


def collection_outside(index: Path, canary: Path) -> None:
    dangerous_point(index, canary)
    (index / "qdrant" / "collection" / "texts").rename("elsewhere")
    meta = index / "qdrant" / "meta.json"
    elsewhere = str(Path("elsewhere").absolute())
    meta.write_text(meta.read_text().replace('"texts"', json.dumps(elsewhere)))


def damage_table(index: Path, _canary: Path) -> None:
    content = bytearray((index / STORAGE).read_bytes())
    content[100:400] = bytes(300)
    (index / STORAGE).write_bytes(content)


def empty_list_alone(index: Path, _canary: Path) -> None:
    (index / "qdrant").mkdir(parents=True)
    (index / "qdrant" / "meta.json").touch()


@when("it is embedded where no file may pass {size:d} bytes, and again where it may")
def step(context: Context, size: int) -> None:
    indexing = indexing_of(context)
    embedder()
    indexing.scrape()
    with file_size_limit(size):
        indexing.run()
    state_of(context).earlier_problem = indexing.problem
    indexing.embed_well()


@then('it failed with one line that has "{text}"')
def step(context: Context, text: str) -> None:
    assert_one_line(state_of(context).earlier_problem, FoundryError, [text])


CONTENTS: dict[str, Callable[[Path, Path], None]] = {
    "a point that runs code": dangerous_point,
    "a view in the place of the points": view_instead_of_points,
    "a link in the place of the points": link_instead_of_points,
    "a collection outside of it": collection_outside,
    "a damaged table": damage_table,
    "an empty list of collections alone": empty_list_alone,
    "a file of another kind": lambda index, _canary: (index / "qdrant" / "setup.py").write_text("") and None,
}


@given("the folder of the index has {content}")
def step(context: Context, content: str) -> None:
    CONTENTS[content](indexing_of(context).index_folder, state_of(context).canary.absolute())
