"""Steps about the manifest of a pipeline, and about its page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.manifests import SEAL, seal_of
from foundry.pipeline.manifest import manifest_json_schema
from foundry.testing.faults import flip_byte
from foundry.testing.pipelines import PIPELINE_FOLDER, Pipelines, write_tiny_config
from foundry.testing.processes import Finished
from foundry.testing.repositories import SampleRepository, python_project
from foundry.testing.warm_commands import run_warm

MANIFEST = PIPELINE_FOLDER / "manifest.json"
OUTPUT = PIPELINE_FOLDER / "history/files.jsonl"
REPORT = "report.html"


def pipelines(context: Context) -> Pipelines:
    return context.world.of(Pipelines)


# --- damage ---


def change_manifest(change: Callable[[dict[str, Any]], None], sealed: bool = True) -> None:
    """Change the manifest's content; its seal follows, as if foundry had written it so, unless `sealed` is false."""
    content = json.loads(MANIFEST.read_text(encoding="utf-8"))
    before = content.pop(SEAL)
    change(content)
    MANIFEST.write_text(json.dumps({**content, SEAL: seal_of(content) if sealed else before}), encoding="utf-8")


def link_in_place() -> None:
    OUTPUT.rename("elsewhere.jsonl")
    OUTPUT.symlink_to(Path("elsewhere.jsonl").resolve())


def other_order(content: dict[str, Any]) -> None:
    content["phases"] = dict(sorted(content["phases"].items(), reverse=True))


def output_outside(content: dict[str, Any]) -> None:
    outputs = content["phases"]["scrape"]["outputs"]
    outputs["../outside"] = next(iter(outputs.values()))


DAMAGES: dict[str, Callable[[], object]] = {
    "a flipped byte in an output": lambda: flip_byte(OUTPUT, 100),
    "a missing output": lambda: (PIPELINE_FOLDER / "sequences/train.bin").unlink(),
    "a link in place of an output": link_in_place,
    "a changed number": lambda: change_manifest(lambda content: content["statistics"].update(commits=7), sealed=False),
    "a cut end": lambda: MANIFEST.write_text("", encoding="utf-8"),
    "settings of another phase": lambda: change_manifest(
        lambda content: content["phases"]["scrape"].update(settings=content["phases"]["tokenize"]["settings"])
    ),
    "an earlier phase that failed": lambda: change_manifest(
        lambda content: (content.update(status="failed"), content["phases"]["scrape"].update(status="failed"))
    ),
    "a status that its phases contradict": lambda: change_manifest(lambda content: content.update(status="complete")),
    "an output outside the folder": lambda: change_manifest(output_outside),
    "an unknown key": lambda: change_manifest(lambda content: content["phases"]["scrape"].update(surprise=1)),
    "phases in another order": lambda: change_manifest(other_order),
    "a later version": lambda: change_manifest(lambda content: content.update(schema_version=2)),
    "no manifest": MANIFEST.unlink,
}


@given("its folder is damaged: {damage}")
def folder_damaged(_context: Context, damage: str) -> None:
    DAMAGES[damage]()


@when("it is verified")
def it_is_verified(context: Context) -> None:
    pipelines(context).finished = run_warm(["manifest", "verify", str(PIPELINE_FOLDER)])


@then('verifying exits with {code:d} and ends with "{message}"')
def verifying_exits(context: Context, code: int, message: str) -> None:
    finished = pipelines(context).finished
    said = (finished.stdout + finished.stderr).rstrip("\n").splitlines()
    assert (finished.exit_code, said[-1]) == (code, message), shown(finished)


def shown(finished: Finished) -> str:
    return f"exit code {finished.exit_code}\n{finished.stdout}\n{finished.stderr}"


@then("the manifest follows the JSON Schema that foundry prints")
def follows_schema(_context: Context) -> None:
    import jsonschema

    printed = json.loads(run_warm(["schema", "--manifest"]).stdout)
    assert printed == manifest_json_schema(), printed
    jsonschema.Draft202012Validator(printed).validate(json.loads(MANIFEST.read_text(encoding="utf-8")))


