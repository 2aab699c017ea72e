"""Steps on repositories that change between two scrapes, or break, and on scrapes that are killed."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.testing.branched_histories import branched_repository
from foundry.testing.faults import cut_file, flip_byte
from foundry.testing.kill_points import run_and_kill
from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import ObjectWriter
from foundry.testing.scraping import (
    FILES,
    PIPELINE,
    Earlier,
    Killed,
    Scraping,
    instants_of_scraping,
    scrape_sample,
)

SAMPLE = Path("sample")
GRACE = b"Grace <grace@example.org>"


def scraping(context: Context) -> Scraping:
    found: Scraping = context.world.of(Scraping)
    return found


def earlier(context: Context) -> Earlier:
    found: Earlier = context.world.of(Earlier)
    return found


def writer() -> ObjectWriter:
    return ObjectWriter(SAMPLE / ".git")


# --- what happens to them ---


def add_commit(context: Context) -> str:
    parent = scraping(context).git.git("rev-parse", "main")
    commit_id = writer().commit({b"a.py": b"new = 1\n", b"new/c.py": b"c = 1\n"}, [parent], b"New\n", hour(20))
    writer().branch("main", commit_id)
    return commit_id


def merge_unmerged(context: Context) -> None:
    ids = scraping(context).commits
    files = {b"a.py": b"a = 3\n", b"lib/b.py": b"b = 2\n", b"m.py": b"m = 2\n", b"u.py": b"u = 1\n"}
    writer().branch("main", writer().commit(files, [ids["Newest"], ids["Open"]], b"Merge it\n", hour(20)))


def old_branch(context: Context) -> None:
    first = writer().commit({b"old.py": b"old = 1\n"}, [], b"Old\n", hour(-20))
    writer().branch("old", writer().commit({b"old.py": b"old = 2\n"}, [first], b"Old again\n", hour(-19)))


def write_newest_anew(context: Context) -> None:
    files = {b"a.py": b"anew = 1\n"}
    parent = scraping(context).commits["Merge"]
    writer().branch("main", writer().commit(files, [parent], b"Newest, written anew\n", hour(8)))


def set_attributes(context: Context) -> None:
    repository = scraping(context).git
    settings = {
        "diff.noprefix": "true",
        "diff.algorithm": "patience",
        "diff.context": "0",
        "diff.renames": "false",
        "diff.suppressBlankEmpty": "true",
        "diff.python.xfuncname": "^b",
        "core.quotePath": "true",
        "core.bigFileThreshold": "1",
        "core.abbrev": "4",
        "i18n.logOutputEncoding": "UTF-16",
        "log.showSignature": "true",
    }
    for key, value in settings.items():
        repository.git("config", key, value)
    (SAMPLE / ".git/info").mkdir(exist_ok=True)
    (SAMPLE / ".git/info/attributes").write_text("a.py -diff\n*.py diff=python\n")
    shutil.rmtree(PIPELINE)


def loose(object_id: str) -> Path:
    return writer().path_of(object_id)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-6] + b"\0\0\0\0\0\0")


def new_blob(context: Context) -> Path:
    add_commit(context)
    return loose(scraping(context).git.git("rev-parse", "main:new/c.py"))


EVENTS: dict[str, Callable[[Context], Any]] = {
    "nothing": lambda _: None,
    "a new commit": add_commit,
    "a merge of the unmerged branch": merge_unmerged,
    "a branch of commits with old dates": old_branch,
    "a new tag on the oldest commit": lambda context: scraping(context).git.git(
        "tag", "v0", scraping(context).commits["First"]
    ),
    "a removed branch": lambda context: scraping(context).git.git("branch", "--quiet", "-D", "unmerged"),
    "a removed branch and its tag": lambda context: (
        scraping(context).git.git("branch", "--quiet", "-D", "unmerged"),
        scraping(context).git.git("tag", "--delete", "side/one"),
    ),
    "a newest commit that is written anew": write_newest_anew,
    "a change of every author's name": lambda _: branched_repository(SAMPLE, GRACE),
    "a longer limit of max_patch_lines": lambda context: scraping(context).settings.update(
        {"scrape.max_patch_lines": 30_000}
    ),
    "a flipped byte in the scraped commits": lambda context: flip_byte(scraping(context).history / FILES[0], -40),
    "a summary that is cut short": lambda context: cut_file(scraping(context).history / FILES[2], 100),
    "an old version of a file is removed from the object store": lambda context: loose(
        scraping(context).git.git("rev-parse", f"{scraping(context).commits['First']}:a.py")
    ).unlink(),
    "a configuration and attributes that change how git shows differences": set_attributes,
    "a missing file content": lambda context: new_blob(context).unlink(),
    "a damaged file content": lambda context: damage(new_blob(context)),
    "a missing commit": lambda context: (add_commit(context), loose(scraping(context).commits["Newest"]).unlink()),
    "a damaged commit": lambda context: damage(loose(add_commit(context))),
    "a missing folder": lambda context: (
        add_commit(context),
        loose(scraping(context).git.git("rev-parse", "main:new")).unlink(),
    ),
    "a branch that names nothing": lambda _: writer().branch("ghost", "1" * 40),
    "no branch at all": lambda _: (
        shutil.rmtree(SAMPLE / ".git/refs/heads"),
        shutil.rmtree(SAMPLE / ".git/refs/tags"),
    ),
    "room for 2,000 bytes alone": lambda context: vars(scraping(context)).update(room=2_000),
    "a damaged commit, and an unknown language": lambda context: (
        damage(loose(add_commit(context))),
        scraping(context).settings.update({"scrape.languages": ["pyhton"]}),
    ),
    "an unknown language": lambda context: scraping(context).settings.update({"scrape.languages": ["pyhton"]}),
}


@given("since then {event}")
def then_happens(context: Context, event: str) -> None:
    EVENTS[event](context)


@when("one tries to scrape it")
def tries_to_scrape(context: Context) -> None:
    scraping(context).try_to_scrape()


@when("the scrape is killed at {count:d} instants, each time from the same state")
def killed_scrapes(context: Context, count: int) -> None:
    state, before = scraping(context), earlier(context)
    task = functools.partial(scrape_sample, dict(state.settings), SAMPLE.resolve())
    shutil.copytree(PIPELINE, "whole" / PIPELINE)
    points = instants_of_scraping(task, Path("whole"), count)
    before.after = state.contents("whole" / PIPELINE)
    assert len(points) == count, points
    for number, point in enumerate(points):
        folder = Path(f"killed-{number}")
        shutil.copytree(PIPELINE, folder / PIPELINE)
        launch = run_and_kill(task, point, folder)
        assert launch.was_killed, f"{point}: {launch}"
        here = folder / PIPELINE
        left = state.contents(here) if (here / "history").exists() else None
        if left is None:
            (here / "kept").mkdir()
            shutil.copytree(here / "history.old", here / "kept" / "history")
            left = state.contents(here / "kept")
            shutil.rmtree(here / "kept")
        outcome = state.scrape(here)
        names = sorted(str(path.relative_to(here)) for path in here.rglob("*"))
        num_read = outcome.timings["commits_read"]
        before.killed.append(Killed(str(point), left, state.contents(here), num_read, names))


@then("the diffs of {count:d} commits are read")
def commits_read(context: Context, count: int) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None and outcome.timings["commits_read"] == count, outcome


@then("the files are those of a scrape from scratch, byte for byte")
def as_from_scratch(context: Context) -> None:
    expected, found = scraping(context).from_scratch(), scraping(context).contents()
    for name in FILES:
        assert found[name] == expected[name], f"{name}: {found[name]!r}\nis not\n{expected[name]!r}"


@then("the files are those of before, byte for byte")
def as_before(context: Context) -> None:
    expected, found = earlier(context).contents, scraping(context).contents()
    for name in FILES:
        assert found[name] == expected[name], f"{name}: {found[name]!r}\nis not\n{expected[name]!r}"


@then("each time the records are those of before or those of after, whole")
def before_or_after(context: Context) -> None:
    found = earlier(context)
    for killed in found.killed:
        assert killed.left in (found.contents, found.after), f"killed at {killed.point}: {killed.left}"
    assert found.contents != found.after


@then("each time the next scrape reads no more than what is new, and leaves the same bytes and nothing else")
def next_leaves_the_same(context: Context) -> None:
    found = earlier(context)
    expected = ["history", *sorted(f"history/{name}" for name in FILES)]
    for killed in found.killed:
        assert killed.following == found.after, f"killed at {killed.point}: {killed.following}"
        assert killed.num_read <= 1, f"killed at {killed.point}: {killed.num_read} commits read"
        assert killed.names == expected, f"killed at {killed.point}: {killed.names}"


# --- refusals ---


@then("it is refused in one line that says {words}")
def refused_in_one_line(context: Context, words: str) -> None:
    message = str(scraping(context).refusal)
    assert words in message and "\n" not in message and message.isprintable(), message


@then("the records of before are whole")
def records_of_before(context: Context) -> None:
    names = sorted(path.name for path in PIPELINE.iterdir())
    assert names == ["history"], names
    assert scraping(context).contents() == earlier(context).contents
