"""Steps about phase 0 of a pipeline: repositories of every kind, and the figures about them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.data.git import GitRepository
from foundry.pipeline import parameters
from foundry.pipeline.loading import load_pipeline
from foundry.pipeline.phase import Pipeline
from foundry.pipeline.phases.analyze import AnalyzePhase
from foundry.testing.big_histories import big_history
from foundry.testing.pipelines import Pipelines, raw_commit, write_tiny_config
from foundry.testing.planted_secrets import planted_secret
from foundry.testing.repositories import SampleRepository, hostile_repository

SAMPLE = Path("sample")


@dataclass
class Analyzed:
    """A repository, and what phase 0 has found in it."""

    source: Path = SAMPLE
    settings: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    witness: Path = Path()


def analyzed(context: Context) -> Analyzed:
    return context.world.of(Analyzed)


# --- repositories ---


def with_token(text: str) -> str:
    """`<npm token>` stands for a token, which no file of ours should hold."""
    return text.replace("<npm token>", planted_secret("npm token").secret)


@given("a sample repository with the branches")
def repository_with_branches(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    for number, row in enumerate(context.table):
        branch = with_token(row["branch"])
        if row["after"]:
            repository.git("checkout", "--quiet", "-b", branch, row["after"])
        elif number:
            repository.git("checkout", "--quiet", branch)
        if row["merges"]:
            repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", row["merges"])
        commits = int(row["commits"]) - bool(row["merges"])
        for commit in range(commits):
            repository.commit(f"Change {number}.{commit}", {f"part_{number}.py": f"value = {commit}\n"})


@given("instead of it a bare clone")
def bare_clone(context: Context) -> None:
    SampleRepository(SAMPLE).cloned(Path("elsewhere"), "--bare")
    analyzed(context).source = Path("elsewhere")


@given("instead of it a clone")
def whole_clone(context: Context) -> None:
    SampleRepository(SAMPLE).cloned(Path("elsewhere"), "--branch=main")
    analyzed(context).source = Path("elsewhere")


@given("instead of it a shallow clone of {count:d} commits")
def shallow_clone(context: Context, count: int) -> None:
    SampleRepository(SAMPLE).cloned(Path("elsewhere"), f"--depth={count}")
    analyzed(context).source = Path("elsewhere")


@given("instead of it a detached head")
def detached_head(_context: Context) -> None:
    SampleRepository(SAMPLE).git("checkout", "--quiet", "--detach", "main~1")


@given("a sample repository with commits by")
def commits_by(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    repository.write("a.py", "a = 1\n")
    repository.git("add", "--all")
    for number, row in enumerate(context.table):
        when_made = f"{1_700_000_000 + number} +0000"
        parents = [f"parent {repository.git('rev-parse', 'HEAD')}".encode()] if number else []
        people = [f"author {row['author']} {when_made}", f"committer Committer <c@example.org> {when_made}"]
        raw_commit(repository, [*parents, *(line.encode() for line in people)], f"Change {number}".encode())


@given("a sample repository with commits at {times}")
def commits_at(_context: Context, times: str) -> None:
    repository = SampleRepository(SAMPLE)
    repository.write("a.py", "a = 1\n")
    repository.git("add", "--all")
    for number, time in enumerate(times.split()):
        parents = [f"parent {repository.git('rev-parse', 'HEAD')}".encode()] if number else []
        people = [f"{role} Ada <ada@example.org> {time} +0000".encode() for role in ("author", "committer")]
        raw_commit(repository, [*parents, *people])


@given("a sample repository with the files and their sizes")
def files_of_sizes(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    for row in context.table:
        size = int(row["bytes"])
        repository.write(row["name"], "\0" * size if row["name"].endswith(".png") else ("line\n" * size)[:size])
    (SAMPLE / "link.py").symlink_to("tool.py")
    repository.git("add", "--all")
    repository.add_submodule("module.py")
    repository.commit("Add all")


@given("a sample repository with {count:d} changes made at random")
def random_changes(_context: Context, count: int) -> None:
    big_history(SAMPLE, count)


@given("a graft that cuts its history off")
def graft(_context: Context) -> None:
    head = SampleRepository(SAMPLE).git("rev-parse", "HEAD~1")
    (SAMPLE / ".git" / "info").mkdir(exist_ok=True)
    (SAMPLE / ".git" / "info" / "grafts").write_text(f"{head}\n", encoding="ascii")


@given("a replacement object that cuts its history off")
def replacement(_context: Context) -> None:
    SampleRepository(SAMPLE).git("replace", "--graft", "HEAD~1")


@given("a sample repository that names programs for every occasion")
def names_programs(context: Context) -> None:
    _, analyzed(context).witness = hostile_repository(SAMPLE)
    write_tiny_config()


@given("the settings")
def settings_of_table(context: Context) -> None:
    import yaml

    analyzed(context).settings = {row["key"]: yaml.safe_load(row["value"]) for row in context.table}


# --- acts ---


@when("it is analyzed")
def it_is_analyzed(context: Context) -> None:
    found = analyzed(context)
    config = load_pipeline(write_tiny_config(found.settings))
    repository = GitRepository.open(found.source, str(found.source))
    folder = Path("pipelines/sample")
    pipeline = Pipeline(config, folder, repository, found.reports.append, Path(), {})
    found.results = dict(AnalyzePhase().run(pipeline).results)
    written = json.loads((folder / "analysis/analysis.json").read_text(encoding="utf-8"))
    assert written == found.results, f"analysis.json says {written}, the phase {found.results}"


# --- figures ---


@then("the analysis says")
def analysis_says(context: Context) -> None:
    expected = {row["figure"]: json.loads(row["value"]) for row in context.table}
    found = {figure: analyzed(context).results[figure] for figure in expected}
    assert found == expected, f"expected {expected}, found {found}"


@then("the languages are in that order")
def languages_in_order(context: Context) -> None:
    sizes = list(analyzed(context).results["languages"].values())
    assert sizes == sorted(sizes, reverse=True), analyzed(context).results["languages"]


@then("the analysis counts {count:d} authors")
def counts_authors(context: Context, count: int) -> None:
    found = context.world.of(Pipelines).manifest.statistics["authors"]
    assert found == count, f"expected {count} authors, found {found}"


@then("nothing in the pipeline's folder holds")
def nothing_holds(context: Context) -> None:
    files = [path for path in context.world.of(Pipelines).folder.rglob("*") if path.is_file()]
    assert files, "the folder is empty"
    texts = [with_token(row["text"]).encode() for row in context.table]
    held = [(path, text) for path in files for text in texts if text in path.read_bytes()]
    assert not held, f"found: {held}"


@then(
    "the text is {size:d} bytes of files and the patches of {count:d} commit, a token for {a_token:g} bytes, "
    "half of them trained on"
)
def text_is(context: Context, size: int, count: int, a_token: float) -> None:
    results = analyzed(context).results
    estimates = results["estimates"]
    patch = len(real_patches())
    tokens = int((size + patch) / a_token)
    expected = {
        "patch_bytes": patch,
        "text_bytes": size + patch,
        "tokens": tokens,
        "training_tokens": tokens // 2,
        "sequences": math.ceil((tokens // 2 - 32) / 28) + 1,
    }
    assert results["commits"] == count and expected.items() <= estimates.items(), (expected, estimates)


def real_patches() -> bytes:
    """The patches of all commits as git itself shows them, larger files by their names alone."""
    settings = ("-c", "core.bigFileThreshold=60000")
    shown = SampleRepository(SAMPLE).git(*settings, "log", "--format=", "--patch")
    return f"{shown}\n".encode() if shown else b""


@then("the estimated length follows from the formulas")
def length_follows(context: Context) -> None:
    results = analyzed(context).results
    tokens, sequences = results["estimates"]["training_tokens"], results["estimates"]["sequences"]
    epochs = parameters.epochs_for(50_000, tokens, 1, 10)
    steps = parameters.total_steps(epochs, sequences, 4, 1)
    expected = {"tokens_per_epoch": tokens, "epochs": epochs, "total_steps": steps}
    assert 1 < epochs < 10 and expected.items() <= results["parameters"].items(), (expected, results["parameters"])


@then("the estimated patches are within {percent:d} percent of the real ones")
def patches_near(context: Context, percent: int) -> None:
    shown = SampleRepository(SAMPLE).git("log", "--all", "--format=%x00", "--patch", "--no-merges")
    real = sum(len(patch.lstrip("\n")) for patch in f"{shown}\n".split("\0"))
    found = analyzed(context).results["estimates"]["patch_bytes"]
    assert abs(found - real) <= real * percent / 100, f"estimated {found}, real {real}"


@then("none of its programs was run")
def no_program_ran(context: Context) -> None:
    witness = analyzed(context).witness
    assert witness != Path() and not witness.exists(), witness.read_text()


@then('the analysis notes "{line}"')
def analysis_notes(context: Context, line: str) -> None:
    assert line in analyzed(context).reports, analyzed(context).reports
