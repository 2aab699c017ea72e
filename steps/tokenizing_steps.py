"""Steps about histories that become sequences of tokens."""

from __future__ import annotations

import functools
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.files import sha256_of
from foundry.pipeline.phases.tokenize import Tokenize
from foundry.pipeline.records import FileChange
from foundry.testing.corpora import different_texts
from foundry.testing.invented_history import FIRST_TIME, changed_file
from foundry.testing.kill_points import kill_points, run_and_kill, run_to_end
from foundry.testing.pretrained import saved_pretrained
from foundry.testing.tokenized import (
    FOLDER,
    Tokenized,
    documents_of,
    notes_of,
    sequences_of,
    streams_of,
    tokenize_here,
)

SEQUENCES = FOLDER / "sequences"


@dataclass
class Places:
    """What stood in folders at some time: SHA-256 of each file by its name."""

    before: dict[str, str] = field(default_factory=dict)
    others: list[dict[str, str]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)


def tokenized(context: Context) -> Tokenized:
    found: Tokenized = context.world.of(Tokenized)
    return found


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def overlap_of(context: Context) -> int:
    return tokenized(context).config.tokenize.overlap


@given("a history of {commits:d} commits on {files:d} files")
def history(context: Context, commits: int, files: int) -> None:
    made, texts = tokenized(context).history, different_texts(commits)
    for number in range(commits):
        made.commit(f"{number}c", {f"src/part_{number % files}.py": texts[number]}, message=f"Write part {number}")


@given("a history of {commits:d} commits on {files:d} files, which has been tokenized")
def tokenized_history(context: Context, commits: int, files: int) -> None:
    history(context, commits, files)
    tokenized(context).tokenized()
    context.world.of(Places).before = contents(SEQUENCES)


@given("sequences of {length:d} tokens with {overlap:d} of overlap")
def of_length(context: Context, length: int, overlap: int) -> None:
    tokenized(context).tokenize |= {"sequence_length": length, "overlap": overlap}


@given("a pipeline that sets {key} to {value}")
def setting(context: Context, key: str, value: str) -> None:
    tokenized(context).set(key, yaml.safe_load(value))


@given("the last commit is")
def last_commit(context: Context) -> None:
    parts = {row["part"]: row["text"].replace("\\n", "\n").replace("\\|", "|") for row in context.table}
    message = parts.pop("message")
    made = tokenized(context).history
    made.commit("1a57", parts, message=message, time=FIRST_TIME)
    made.commit("1a58", {"tail.py": "tail = 1\n" * 9})


@given("the last commit writes the word {word:w} {count:d} times")
def rare_word(context: Context, word: str, count: int) -> None:
    tokenized(context).history.commit("2a2e", {"rare.txt": f"{word}\n" * count})


@given("an experiment that adapts a tiny pretrained {architecture:w}")
def adapting(context: Context, architecture: str) -> None:
    state = tokenized(context)
    base = saved_pretrained(Path("base").resolve(), architecture)
    del state.experiment["tokenizer"]
    state.experiment["model"] = {"pretrained": str(base), "compute_dtype": "float32", "quantization": "nf4"}
    state.experiment["lora"] = {"r": 4}


@given("a commit with these changes")
def odd_changes(context: Context) -> None:
    record = tokenized(context).history.commit("0dd", {}, message="Odd changes", time=FIRST_TIME)
    for row in context.table:
        change: FileChange = changed_file(row["path"].encode().decode("unicode_escape"), row["change"], "", "")
        change |= {"kind": row["kind"], "old_mode": row["old_mode"], "new_mode": row["new_mode"]}
        change["old_path"] = row["old_path"] or None
        record["files"].append(change)
    tokenized(context).history.commit("7a11", {"tail.py": "tail = 1\n" * 99})


@given("a merge that brings in a file")
def merge(context: Context) -> None:
    made = tokenized(context).history
    record = made.commit("3e49e", {}, message="Merge the door", parents=["8c", "7c"], time=FIRST_TIME)
    record["files"].append(changed_file("door.py", "added", "", "def door():\n    pass\n"))


