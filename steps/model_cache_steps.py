"""Steps about the cache of models: what is in it, whether it is whole, and what of it goes."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.artifacts.cache import VERSIONS_SUFFIX
from foundry.artifacts.download import Fetching as FetchingRules
from foundry.data.clones import up_to_date_clone
from foundry.generation import Generator, SamplingRule
from foundry.testing.faults import flip_byte
from foundry.testing.fetching import ARTIFACT, PROMPT, Fetching
from foundry.testing.limits import permissions_bind
from foundry.testing.registry import Registry
from foundry.testing.repositories import SampleRepository
from foundry.testing.warm_commands import running

SECONDS_A_DAY = 86_400
STEP = 2


@dataclass
class CacheState:
    """What the steps about the cache share.

    Attributes:
        bytes_before: of each model, by its digest, before it was pruned.
        left_between: the versions that the first of two commands has left.
        texts: what was written from the cache, and from the local folder.
    """

    bytes_before: dict[str, int] = field(default_factory=dict)
    left_between: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def state_of(context: Context) -> Fetching:
    found: Fetching = context.world.of(Fetching)
    found.registry = context.world.of(Registry)
    return found


def digest_of(fetching: Fetching, version: str) -> str:
    """The digest of the model that was fetched as that version."""
    known = {digest: fetching.cache.versions(digest).values() for digest in fetching.cache.digests()}
    [found] = [digest for digest, versions in known.items() if fetching.reference(f"{ARTIFACT}:{version}") in versions]
    return found


def folder_of(fetching: Fetching, version: str = "v0") -> Path:
    """The folder of the model that was fetched as that version."""
    return fetching.cache.folder(digest_of(fetching, version))


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def listed(fetching: Fetching) -> dict[str, Any]:
    """What the cache holds, as the command says it."""
    ended = fetching.run("cache", "list", "--json")
    assert ended.exit_code == 0, ended
    contents: dict[str, Any] = json.loads(ended.stdout)
    return contents


def versions_left(fetching: Fetching) -> list[str]:
    """The versions in the cache, by their numbers."""
    return sorted(name.rpartition(":")[2] for model in listed(fetching)["models"] for name in model["versions"])


# --- what was done to it ---


@given("a repository was cloned into the cache")
def repository_cloned(context: Context) -> None:
    repository = SampleRepository(Path("sample"))
    repository.commit("one", {"a.py": "x = 1\n"})
    up_to_date_clone(repository.url, "HEAD", None)


@given("a byte of {file} in the cache has flipped")
def byte_flipped(context: Context, file: str) -> None:
    flip_byte(folder_of(state_of(context)) / file, -100)


@given("a byte of model.safetensors of the first version has flipped in the cache")
def byte_of_first_flipped(context: Context) -> None:
    flip_byte(folder_of(state_of(context), "v0") / "model.safetensors", -100)


@given("the files of the first stand in the place of the second in the cache")
def files_exchanged(context: Context) -> None:
    fetching = state_of(context)
    first, second = folder_of(fetching, "v0"), folder_of(fetching, "v1")
    shutil.rmtree(second)
    shutil.copytree(first, second)


@given("every record in the cache holds junk")
def records_of_junk(context: Context) -> None:
    root = state_of(context).cache.root
    records = [*root.glob("references/*.json"), *root.glob(f"*{VERSIONS_SUFFIX}")]
    assert len(records) == 2, records
    for path in records:
        path.write_text('{"reference": ["', encoding="utf-8")


@given("it was last used {days:d} days ago")
def last_used(context: Context, days: int) -> None:
    [lock] = [path for path in state_of(context).cache.root.glob("locks/*.lock") if len(path.stem) == 64]
    set_back(lock, days)


@given("a text was generated from it since")
def used_since(context: Context) -> None:
    fetching = state_of(context)
    fetching.text_of(fetching.generate(None, "--offline"))


@given("the clone was last used {days:d} day ago")
def clone_last_used(context: Context, days: int) -> None:
    [clone] = clones_of(state_of(context))
    set_back(clone, days)


def set_back(path: Path, days: int) -> None:
    then = time.time() - days * SECONDS_A_DAY
    os.utime(path, (then, then))


def clones_of(fetching: Fetching) -> list[Path]:
    return sorted((fetching.cache.root.parent / "repositories").glob("*.git"))


@given("another process is using it")
def in_use(context: Context) -> None:
    """This process is another one than that which prunes."""
    fetching = state_of(context)
    context.world.ending.enter_context(fetching.cache.in_use(digest_of(fetching, "v0")))


# --- the commands ---


@when("the cache is listed as text and as JSON")
def cache_listed(context: Context) -> None:
    fetching = state_of(context)
    fetching.run("cache", "list")
    fetching.run("cache", "list", "--json")


@when("the commands cache list, cache verify and cache prune are run")
def all_commands(context: Context) -> None:
    fetching = state_of(context)
    for verb in ("list", "verify", "prune"):
        fetching.run("cache", verb)


@when("the cache is verified, verified with --remove, and verified again")
def cache_verified(context: Context) -> None:
    fetching = state_of(context)
    fetching.ended.clear()
    for options in ((), ("--remove",), ()):
        fetching.run("cache", "verify", *options)


@when("the cache is pruned")
def cache_pruned(context: Context) -> None:
    prune(context)


@when('the cache is pruned twice, with "{first}" and "{second}"')
def cache_pruned_twice(context: Context, first: str, second: str) -> None:
    prune(context, *first.split())
    context.world.of(CacheState).left_between = versions_left(state_of(context))
    prune(context, *second.split())


@when('the cache is pruned with "{options}"')
def cache_pruned_with(context: Context, options: str) -> None:
    prune(context, *options.split())


def prune(context: Context, *options: str) -> None:
    fetching, state = state_of(context), context.world.of(CacheState)
    for digest in fetching.cache.digests():
        folder = fetching.cache.folder(digest)
        state.bytes_before[digest] = sum(path.stat().st_size for path in files_of(folder))
    ended = fetching.run("cache", "prune", *options)
    assert ended.exit_code == 0, ended


@when("the cache is pruned with --all in the middle of a download")
def pruned_in_download(context: Context) -> None:
    fetching = state_of(context)
    with ExitStack() as held:
        command = held.enter_context(running(fetching.command()))
        fetching.wait_for_download()
        prune(context, "--all")
        assert command.process.is_alive(), "the download was over before the cache was pruned"
        fetching.ended.append(command.ended())


@when("a generator is loaded from the registry offline, where the cache cannot be written to")
def loaded_where_not_writable(context: Context) -> None:
    fetching = state_of(context)
    root = fetching.cache.root
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for path in [*files_of(root), *folders]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        with permissions_bind():
            found = Generator.load(fetching.reference(), "cpu", FetchingRules(offline=True))
    finally:
        for path in folders:
            path.chmod(0o755)
    local = Generator.load("local-7", "cpu")
    context.world.of(CacheState).texts = [text_of(found), text_of(local)]


def text_of(generator: Generator) -> str:
    [generated] = generator.generate([PROMPT], 12, SamplingRule(temperature=1))
    return generated.text


# --- what came of it ---


@then("both name the two versions with step 2, and the clone")
def both_name(context: Context) -> None:
    fetching = state_of(context)
    text, contents = fetching.ended[-2].stdout, json.loads(fetching.last.stdout)
    [clone] = clones_of(fetching)
    for version in ("v0", "v1"):
        name = fetching.reference(f"{ARTIFACT}:{version}")
        assert f"{name}  step {STEP}" in text, text
        [model] = [model for model in contents["models"] if name in model["versions"]]
        assert model["step"] == STEP and model["digest"] == digest_of(fetching, version), model
    assert clone.name in text and [item["name"] for item in contents["repositories"]] == [clone.name], text
    [meant] = [model["references"] for model in contents["models"] if model["references"]]
    assert meant == [fetching.reference()], meant


@then("the sizes are those of the files, and add up")
def sizes_add_up(context: Context) -> None:
    fetching = state_of(context)
    contents = json.loads(fetching.last.stdout)
    for model in contents["models"]:
        expected = sum(path.stat().st_size for path in files_of(fetching.cache.folder(model["digest"])))
        assert model["bytes"] == expected, f"{model}: {expected}"
    together = sum(item["bytes"] for item in contents["models"] + contents["repositories"])
    assert contents["bytes"] == together, contents


@then("each of them ends with exit code 0")
def each_ends_well(context: Context) -> None:
    ended = state_of(context).ended
    assert [command.exit_code for command in ended] == [0] * 3, ended


@then("one line says that it is damaged in the cache and fetched again")
def damaged_and_again(context: Context) -> None:
    fetching = state_of(context)
    lines = [line for line in fetching.last.stderr.splitlines() if "is damaged in the cache" in line]
    assert len(lines) == 1 and lines[0].endswith("; it is fetched again"), fetching.last.stderr
    assert lines[0].startswith(f"{fetching.reference()}: "), lines[0]


@then("the exit codes are 1, 1 and 0")
def exit_codes(context: Context) -> None:
    ended = state_of(context).ended
    assert [command.exit_code for command in ended[:3]] == [1, 1, 0], ended


@then("the first version is named as damaged, the second as whole")
def named_as_damaged(context: Context) -> None:
    fetching = state_of(context)
    lines = sorted(fetching.ended[0].stdout.splitlines())
    expected = [
        f"{fetching.reference(f'{ARTIFACT}:v0')}: damaged: model.safetensors does not have the SHA-256 that "
        "manifest.json lists",
        f"{fetching.reference(f'{ARTIFACT}:v1')}: whole",
    ]
    assert lines == expected, lines


@then("the second version alone is left")
def second_left(context: Context) -> None:
    left = versions_left(state_of(context))
    assert left == ["v1"], left


@then("the cache still lists the version v0")
def still_lists(context: Context) -> None:
    left = versions_left(state_of(context))
    assert left == ["v0"], left


@then("the bytes that are said to be free are those of the first")
def bytes_freed(context: Context) -> None:
    fetching, before = state_of(context), context.world.of(CacheState).bytes_before
    left = {model["digest"] for model in listed(fetching)["models"]}
    [freed] = [size for digest, size in before.items() if digest not in left]
    [pruned] = [ended for ended in fetching.ended if "freed " in ended.stdout]
    assert f"freed {freed / 1000:.1f} kB" in pruned.stdout, f"{pruned.stdout}, not {freed} bytes"


@then("the first leaves the model, and the second removes it")
def first_leaves(context: Context) -> None:
    between = context.world.of(CacheState).left_between
    assert between == ["v0"], between
    left = versions_left(state_of(context))
    assert left == [], left


@then("nothing is in the cache, and no clone")
def nothing_left(context: Context) -> None:
    fetching = state_of(context)
    assert fetching.files_in_cache == [], fetching.files_in_cache
    assert clones_of(fetching) == [], clones_of(fetching)


@then("the model is there, and a line says that it is being used")
def model_stays(context: Context) -> None:
    fetching = state_of(context)
    assert f"kept {fetching.reference(f'{ARTIFACT}:v0')}: it is being used" in fetching.last.stderr, fetching.last
    assert versions_left(fetching) == ["v0"]


@then("it writes what the local folder writes")
def writes_as_local(context: Context) -> None:
    found, local = context.world.of(CacheState).texts
    assert found == local, f"{found!r}, not {local!r}"


@then("the download ends with the text of the local folder")
def download_ends(context: Context) -> None:
    fetching = state_of(context)
    found = fetching.text_of(fetching.last)
    assert found == fetching.texts["v0"], f"{found!r}, not {fetching.texts['v0']!r}"
