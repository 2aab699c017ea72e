"""Steps about experiments on tokens that were made before."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from behave import given, then, when
from behave.runner import Context

from foundry.config_file import load_experiment
from foundry.data.batches import BatchOrder
from foundry.errors import FoundryError
from foundry.evaluation.plan import plan_of
from foundry.evaluation.verification import verify_run
from foundry.files import sha256_of
from foundry.testing.experiments import REMOVED
from foundry.testing.faults import flip_byte
from foundry.testing.pretrained import finetuning_settings, saved_pretrained
from foundry.testing.runs import Runs
from foundry.testing.tokenized import FOLDER, Sequence, Tokenized, sequences_of
from foundry.trainer import Trainer
from steps.packing_steps import first_model, mean_loss
from steps.tokenizing_steps import history

SEQUENCES = FOLDER / "sequences"


def runs_of(context: Context) -> Runs:
    found: Runs = context.world.of(Runs)
    return found


@given("an experiment on a history that has been tokenized")
def experiment_on_tokens(context: Context) -> None:
    history(context, 9, 8)
    context.world.of(Tokenized).tokenized()
    runs_of(context).settings |= {
        "data.source_corpus": None,
        "data.prepared": str(SEQUENCES),
        "tokenizer": REMOVED,
        "model.tie_embeddings": False,
    }


@given("it adapts a tiny pretrained {architecture:w} instead")
def adapts(context: Context, architecture: str) -> None:
    del runs_of(context).settings["model.tie_embeddings"]
    runs_of(context).settings |= finetuning_settings(saved_pretrained(Path("base"), architecture))


@given("in its sequences, {case}")
def spoiled(context: Context, case: str) -> None:
    CASES[case](context)


def nothing(_context: Context) -> None:
    FOLDER.rename("gone")


def a_list(_context: Context) -> None:
    (SEQUENCES / "statistics.json").write_text("[1]")


def another_length(context: Context) -> None:
    runs_of(context).settings["data.max_sequence_length"] = 16


def flipped(_context: Context) -> None:
    flip_byte(SEQUENCES / "train.bin", 9)


def beyond_the_vocabulary(_context: Context) -> None:
    path = SEQUENCES / "train.bin"
    tokens = np.fromfile(path, dtype="<u2")
    tokens[7] = 60_000
    path.write_bytes(tokens.tobytes())
    change_files(lambda files: files["train.bin"].update(sha256=sha256_of(path)))


def without_hashes(_context: Context) -> None:
    change_files(lambda files: files.pop("documents/trained.hashes"))


def change_files(change: Callable[[dict[str, dict[str, str]]], object]) -> None:
    path = SEQUENCES / "statistics.json"
    statistics = json.loads(path.read_text())
    change(statistics["files"])
    path.write_text(json.dumps(statistics))


def without_validation(context: Context) -> None:
    context.world.of(Tokenized).tokenize["validation_fraction"] = 0
    context.world.of(Tokenized).tokenized()


CASES: dict[str, Callable[[Context], None]] = {
    "there is nothing": nothing,
    "statistics.json is a list": a_list,
    "the length is another": another_length,
    "a byte of train.bin has flipped": flipped,
    "a token is beyond the vocabulary": beyond_the_vocabulary,
    "the hashes of documents are gone": without_hashes,
    "nothing is kept for validation": without_validation,
}


@when("the sequences are moved, and it is launched from there")
def moved(context: Context) -> None:
    SEQUENCES.rename("elsewhere")
    runs_of(context).settings["data.prepared"] = "elsewhere"
    runs_of(context).launch()


@when("the history is tokenized with another overlap, and it is launched")
def tokenized_anew(context: Context) -> None:
    runs = runs_of(context)
    context.world.of(Tokenized).tokenize["overlap"] = 9
    context.world.of(Tokenized).tokenized()
    runs.other_folder = runs.folder
    runs.launch()


@when("it is launched with what is new alone")
def launched_incrementally(context: Context) -> None:
    runs = runs_of(context)
    try:
        Trainer(runs.config(), incremental=True)
    except FoundryError as error:
        runs.error = error


@then("its first loss is that of the first batch of these sequences, repeated tokens and padding left out")
def first_loss(context: Context) -> None:
    pieces = [(torch.tensor(s.ids[: s.note["tokens"]]), first) for s, first in first_sequences(context)]
    expect_first_loss(context, pieces)


@then("its first loss is the mean over the targets of its first batch, each document by itself")
def first_loss_apart(context: Context) -> None:
    eos = context.world.of(Tokenized).prepared.tokenizer.eos_id
    pieces = []
    for sequence, first in first_sequences(context):
        ids = torch.tensor(sequence.ids[: sequence.note["tokens"]])
        begin = 0
        for piece in ids.tensor_split(((ids == eos).nonzero().flatten() + 1).tolist()):
            pieces.append((piece, max(1, first - begin)))
            begin += len(piece)
    expect_first_loss(context, [(piece, first) for piece, first in pieces if len(piece) > first])
    assert len(pieces) > 5, f"only {len(pieces)} documents"


def first_sequences(context: Context) -> list[tuple[Sequence, int]]:
    """The sequences of the first step, each with the place of its first target."""
    config, state = runs_of(context).config(), context.world.of(Tokenized)
    sequences = sequences_of(state.prepared, "training")
    first = {}
    for sequence in sequences:
        first.setdefault(sequence.note["source"], sequence.note["sequence"])
    chosen = [sequences[n] for n in BatchOrder(len(sequences), config.global_batch_size, config.random_seed).indices(1)]
    overlap = state.tokenize["overlap"]
    return [(s, 1 if s.note["sequence"] == first[s.note["source"]] else overlap) for s in chosen]


def expect_first_loss(context: Context, pieces: list[tuple[torch.Tensor, int]]) -> None:
    runs, prepared = runs_of(context), context.world.of(Tokenized).prepared
    assert runs.report is not None, runs.error
    model = first_model(runs.config(), prepared.tokenizer.vocab_size)
    expected, logged = mean_loss(model, pieces), runs.metrics[0]["loss"]
    assert math.isclose(logged, expected, rel_tol=1e-5), f"{logged} instead of {expected}"


@then("its record names the digest of these sequences")
def names_digest(context: Context) -> None:
    expected = context.world.of(Tokenized).prepared.digest
    assert runs_of(context).record.data_digest == expected, runs_of(context).record.data_digest


@then("no validation loss was computed")
def no_validation(context: Context) -> None:
    assert runs_of(context).report is not None, runs_of(context).error
    found = [row for row in runs_of(context).metrics if "validation_loss" in row]
    assert not found and runs_of(context).record.best_validation_loss is None, found


@then("verifying the run finds no damage")
def no_damage(context: Context) -> None:
    assert runs_of(context).report is not None, runs_of(context).error
    findings = verify_run(runs_of(context).folder, lambda _line: None).findings
    damaged = [finding for finding in findings if finding.verdict != "whole"]
    assert findings and not damaged, damaged


@then("its plan names the folder and the size of its vocabulary")
def plan(context: Context) -> None:
    found = plan_of(runs_of(context).config())
    expected = str(SEQUENCES), context.world.of(Tokenized).prepared.tokenizer.vocab_size
    assert (found["source"], found["vocabulary"]) == expected, found


@then("the configuration in its run folder is that experiment")
def configuration_is(context: Context) -> None:
    found = load_experiment(runs_of(context).folder / "config.yaml")
    assert found == runs_of(context).config(), found