@given("a history of these commits, with a word of text each")
def history_of(context: Context) -> None:
    for number, row in enumerate(context.table):
        files = {path: f"{path} = {number}\n" for path in row["files"].split(", ")}
        record = tokenized(context).history.commit(row["hash"], files, time=int(row["time"]), author=row["author"])
        assert record["author"]["name"] == row["author"]


@given("the records of files are gone")
def records_gone(_context: Context) -> None:
    (FOLDER / "history" / "files.jsonl").unlink()


@given("a record is cut off")
def record_cut(_context: Context) -> None:
    path = FOLDER / "history" / "commits.jsonl"
    path.write_bytes(path.read_bytes()[:-9])


@given("all commits are of one time")
def one_time(context: Context) -> None:
    for record in tokenized(context).history.commits:
        record["committer"]["time"] = FIRST_TIME
    tokenized(context).history.write()


@given("there is no commit")
def no_commit(_context: Context) -> None:
    (FOLDER / "history" / "commits.jsonl").write_bytes(b"")


@when("the history is tokenized")
def tokenize(context: Context) -> None:
    tokenized(context).tokenized()


@when("the history is tokenized twice, in two places")
def twice(context: Context) -> None:
    state, places = tokenized(context), context.world.of(Places)
    for number in range(2):
        places.results.append(state.tokenized())
        places.others.append(contents(SEQUENCES))
        FOLDER.rename(f"place-{number}")


@when("it is tokenized again with the setting {key} at {value}")
def again(context: Context, key: str, value: str) -> None:
    tokenized(context).set(key, yaml.safe_load(value))
    tokenized(context).run(Tokenize())


@when("it is tokenized once more")
def once_more(context: Context) -> None:
    tokenized(context).attempt(Tokenize())


@when("tokenizing is killed at every twelfth of its operations on files, and then done")
def killed(context: Context) -> None:
    state, places = tokenized(context), context.world.of(Places)
    state.tokenized()
    places.before = contents(SEQUENCES)
    task = functools.partial(tokenize_here, json.dumps(state.tokenize), json.dumps(state.experiment))
    for folder in ("rehearsal", "killed"):
        shutil.copytree(FOLDER / "history", Path(folder) / FOLDER / "history")
    points = [point for point in kill_points(task, Path("rehearsal")) if point.operation != "read"]
    assert len(points) > 30, f"only {len(points)} operations"
    for first in (0, 12):
        for point in points[first::24]:
            run_and_kill(task, point, Path("killed"))
            if (Path("killed") / SEQUENCES).exists():
                places.others.append(contents(Path("killed") / SEQUENCES))
        run_to_end(task, Path("killed"))
    assert places.others, "no killed process left sequences, not even those of the one before"


@then("every sequence has exactly {length:d} tokens, and begins with the last {overlap:d} of the one before it")
def exact_length(context: Context, length: int, overlap: int) -> None:
    prepared = tokenized(context).prepared
    for side, blocks in (("training", prepared.training), ("validation", prepared.validation)):
        assert len(blocks.tokens) == length * len(blocks), f"{len(blocks.tokens)} tokens in {len(blocks)} sequences"
        assert blocks.block_size == length, f"{blocks.block_size} instead of {length}"
        assert list(streams_of(prepared, side, overlap)), f"no stream on the {side} side"


@then("the streams are the documents, to the token")
def streams_are_documents(context: Context) -> None:
    state = tokenized(context)
    found = [text for side in ("training", "validation") for text in documents_by_source(context, side)["commit"]]
    assert found == [state.history.expected_commit(number) for number in range(9)], found
    files = [text for side in ("training", "validation") for text in documents_by_source(context, side)["file"]]
    left_out = state.statistics["skipped"]["with text from before and after the cutoff"]["names"]
    expected = [f"<|file|>{path}\n{text}" for path, text in state.history.files.items() if path not in left_out]
    assert sorted(files) == sorted(expected), files


def documents_by_source(context: Context, side: str) -> dict[str, list[str]]:
    return documents_of(tokenized(context).prepared, side, overlap_of(context))


