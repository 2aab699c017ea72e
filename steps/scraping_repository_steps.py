"""Steps on repositories as a whole: their graph, how they change, what is left out of them, and what they do to one."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import given, then, when
from behave.runner import Context

from foundry.testing.big_histories import big_history
from foundry.testing.branched_histories import branched_repository
from foundry.testing.faults import cut_file, flip_byte
from foundry.testing.kill_points import run_and_kill
from foundry.testing.limits import file_size_limit
from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import LINK, Entry, ObjectWriter, submodule_at
from foundry.testing.repositories import SampleRepository, hostile_repository, python_project
from foundry.testing.scraping import (
    FILES,
    PIPELINE,
    Scraping,
    content_at,
    instants_of_scraping,
    numbers_by_git,
    numbers_of,
    plain_git,
    scrape_sample,
)
from foundry.testing.snapshots import entries_of

SAMPLE = Path("sample")
GRACE = b"Grace <grace@example.org>"


@dataclass(frozen=True)
class Killed:
    """What a killed scrape has left, and what the one after it made of that.

    Attributes:
        num_read: commits whose diffs the second one has read.
        names: everything in the pipeline's folder after it.
    """

    point: str
    left: dict[str, bytes]
    following: dict[str, bytes]
    num_read: float
    names: list[str]


@dataclass
class Earlier:
    """What was there before the act.

    Attributes:
        contents: the bytes of each file of records.
        entries: of the repository.
        secrets: what must not be stored.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    after: dict[str, bytes] = field(default_factory=dict)


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


@given("a repository with a licence, a module that was changed twice, and a file in another language")
def licensed(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    project = b'[project]\nname = "part"\nversion = "1"\nlicense = "MIT"\n'
    files = {b"pyproject.toml": project, b"main.rs": b"fn main() {}\n", b"src/part.py": b"a = 1\n"}
    ids = [writer().commit(files, author=hour(0), message=b"Begin\n")]
    for number, subject in enumerate((b"Change it", b"Change it again"), start=2):
        files[b"src/part.py"] = b"a = %d\n" % number
        ids.append(writer().commit(files, ids[-1:], subject, hour(number - 1, GRACE)))
    files[b"main.rs"] = b"fn main() { }\n"
    writer().branch("main", writer().commit(files, ids[-1:], b"Change another\n", hour(9)))
    repository.git("reset", "--quiet", "--hard")
    scraping(context).repository = repository


@given("a repository with a file of every kind")
def every_kind(context: Context) -> None:
    repository = SampleRepository(SAMPLE)
    files: dict[bytes, bytes | Entry] = {
        b"plain.py": b"a = 1\n" * 3,
        "café.md".encode(): "Café.\n".encode() + b"\n",
        b"picture.png": b"\x89PNG\r\n\x1a\n\0\0",
        b"empty.txt": b"",
        b"large.txt": b"large\n" * 200,
        b"latin.txt": b"caf\xe9\n",
        b"link": Entry(LINK, b"plain"),
        b"module": submodule_at("5" * 40),
    }
    writer().branch("main", writer().commit(files, author=hour(0)))
    scraping(context).repository = repository


@given("{changed:d} changed and {new:d} new files in its working tree")
def working_tree(context: Context, changed: int, new: int) -> None:
    for number, path in enumerate(["src/part.py", "main.rs"][:changed] + [f"new-{number}" for number in range(new)]):
        scraping(context).git.write(path, f"uncommitted = {number}\n")


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


@given("a repository with secrets in a message, in a heading, in a diff and in a file")
def with_secrets(context: Context) -> None:
    chance = random.Random(7)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    token = "ghp_" + "".join(chance.choices(letters, k=36))
    heading = "ghp_" + "".join(chance.choices(letters, k=36))
    key = base64.encodebytes(chance.randbytes(400)).decode()
    address = "ada@example.org"
    lines = "".join(f"    line_{number} = {number}\n" for number in range(9))
    source = f"def connect(token='{heading}'):\n{lines}"
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{key}-----END RSA PRIVATE KEY-----\n"
    repository = SampleRepository(SAMPLE)
    repository.commit(f"Begin\n\nSigned-off-by: Ada <{address}>\nUse {token}", {"a.py": source, "key.pem": pem})
    repository.commit("Change", {"a.py": source + "    more = 1\n", "mails.txt": f"{address}\n{address} again\n"})
    repository.commit("Take it out", {"key.pem": "gone\n", "a.py": "".join(f"{lines}")})
    scraping(context).repository = repository
    earlier(context).secrets = [token, heading, *key.split(), address]


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
    "room for 2,000 bytes alone": lambda context: context.world.ending.enter_context(file_size_limit(2_000)),
    "a damaged commit, and an unknown language": lambda context: (
        damage(loose(add_commit(context))),
        scraping(context).settings.update({"scrape.languages": ["pyhton"]}),
    ),
    "an unknown language": lambda context: scraping(context).settings.update({"scrape.languages": ["pyhton"]}),
}


