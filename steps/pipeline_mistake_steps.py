"""Steps on pipelines that meet something they cannot use."""

from __future__ import annotations

import fnmatch
import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.files import sha256_of
from foundry.pipeline.manifest import MANIFEST_FILE, PipelineManifest, read_manifest
from foundry.testing.faults import flip_byte
from foundry.testing.indexing import held_by_another_process
from foundry.testing.limits import NotPermitted, SmallFilesystem, small_filesystem
from foundry.testing.pipelines import PIPELINE_FOLDER, Pipelines, write_tiny_config
from foundry.testing.processes import Finished
from foundry.testing.repositories import SampleRepository, python_project
from foundry.testing.runs import contents_of
from foundry.testing.warm_commands import run_warm

SAMPLE, OTHER = Path("sample"), Path("origin")
MANIFEST = PIPELINE_FOLDER / MANIFEST_FILE


@dataclass
class Mistakes:
    """A disk of the scenario's own, and what stood in the pipeline's folder before the last launch."""

    disk: SmallFilesystem | None = None
    filler: Path | None = None
    before: dict[str, tuple[str, int]] = field(default_factory=dict)


def pipelines(context: Context) -> Pipelines:
    return context.world.of(Pipelines)


def mistakes(context: Context) -> Mistakes:
    return context.world.of(Mistakes)


# --- repositories ---


def bare(_: Pipelines) -> None:
    python_project(OTHER, 6)
    SampleRepository(OTHER).git("clone", "--quiet", "--bare", str(OTHER.resolve()), str(SAMPLE.resolve()))


def detached(_: Pipelines) -> None:
    python_project(SAMPLE, 6)
    SampleRepository(SAMPLE).git("checkout", "--quiet", "--detach", "HEAD~2")


def linked(_: Pipelines) -> None:
    python_project(OTHER, 6)
    SampleRepository(OTHER).git("worktree", "add", "--quiet", "-b", "other", str(SAMPLE.resolve()), "HEAD~1")


def inner_folder(found: Pipelines) -> None:
    python_project(SAMPLE, 6)
    (SAMPLE / "inner").mkdir()
    found.source = "sample/inner"


def without_head(_: Pipelines) -> None:
    python_project(SAMPLE, 2)
    (SAMPLE / ".git" / "HEAD").write_text("nonsense", encoding="utf-8")


def named(source: str) -> Callable[[Pipelines], None]:
    def name(found: Pipelines) -> None:
        found.source = source

    return name


REPOSITORIES: dict[str, Callable[[Pipelines], object]] = {
    "nothing": named("sample"),
    "a file": lambda _: SAMPLE.write_text("text", encoding="utf-8"),
    "a folder without git": lambda _: SAMPLE.mkdir(),
    "a repository without commits": lambda _: SampleRepository(SAMPLE),
    "a repository without its HEAD": without_head,
    "a URL with nothing behind it": named("file:///nowhere/sample"),
    "a URL of no server": named("http://127.0.0.1:1/sample.git"),
    "a URL that runs a program": named("ext::touch canary"),
    "a bare repository": bare,
    "a repository with a detached head": detached,
    "a linked working tree": linked,
    "a folder within a repository": inner_folder,
}


@given("{repository} as the repository of a pipeline")
def _(context: Context, repository: str) -> None:
    write_tiny_config()
    REPOSITORIES[repository](pipelines(context))


@given("a new commit in which {damage}")
def _(_context: Context, damage: str) -> None:
    repository = SampleRepository(SAMPLE)
    repository.commit("Change", {"new.py": "value = 12345\n" * 20})
    name = "HEAD^{tree}" if "tree" in damage else "HEAD:new.py"
    object_id = repository.git("rev-parse", name)
    path = SAMPLE / ".git" / "objects" / object_id[:2] / object_id[2:]
    path.chmod(0o644)
    if "missing" in damage:
        path.unlink()
    else:
        path.write_bytes(b"damaged" + path.read_bytes()[7:])


# --- disks and files ---


@given("a tiny pipeline on a repository of {count:d} commits, on a disk of {size:d} MB")
def _(context: Context, count: int, size: int) -> None:
    if os.geteuid() != 0:
        context.scenario.skip("only root can mount a disk that other processes see")
        return
    python_project(SAMPLE, count)
    write_tiny_config()
    try:
        disk = small_filesystem(Path("pipelines"), size * 1_000_000)
        mistakes(context).disk = context.world.ending.enter_context(disk)
    except NotPermitted as reason:
        context.scenario.skip(str(reason))


@given("the disk is full but for {size:d} KB")
def _(context: Context, size: int) -> None:
    found = mistakes(context)
    assert found.disk is not None
    found.filler = found.disk.fill(leave=size * 1000)


@given("the disk has room again")
def _(context: Context) -> None:
    filler = mistakes(context).filler
    assert filler is not None
    filler.unlink()


@given("the disk is read-only")
def _(context: Context) -> None:
    disk = mistakes(context).disk
    assert disk is not None
    disk.read_only()


@given("a file named {name}")
def _(_context: Context, name: str) -> None:
    Path(name).write_text("text", encoding="utf-8")


@given("its configuration names prompts with a mistake in them")
def _(_context: Context) -> None:
    Path("mine.yaml").write_text("language: python\nprompts:\n  - {name: sum, text: 'def total(', expect: ['(']}\n")
    write_tiny_config({"evaluate.prompts": ["mine.yaml"]})