@then("every token but the first of each stream is predicted once")
def predicted_once(context: Context) -> None:
    for side in ("training", "validation"):
        for source, stream, counts in streams_of(tokenized(context).prepared, side, overlap_of(context)):
            expected = [0] + [1] * (len(stream) - 1)
            assert counts == expected, f"{side} {source}: {counts}"


@then("every token but the first of each sequence is predicted once")
def predicted_once_without_overlap(context: Context) -> None:
    for side in ("training", "validation"):
        for source, stream, counts in streams_of(tokenized(context).prepared, side, 0):
            expected = [int(place % 32 > 0) for place in range(len(stream))]
            assert counts == expected, f"{side} {source}: {counts}"


@then("padding is at the end of the last sequence of a stream alone, and is never predicted")
def padding(context: Context) -> None:
    prepared = tokenized(context).prepared
    for side in ("training", "validation"):
        sequences = sequences_of(prepared, side)
        last = {sequence.note["source"]: number for number, sequence in enumerate(sequences)}
        for number, sequence in enumerate(sequences):
            rest = sequence.ids[sequence.note["tokens"] :]
            assert not rest or number in last.values(), f"{side} {number} ends with padding"
            assert set(rest) <= {prepared.tokenizer.pad_id}, rest
            assert max(sequence.targets, default=0) < sequence.note["tokens"], f"padding of {side} {number} counts"


@then("tokens, targets, sequences, padding and documents are as a count of the files gives them")
def statistics(context: Context) -> None:
    state = tokenized(context)
    prepared, results = state.prepared, state.outcomes["tokenize"].results
    for side in ("training", "validation"):
        sequences = sequences_of(prepared, side)
        streams = list(streams_of(prepared, side, overlap_of(context)))
        counted = {
            "tokens_before_packing": sum(len(stream) for _, stream, _ in streams),
            "targets": sum(len(sequence.targets) for sequence in sequences),
            "padding": sum(len(sequence.ids) - sequence.note["tokens"] for sequence in sequences),
            "documents": sum(stream.count(prepared.tokenizer.eos_id) for _, stream, _ in streams),
            "sequences": {
                source: sum(sequence.note["source"] == source for sequence in sequences)
                for source in ("commit", "file")
            },
        }
        said = {key: results[key][side] for key in counted}
        assert said == counted, f"{said}, and there are {counted}"


