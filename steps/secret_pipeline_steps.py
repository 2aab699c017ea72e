"""Steps that look for secrets in everything a pipeline leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.data.processor import load_prepared
from foundry.testing.pipelines import PIPELINE_FOLDER, Pipelines, write_tiny_config
from foundry.testing.planted_secrets import (
    NAMED_ADDRESS,
    kinds,
    planted_secret,
    remains_of,
    repository_with_secrets,
)

SIDE_BY_SIDE = {
    "tokenize.overlap": 0,
    "tokenize.near_duplicates": None,
    "embed.enabled": True,
    "experiment.tokenizer.vocab_size": 2000,
}
"""Tokens that are not repeated, so that decoded sequences are the text; and every file, however alike."""


@given(
    "the repository of a pipeline, with secrets of all kinds in its files, its commits, their messages and its names"
)
def _(_context: Context) -> None:
    repository_with_secrets(Path("sample"))
    write_tiny_config(SIDE_BY_SIDE)


@when("the pipeline goes from the repository to tokens and to an index")
def _(context: Context) -> None:
    finished = context.world.of(Pipelines).launch("--only", "analyze,scrape,tokenize,embed")
    assert finished.exit_code == 0, f"{finished.stdout}\n{finished.stderr}"


@then("nothing of any secret is in the tokens, decoded side by side")
def _(_context: Context) -> None:
    prepared = load_prepared(PIPELINE_FOLDER / "sequences")
    assert prepared.validation is not None
    texts = {
        side: prepared.tokenizer.decode(blocks.tokens.tolist())
        for side, blocks in (("training", prepared.training), ("validation", prepared.validation))
    }
    assert all("<REDACTED:" in text for text in texts.values()), "nothing was replaced in what is learned"
    expect_no_secret(texts)


@then("nothing of any secret, and no address that is somebody's name, is in any other file that the pipeline has left")
def _(_context: Context) -> None:
    files = [path for path in PIPELINE_FOLDER.rglob("*") if path.is_file()]
    texts = {str(path): path.read_bytes().decode("latin-1") for path in files}
    left = {path.name for path in files}
    assert {"commits.jsonl", "files.jsonl", "points.jsonl", "manifest.json", "report.html"} <= left, left
    expect_no_secret(texts)
    named = [name for name, text in texts.items() if NAMED_ADDRESS in text]
    assert not named, f"{NAMED_ADDRESS} is in {named}"


def expect_no_secret(texts: Mapping[str, str]) -> None:
    found = {
        f"{kind} in {name}": pieces
        for kind in kinds()
        for name, text in texts.items()
        if (pieces := remains_of(planted_secret(kind), text))
    }
    assert not found, f"left are {found}"


@then("the manifest counts what was replaced, by kinds and by files")
def _(context: Context) -> None:
    found = context.world.of(Pipelines).manifest.phases["scrape"].results["redactions"]
    num_kinds = len(kinds())
    assert found["total"] == sum(found["by_kind"].values()) >= 4 * num_kinds, found["total"]
    assert len(found["by_file"]) >= num_kinds, len(found["by_file"])