@given("since then {event}")
def then_happens(context: Context, event: str) -> None:
    EVENTS[event](context)


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


# --- the snapshot ---


@then("the file {path} has this record")
def file_record(context: Context, path: str) -> None:
    [record] = [file for file in scraping(context).files if file["path"] == path]
    for row in context.table:
        found: Any = record[row["field"]]  # type: ignore[literal-required]
        expected = row["value"].replace("\\n", "\n")
        if expected.startswith("the commit"):
            expected = scraping(context).record(expected.split('"')[1])["hash"]
        shown = found if isinstance(found, str) else json.dumps(found)
        assert shown == expected, f"{row['field']}: {shown!r} is not {expected!r}"


@then("the last commit of each file is that of git rev-list")
def last_commits_of_git(context: Context) -> None:
    for file in scraping(context).files:
        expected = plain_git(scraping(context).git, "rev-list", "-1", "main", "--", file["path"]).decode().strip()
        assert file["last_commit"] == expected, f"{file['path']}: {file['last_commit']} is not {expected}"
        content = content_at(scraping(context).git, "main", file["path"])
        assert file["text"].encode() == content, f"{file['text']!r} is not {content!r}"
    assert len(scraping(context).files) == 3


@then("the last commit of {path} is the odd commit")
def last_commit_is_odd(context: Context, path: str) -> None:
    [found] = [file["last_commit"] for file in scraping(context).files if file["path"] == path]
    assert found == scraping(context).record("the odd commit")["hash"], found


@then("the snapshot has the files {names}")
def snapshot_files(context: Context, names: str) -> None:
    found = sorted(file["path"] for file in scraping(context).files)
    expected = [] if names == "nothing" else sorted(names.split(", "))
    assert found == expected, f"{found} is not {expected}"


@then("left out of the snapshot are")
def left_out(context: Context) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None
    found = {reason: entry["count"] for reason, entry in outcome.results["skipped_files"].items()}
    expected = {row["reason"]: int(row["count"]) for row in context.table}
    assert found == expected, f"{found} is not {expected}"


@then("the coverage is {kept:d} of {all_files:d} files, and {kept_bytes:d} of {all_bytes:d} bytes")
def coverage(context: Context, kept: int, all_files: int, kept_bytes: int, all_bytes: int) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None
    expected = {
        "files_tracked": all_files,
        "files_kept": kept,
        "files_ratio": round(kept / all_files, 6),
        "bytes_tracked": all_bytes,
        "bytes_kept": kept_bytes,
        "bytes_ratio": round(kept_bytes / all_bytes, 6),
    }
    assert outcome.results["coverage"] == expected, f"{outcome.results['coverage']} is not {expected}"


# --- redaction ---


@then("none of the secrets is in any byte that was stored")
def no_secret_stored(context: Context) -> None:
    for name, content in scraping(context).contents().items():
        left = [secret for secret in earlier(context).secrets if secret.encode() in content]
        assert not left, f"{name} holds {left}"


@then("they are counted by kind and place")
def counted(context: Context) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None
    redactions = outcome.results["redactions"]
    assert {"private-key", "email"} < set(redactions["by_kind"]), redactions
    assert {"message", "key.pem", "a.py", "mails.txt"} == set(redactions["by_file"]), redactions
    assert redactions["total"] == sum(redactions["by_kind"].values()), redactions


@then("every line of every hunk still begins as a line of a diff")
def lines_of_a_diff(context: Context) -> None:
    hunks = [hunk for record in scraping(context).records for file in record["files"] for hunk in file["hunks"]]
    wrong = [line for hunk in hunks for line in hunk["text"].split("\n")[:-1] if line[:1] not in tuple(" +-\\")]
    assert hunks and not wrong, wrong


@then("the address {address} is in the records")
def address_there(context: Context, address: str) -> None:
    found = {record["author"]["email"] for record in scraping(context).records}
    assert found == {address}, found


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