@then("the length of training follows from them")
def length_follows(context: Context) -> None:
    results = tokenized(context).outcomes["tokenize"].results
    parameters, sequences = results["parameters"], sum(results["sequences"]["training"].values())
    epochs = min(2, max(1, 4000 // results["targets"]["training"]))
    assert parameters["epochs"] == epochs, parameters
    assert parameters["total_steps"] == -(-epochs * sequences // 4), parameters


@then("among the documents of {source:w}s is")
def document_is(context: Context, source: str) -> None:
    expected = context.text.replace("<\\|", "<|")
    found = [text for side in ("training", "validation") for text in documents_by_source(context, side)[source]]
    assert any(text.rstrip("\n") == expected.rstrip("\n") for text in found), f"{expected!r} is none of {found}"


@then("each of these documents holds as many marker tokens as markers of its own")
def markers(context: Context) -> None:
    prepared = tokenized(context).prepared
    commit, file = (prepared.tokenizer.marker_ids[kind] for kind in ("commit", "file"))
    assert {commit, file} <= set(range(prepared.tokenizer.vocab_size)), (commit, file)
    for source, expected in (("commit", {commit: 1, file: 1}), ("file", {commit: 0, file: 1})):
        found = [ids for ids in documents_in_tokens(context, source) if "Open" in prepared.tokenizer.decode(ids)]
        found += [ids for ids in documents_in_tokens(context, source) if "door():" in prepared.tokenizer.decode(ids)]
        assert found, f"no {source} has that text"
        for ids in found:
            counts = {token: ids.count(token) for token in (commit, file)}
            assert counts == expected, f"{counts} instead of {expected}"


def documents_in_tokens(context: Context, source: str) -> list[list[int]]:
    prepared = tokenized(context).prepared
    found = []
    for side in ("training", "validation"):
        for name, stream, _ in streams_of(prepared, side, overlap_of(context)):
            ends = [place for place, token in enumerate(stream) if token == prepared.tokenizer.eos_id]
            begins = [0, *(end + 1 for end in ends)]
            found += [stream[begin:end] for begin, end in zip(begins, ends, strict=False) if name == source]
    return found


@then("the tokenizer of the sequences is the model's own")
def own_tokenizer(context: Context) -> None:
    prepared = tokenized(context).prepared
    vocabulary = json.loads(Path("base/tokenizer.json").read_text())["model"]["vocab"]
    found = json.loads((SEQUENCES / "tokenizer/tokenizer.json").read_text())["model"]["vocab"]
    assert found == vocabulary, "the vocabularies differ"
    assert prepared.tokenizer.marker_ids == {}, prepared.tokenizer.marker_ids


@then("every document of a file begins with the text {marker}")
def plain_markers(context: Context, marker: str) -> None:
    texts = documents_by_source(context, "training")["file"]
    assert texts and all(text.startswith(f"{marker}src/part_") for text in texts), texts


@then("the word {word:w} takes more than {count:d} tokens")
def takes_tokens(context: Context, word: str, count: int) -> None:
    (ids,) = tokenized(context).prepared.tokenizer.encode_batch([word])
    assert len(ids) > count, ids


@then("it stands in the validation side")
def in_validation(context: Context) -> None:
    texts = documents_by_source(context, "validation")["commit"]
    assert any("quixotically" in text for text in texts), texts


@then("the metadata is")
def metadata(context: Context) -> None:
    found = [note for side in ("training", "validation") for note in notes_of(side)]
    for note in found:
        note["last_commit"] = note["last_commit"].rstrip("0")
        note["document"] = note["document"].rstrip("0")
    shown = [{key: str(note[key]) for key in context.table.headings} for note in found]
    assert shown == [row.as_dict() for row in context.table], shown


@then("its tokens and targets add up to those of the statistics")
def adds_up(context: Context) -> None:
    said = tokenized(context).statistics
    for side in ("training", "validation"):
        tokens = sum(note["tokens"] for note in notes_of(side)), sum(note["targets"] for note in notes_of(side))
        assert tokens == (said["tokens_after_packing"][side], said["targets"][side]), (tokens, side, said)


@then("both folders hold the same bytes, and both results are equal")
def same_bytes(context: Context) -> None:
    places = context.world.of(Places)
    assert places.others[0] == places.others[1] and len(places.others[0]) > 8, places.others
    assert places.results[0] == places.results[1], places.results


@then("the sequences have {overlap:d} tokens of overlap, and nothing else is left in the folder")
def replaced(context: Context, overlap: int) -> None:
    state = tokenized(context)
    assert state.statistics["overlap"] == overlap, state.statistics["overlap"]
    list(streams_of(state.prepared, "training", overlap))
    found = sorted(path.name for path in FOLDER.iterdir())
    assert found == ["history", "sequences"], found
    listed = {*state.statistics["files"], "statistics.json"}
    assert set(contents(SEQUENCES)) == listed, set(contents(SEQUENCES)) ^ listed


@then('the phase is refused with "{message}"')
def phase_refused(context: Context, message: str) -> None:
    assert str(tokenized(context).error) == message, str(tokenized(context).error)


@then("the sequences are as they were")
def as_they_were(context: Context) -> None:
    assert contents(SEQUENCES) == context.world.of(Places).before


@then("no killed process left a folder of sequences that was not whole")
def none_half(context: Context) -> None:
    places = context.world.of(Places)
    assert all(found == places.before for found in places.others), places.others


@then("the sequences are those of a history that was tokenized without interruption")
def as_uninterrupted(context: Context) -> None:
    places = context.world.of(Places)
    assert contents(Path("killed") / SEQUENCES) == places.before
    left = [path.name for path in (Path("killed") / FOLDER).iterdir() if re.match(r"\.", path.name)]
    assert not left, left