@then("a warning says that the manifest is set aside as {name}")
def set_aside(context: Context, name: str) -> None:
    warned = pipelines(context).finished.stderr
    assert f"it is set aside as {name}" in warned and (PIPELINE_FOLDER / name).is_file(), warned


# --- sources that cannot be read ---


@given("a pipeline of a folder without git")
def plain_folder(_context: Context) -> None:
    Path("sample").mkdir()
    write_tiny_config()


@given("a pipeline of nothing")
def nothing(_context: Context) -> None:
    write_tiny_config()


@given("a pipeline of an empty repository")
def empty_repository(_context: Context) -> None:
    SampleRepository(Path("sample"))
    write_tiny_config()


@given("a pipeline of a URL without a server")
def url_without_server(context: Context) -> None:
    pipelines(context).source = "http://127.0.0.1:9/sample.git"
    write_tiny_config()


@given('a pipeline of a URL without a server, with the password "{password}"')
def url_with_password(context: Context, password: str) -> None:
    pipelines(context).source = f"http://user:{password}@127.0.0.1:9/sample.git"
    write_tiny_config()


@given("a pipeline of a repository that lost a file's content")
def lost_content(_context: Context) -> None:
    repository = python_project(Path("sample"), 3)
    blob = repository.git("rev-parse", "HEAD:shapes/part_0.py")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    write_tiny_config()


@given('a pipeline of a repository in the folder "{name}"')
def repository_in(context: Context, name: str) -> None:
    folder = Path(name)
    python_project(folder, 2)
    pipelines(context).source = name
    write_tiny_config()


@given("its repository is gone")
def repository_gone(_context: Context) -> None:
    shutil.rmtree("sample")


@then("the launch ends with exit code {code:d} and one line: {message}")
def ends_with_line(context: Context, code: int, message: str) -> None:
    finished = pipelines(context).finished
    lines = finished.stderr.splitlines()
    assert finished.exit_code == code and len(lines) == 1 and lines[0].startswith(message), shown(finished)


@then("the manifest says failed, with that line")
def manifest_with_line(context: Context) -> None:
    manifest = pipelines(context).manifest
    line = pipelines(context).finished.stderr.rstrip("\n")
    assert (manifest.status, manifest.problem) == ("failed", line), (manifest.status, manifest.problem, line)


@then("its phases are complete as before")
def phases_as_before(context: Context) -> None:
    before, after = pipelines(context).manifest_before, pipelines(context).manifest
    assert before is not None and before.phases == after.phases, after.phases
    assert after.phases["tokenize"].status == "complete", after.phases["tokenize"]


@then('a phase has failed in one line with "{text}"')
def phase_failed(context: Context, text: str) -> None:
    failed = [record for record in pipelines(context).manifest.phases.values() if record.status == "failed"]
    assert len(failed) == 1, failed
    reason = failed[0].reason or ""
    assert text in reason and "\n" not in reason, reason


@then('neither the manifest nor what was printed holds "{text}"')
def holds_not(context: Context, text: str) -> None:
    finished = pipelines(context).finished
    held = [
        name
        for name, content in (("manifest", MANIFEST.read_text(encoding="utf-8")), ("print", shown(finished)))
        if text in content
    ]
    assert not held, held


# --- the page ---


@then("the page of the pipeline shows")
def page_shows(context: Context) -> None:
    page = (pipelines(context).folder / REPORT).read_text(encoding="utf-8")
    visible = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    missing = [row["text"] for row in context.table if row["text"] not in re.sub(r"<[^>]*>", "", visible)]
    assert not missing, f"{missing} not in the page"


@then("the page loads nothing from outside")
def page_loads_nothing(context: Context) -> None:
    page = (pipelines(context).folder / REPORT).read_text(encoding="utf-8")
    loads = re.findall(r"<(?:script|link|img|iframe)[^>]*>|@import|url\([^)#]*\)", page)
    assert not loads, loads


@then("the page of the pipeline holds no script")
def page_without_script(context: Context) -> None:
    page = (pipelines(context).folder / REPORT).read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page and "<script" not in page, "the name is not shown as text"
