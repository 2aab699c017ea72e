"""Steps on repositories as a whole: their graph, where they come from, and what they do to whoever scrapes them."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.testing.big_histories import big_history
from foundry.testing.branched_histories import branched_repository
from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import ObjectWriter
from foundry.testing.repositories import SampleRepository, hostile_repository, python_project
from foundry.testing.scraping import (
    FILES,
    Earlier,
    Scraping,
    numbers_by_git,
    numbers_of,
    plain_git,
)
from foundry.testing.snapshots import entries_of

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


# --- repositories ---


@given("a repository with merged, unmerged and tagged branches")
def branched(context: Context) -> None:
    scraping(context).repository, scraping(context).commits = branched_repository(SAMPLE)
    earlier(context).entries = entries_of(SAMPLE)


@given("a repository with merged, unmerged and tagged branches that has been scraped")
def branched_and_scraped(context: Context) -> None:
    branched(context)
    scraping(context).scrape()
    earlier(context).contents = scraping(context).contents()


@given("a repository of {count:d} commits whose ids are SHA-256")
def long_ids(context: Context, count: int) -> None:
    SAMPLE.mkdir()
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256", str(SAMPLE)], check=True)
    repository = SampleRepository(SAMPLE)
    for number in range(count):
        repository.commit(f"Number {number}", {"a.txt": f"{number}\n", f"{number}.txt": "new\n"})
    scraping(context).repository = repository


@given("a clone of a repository with merged, unmerged and tagged branches")
def clone_of_branched(context: Context) -> None:
    repository, scraping(context).commits = branched_repository(Path("origin"))
    scraping(context).repository = repository.cloned(SAMPLE)


@given("a repository of 1,200 commits")
def many_commits(context: Context) -> None:
    scraping(context).repository = SampleRepository(big_history(SAMPLE, 1_200))


@given("a shallow clone with {kept:d} of {count:d} commits to scrape")
def shallow(context: Context, kept: int, count: int) -> None:
    whole = python_project(Path("whole"), count)
    scraping(context).repository = whole.cloned(SAMPLE, f"--depth={kept}")


@given("a shallow clone with {kept:d} of {count:d} scraped commits that is then deepened")
def deepened(context: Context, kept: int, count: int) -> None:
    shallow(context, kept, count)
    scraping(context).scrape()
    scraping(context).git.git("fetch", "--quiet", "--unshallow")


@given("a hostile repository that names programs for every occasion")
def hostile(context: Context) -> None:
    scraping(context).repository, scraping(context).witness = hostile_repository(SAMPLE)


@given("a repository with 2 grafts and 1 replacement object")
def grafted(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    ids = [repository.commit(subject, {"a.txt": f"{subject}\n"}) for subject in ("First", "Second", "Third")]
    other = writer().commit({b"a.txt": b"other\n"}, [ids[0]], b"Replaced\n", hour(1))
    repository.git("replace", ids[1], other)
    (SAMPLE / ".git/info").mkdir(exist_ok=True)
    (SAMPLE / ".git/info/grafts").write_text(f"# a comment\n{ids[2]}\n{ids[1]}\n")
    scraping(context).repository = repository


@given("a repository with a tag of a file")
def tagged_file(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    repository.commit("First", {"a.txt": "a\n"})
    repository.git("tag", "file", "HEAD:a.txt")
    scraping(context).repository = repository


# --- acts ---


def detached(repository: SampleRepository) -> SampleRepository:
    other = repository.cloned(Path("other"))
    other.git("checkout", "--quiet", "--detach")
    return other


def headless(repository: SampleRepository) -> SampleRepository:
    other = repository.cloned(Path("other"), "--bare")
    other.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    return other


def linked(repository: SampleRepository) -> SampleRepository:
    repository.git("worktree", "add", "--quiet", "--detach", str(Path("other").resolve()))
    return SampleRepository(Path("other"))


def packed(repository: SampleRepository) -> SampleRepository:
    other = repository.cloned(Path("other"), "--bare")
    other.git("gc", "--quiet", "--aggressive")
    other.git("commit-graph", "write", "--reachable")
    return other


KINDS: dict[str, Callable[[SampleRepository], SampleRepository]] = {
    "a bare clone": lambda repository: repository.cloned(Path("other"), "--bare"),
    "a linked working tree": linked,
    "a clone whose HEAD is detached": detached,
    "a bare clone whose HEAD names nothing": headless,
    "a packed bare clone": packed,
}


@when("{kind} of it is scraped")
def kind_is_scraped(context: Context, kind: str) -> None:
    state = scraping(context)
    earlier(context).contents = state.from_scratch()
    state.repository = KINDS[kind](state.git)
    state.scrape()


# --- what is there ---


@then("each commit stands behind its parents")
def behind_parents(context: Context) -> None:
    seen: set[str] = set()
    for record in scraping(context).records:
        assert seen.issuperset(record["parents"]), f"{record['hash']} stands before one of {record['parents']}"
        seen.add(record["hash"])
    assert seen


@then("of commits that are not related, the older one stands first")
def older_first(context: Context) -> None:
    records = scraping(context).records
    for record, following in itertools.pairwise(records):
        times = record["committer"]["time"], following["committer"]["time"]
        assert record["hash"] in following["parents"] or times[0] <= times[1], f"{record['subject']}: {times}"
    assert [record["subject"] for record in records][:5] == ["First", "Second", "Aside", "Aside again", "Third"]


@then("each commit's branches are those of git branch --contains")
def branches_of_git(context: Context) -> None:
    expect_containment(context, "branches", "branch")


@then("each commit's tags are those of git tag --contains")
def tags_of_git(context: Context) -> None:
    expect_containment(context, "tags", "tag")


def expect_containment(context: Context, key: str, verb: str) -> None:
    for record in scraping(context).records:
        options = (verb, "--format=%(refname:strip=2)", "--contains", record["hash"])
        expected = sorted(plain_git(scraping(context).git, *options).decode().split())
        found = record[key]  # type: ignore[literal-required]
        assert found == expected, f"{record['subject']}: {found} is not {expected}"


@then("the oldest commit is in the branches {names}")
def oldest_in(context: Context, names: str) -> None:
    found = scraping(context).records[0]["branches"]
    expected = sorted(names.replace(" and ", ", ").split(", "))
    assert found == expected, f"{found} is not {expected}"


@then("the same commits are there as in the repository itself")
def same_commits(context: Context) -> None:
    expected = [json.loads(line) for line in earlier(context).contents[FILES[0]].splitlines()]
    found = scraping(context).records
    for record in (*expected, *found):
        record["branches"] = []  # a clone names them in its own way
    assert found == expected, f"{len(found)} commits, {len(expected)} expected"


@then("the commits are the last {count:d} of all")
def last_of_all(context: Context, count: int) -> None:
    state = scraping(context)
    found = [record["hash"] for record in state.records]
    state.settings.pop("scrape.max_commits")
    everything = [json.loads(line)["hash"] for line in state.from_scratch()[FILES[0]].splitlines()]
    assert found == everything[-count:], f"{found} is not the end of {everything}"


@then('it is stated "{note}"')
def stated(context: Context, note: str) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None and note in outcome.results["notes"], outcome
    told = [line for line in scraping(context).reports if line.endswith(f": {note}")]
    assert len(told) == 1, scraping(context).reports


@then("the numbers of a sample of commits are those of git")
def sample_of_numbers(context: Context) -> None:
    records = scraping(context).records
    assert len(records) == 1_200, len(records)
    for record in records[:: len(records) // 30]:
        expected = numbers_by_git(scraping(context).git, record["hash"])
        assert numbers_of(record) == expected, f"{record['hash']}: {numbers_of(record)} is not {expected}"


@then("no file of the repository was changed")
def repository_unchanged(context: Context) -> None:
    before, after = earlier(context).entries, entries_of(SAMPLE)
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    assert not changed, changed


@then("the repository was read, and none of its programs was run")
def none_was_run(context: Context) -> None:
    state = scraping(context)
    assert len(state.records) == 2, "the repository was not read"
    assert state.witness is not None and not state.witness.exists(), state.witness and state.witness.read_text()


@then("the commit at the boundary has no changes, the flag shallow and a note")
def at_the_boundary(context: Context) -> None:
    record = scraping(context).records[0]
    [parent] = record["parents"]
    found = (record["files"], record["flags"], record["seconds_since_parent"], len(record["notes"]))
    assert found == ([], ["shallow"], None, 1), found
    assert parent not in {other["hash"] for other in scraping(context).records}, parent


@then("the subjects are {subjects}")
def subjects_are(context: Context, subjects: str) -> None:
    found = [record["subject"] for record in scraping(context).records]
    assert found == subjects.split(", "), found