@given("its configuration asks for an index")
def _(_context: Context) -> None:
    write_tiny_config({"embed.enabled": True})


@given("another process has its index open")
def _(context: Context) -> None:
    context.world.ending.enter_context(held_by_another_process(PIPELINE_FOLDER / "index" / "qdrant"))


def changed_digit() -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    place = text.index('"seconds"') + len('"seconds": ')
    MANIFEST.write_text(f"{text[:place]}9{text[place + 1 :]}", encoding="utf-8")


def newer_version() -> None:
    content = json.loads(MANIFEST.read_text(encoding="utf-8"))
    MANIFEST.write_text(json.dumps({**content, "schema_version": 2}), encoding="utf-8")


DAMAGES: dict[str, Callable[[], object]] = {
    "is of version 2": newer_version,
    "is cut in the middle": lambda: MANIFEST.write_bytes(MANIFEST.read_bytes()[:500]),
    "is empty": lambda: MANIFEST.write_bytes(b""),
    "is a list": lambda: MANIFEST.write_bytes(b"[1, 2]"),
    "has a changed digit": changed_digit,
    "is no text": lambda: flip_byte(MANIFEST, 200),
}


@given("its manifest {damage}")
def _(_context: Context, damage: str) -> None:
    DAMAGES[damage]()


# --- acts and outcomes ---


@when('the pipeline is launched again, with "{options}"')
def _(context: Context, options: str) -> None:
    found = pipelines(context)
    mistakes(context).before = contents_of(Path("pipelines"))
    found.finished = run_warm(found.arguments(*shlex.split(options)))


@then('one line on standard error says "{message}", and the exit code is {code:d}')
def _(context: Context, message: str, code: int) -> None:
    finished = pipelines(context).finished
    lines = finished.stderr.splitlines()
    assert finished.exit_code == code and len(lines) == 1, shown(finished)
    assert fnmatch.fnmatchcase(lines[0], message.replace("[", "[[]")), f"expected {message!r}, said {lines[0]!r}"


def shown(finished: Finished) -> str:
    return f"exit code {finished.exit_code}\n{finished.stdout}\n{finished.stderr}"


@then("the manifest says that nothing could be begun, for the same reason")
def _(context: Context) -> None:
    found = pipelines(context)
    manifest = found.manifest
    said = found.finished.stderr.rstrip("\n")
    assert (manifest.status, manifest.problem) == ("failed", said), (manifest.status, manifest.problem, said)
    assert manifest.phases == {}, manifest.phases
    assert not Path("canary").exists(), "a program was run"


@then("the manifest says the same, and that nothing else has changed")
def _(context: Context) -> None:
    found = pipelines(context)
    manifest, said = found.manifest, found.finished.stderr.rstrip("\n")
    assert (manifest.status, manifest.problem) == ("failed", said), (manifest.status, manifest.problem, said)
    assert manifest.phases == before_of(found).phases, manifest.phases


@then("{count:d} commits were scraped")
def _(context: Context, count: int) -> None:
    lines = (pipelines(context).folder / "history" / "commits.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == count, [json.loads(line)["subject"] for line in lines]


@then("the manifest says of the repository that it is {facts}")
def _(context: Context, facts: str) -> None:
    repository = pipelines(context).manifest.repository
    assert repository is not None
    is_bare, branch = "bare" in facts, None if facts == "at no branch" else facts.rpartition("at ")[2]
    assert (repository.is_bare, repository.branch) == (is_bare, branch), repository


@then('a phase has failed in one line that has "{words}"')
def _(context: Context, words: str) -> None:
    found = pipelines(context)
    reasons = [record.reason or "" for record in found.manifest.phases.values() if record.status == "failed"]
    assert found.manifest.status == "failed" and len(reasons) == 1, found.manifest.phases
    assert words in reasons[0] and "\n" not in reasons[0], reasons
    assert sum(reasons[0] in line for line in found.finished.stdout.splitlines()) >= 1, shown(found.finished)
    assert any(words in line for line in found.finished.stderr.splitlines()), shown(found.finished)
    assert "Traceback" not in shown(found.finished), shown(found.finished)


@then("all that the pipeline had done before is there")
def _(context: Context) -> None:
    expect_outputs_kept(pipelines(context))


@then("all that the pipeline had done before is there, and vouched for")
def _(context: Context) -> None:
    found = pipelines(context)
    expect_outputs_kept(found)
    done = {name: record for name, record in before_of(found).phases.items() if record.is_done}
    kept = {name: read_manifest(found.folder).phases[name] for name in done}
    assert kept == done, f"{kept}\nbefore: {done}"


def before_of(found: Pipelines) -> PipelineManifest:
    assert found.manifest_before is not None, "the pipeline was not launched before"
    return found.manifest_before


def expect_outputs_kept(found: Pipelines) -> None:
    records = before_of(found).phases.values()
    outputs = {name: entry.sha256 for record in records for name, entry in record.outputs.items()}
    paths = {name: found.folder / name for name in outputs}
    kept = {name: sha256_of(path) if path.is_file() else "missing" for name, path in paths.items()}
    assert outputs and kept == outputs, f"{kept}\nbefore: {outputs}"


@then("no file below pipelines has changed")
def _(context: Context) -> None:
    before, after = mistakes(context).before, contents_of(Path("pipelines"))
    assert before == after, f"{after}\nbefore: {before}"
