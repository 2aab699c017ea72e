"""Steps on what scraping makes of a repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.testing.odd_histories import ODDITIES, odd_history, odd_repository
from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import ObjectWriter
from foundry.testing.repositories import SampleRepository
from foundry.testing.scraping import (
    Scraping,
    content_at,
    numbers_by_git,
    numbers_of,
    patched,
    plain_git,
)

ODD = "the odd commit"
FOUNDRY = Path(__file__).resolve().parent.parent


def scraping(context: Context) -> Scraping:
    found: Scraping = context.world.of(Scraping)
    return found


def use(context: Context, repository: SampleRepository, odd: str | None = None) -> None:
    scraping(context).repository = repository
    if odd:
        scraping(context).commits[ODD] = odd


def unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


def new_writer(context: Context) -> ObjectWriter:
    use(context, SampleRepository(Path("sample")))
    return ObjectWriter(Path("sample/.git"))


# --- repositories ---


@given("a repository in which Ada adds a file, and Grace closes issue #12 a day later")
def grace_closes(context: Context) -> None:
    writer = new_writer(context)
    first = writer.commit({b"a.txt": b"one\n"}, author=b"Ada <ada@example.org> 1700000000 +0100", message=b"Add a\n")
    second = writer.commit(
        {b"a.txt": b"one and a half\ntwo\n", b"b.txt": b"b\nc\n"},
        [first],
        b"Read both files\n\nCloses #12, see ABC-7.\n\nThe second is short.\n",
        author=b"Grace <grace@example.org> 1700086400 -0330",
        committer=b"Ada <ada@example.org> 1700086460 +0000",
    )
    writer.branch("main", second)
    writer.branch("older", first)
    scraping(context).git.git("tag", "v1", second)


@given("a repository with every oddity")
def every_oddity(context: Context) -> None:
    use(context, odd_repository(Path("sample")))


@given("this repository")
def this_repository(context: Context) -> None:
    use(context, SampleRepository(FOUNDRY))
    scraping(context).settings["scrape.max_commits"] = 40


for oddity in ODDITIES:

    @given(f"a repository with {oddity}")
    def one_oddity(context: Context, oddity: str = oddity) -> None:
        use(context, *odd_history(Path("sample"), oddity))


@given("a repository with a commit of {count:d} files of 1,960,000 bytes and one small file")
def large_commit(context: Context, count: int) -> None:
    writer = new_writer(context)
    large = b"".join(b"%048d\n" % number for number in range(40_000))
    files = {b"large-%d.txt" % number: large[number * 49 :] + large[: number * 49] for number in range(count)}
    commit_id = writer.commit({**files, b"z.txt": b"small\n"}, author=hour(0))
    writer.branch("main", commit_id)
    scraping(context).commits[ODD] = commit_id


@given("a repository with a commit of {count} files with long names")
def many_files(context: Context, count: str) -> None:
    writer = new_writer(context)
    names = [b"%0200d" % number for number in range(int(count.replace(",", "")))]
    commit_id = writer.commit(dict.fromkeys(names, writer.blob(b"the same\n")), author=hour(0))
    writer.branch("main", commit_id)
    scraping(context).commits[ODD] = commit_id


@given("a repository with a commit for each of these messages")
def commits_with_messages(context: Context) -> None:
    writer = new_writer(context)
    parents: list[str] = []
    for number, row in enumerate(context.table):
        message = unescaped(row["message"]).encode()
        parents = [writer.commit({b"a.txt": b"%d\n" % number}, parents, message, hour(number))]
    writer.branch("main", parents[0])


@given("a repository with a commit that adds files of {lines} lines")
def commit_of_files(context: Context, lines: str) -> None:
    writer = new_writer(context)
    counts = [int(count) for count in lines.split(",")]
    contents = [b"".join(b"%d\n" % line for line in range(count)) for count in counts]
    commit_id = writer.commit({b"file-%d" % number: content for number, content in enumerate(contents)})
    writer.branch("main", commit_id)
    scraping(context).commits[ODD] = commit_id


# --- the act ---


@when("it is scraped")
def it_is_scraped(context: Context) -> None:
    scraping(context).scrape()


@when("it is scraped with {key} {value}")
def scraped_with(context: Context, key: str, value: str) -> None:
    scraping(context).settings[key] = yaml.safe_load(value)
    scraping(context).scrape()


# --- records ---


@then("the newest commit has this record")
def newest_record(context: Context) -> None:
    record: Any = scraping(context).records[-1]
    for row in context.table:
        found = record
        for name in row["field"].split("."):
            found = found[name]
        expected = unescaped(row["value"])
        shown = found if isinstance(found, str) else json.dumps(found)
        assert shown == expected, f"{row['field']}: {shown!r} is not {expected!r}"


@then("its parent is the oldest commit")
def parent_is_oldest(context: Context) -> None:
    records = scraping(context).records
    assert records[-1]["parents"] == [records[0]["hash"]], records[-1]["parents"]


@then("its changes are")
def its_changes(context: Context) -> None:
    changes = scraping(context).records[-1]["files"]
    found = [
        [
            *(str(change[name]) for name in ("path", "change", "kind", "insertions", "deletions")),  # type: ignore[literal-required]
            "; ".join(shown_hunk(hunk) for hunk in change["hunks"]),
        ]
        for change in changes
    ]
    expected = [list(row.cells) for row in context.table]
    assert found == expected, f"{found} is not {expected}"


def shown_hunk(hunk: Any) -> str:
    old, new = (
        f"{hunk[f'{side}_start']}" + ("" if hunk[f"{side}_lines"] == 1 else f",{hunk[f'{side}_lines']}")
        for side in ("old", "new")
    )
    return f"-{old} +{new}: {json.dumps(hunk['text'])}"


@then("each commit stands there once, and no other")
def each_once(context: Context) -> None:
    everything = ("--branches", "--remotes", "--tags", "HEAD")
    expected = plain_git(scraping(context).git, "rev-list", *everything).decode().split()
    found = [record["hash"] for record in scraping(context).records]
    assert sorted(found) == sorted(expected), set(found) ^ set(expected)


@then("subjects and bodies are those of git log, where git can read them")
def messages_of_git(context: Context) -> None:
    repository = scraping(context).git
    compared = 0
    for record in scraping(context).records:
        if not record["notes"] and "\ufffd" not in record["subject"]:
            said = plain_git(repository, "log", "-1", "--format=%s%x00%b", record["hash"]).decode()
            subject, body = said.removesuffix("\n").split("\0")
            found = (record["subject"], record["body"])
            assert found == (subject, body.replace("\r", "").strip("\n")), f"{record['hash']}: {found} {said!r}"
            compared += 1
    assert compared > 40, compared


@then("the files and their numbers are those of git show --numstat")
def numbers_are_those_of_git(context: Context) -> None:
    repository = scraping(context).git
    for record in scraping(context).records:
        expected = numbers_by_git(repository, record["hash"])
        assert numbers_of(record) == expected, f"{record['hash']}: {numbers_of(record)} is not {expected}"
        totals = [sum(int(pair[side]) for pair in expected.values() if pair[side] != "-") for side in (0, 1)]
        assert [record["insertions"], record["deletions"]] == totals, f"{record['hash']}: {totals}"


@then("its files and numbers are those of git show --numstat, as far as they are kept")
def kept_numbers(context: Context) -> None:
    state = scraping(context)
    record = state.record(ODD)
    expected = numbers_by_git(state.git, record["hash"])
    found = numbers_of(record)
    assert found == expected, f"{found} is not {expected}"


@then("for every text file of every commit, its hunks make the new content of the old")
def hunks_fit(context: Context) -> None:
    repository = scraping(context).git
    compared = 0
    for record in scraping(context).records:
        parent = record["parents"][0] if record["parents"] else "none"
        for change in record["files"]:
            if change["kind"] == "text" and change["change"] != "type" and not record["notes"]:
                before = content_at(repository, parent, change["old_path"] or change["path"])
                after = content_at(repository, record["hash"], change["path"])
                made = patched(before, change)
                assert made == after, f"{record['hash']} {change['path']!r}: {made!r} is not {after!r}"
                compared += 1
    assert compared > 60, compared


@then("the odd commit has the changes {changes}")
def odd_changes(context: Context, changes: str) -> None:
    found = []
    for change in scraping(context).record(ODD)["files"]:
        name = f"{change['old_path']} => {change['path']}" if change["old_path"] else change["path"]
        found.append(f"{change['change']} {change['kind']} {name} +{change['insertions']} -{change['deletions']}")
    expected = [] if changes == "none" else unescaped(changes).split(", ")
    assert found == expected, f"{found} is not {expected}"


@then("the odd commit has changed exactly the files that git ls-tree names")
def files_of_tree(context: Context) -> None:
    record = scraping(context).record(ODD)
    listed = plain_git(scraping(context).git, "ls-tree", "-r", "-z", "--name-only", record["hash"])
    expected = sorted(name.decode(errors="surrogateescape") for name in listed.split(b"\0")[:-1])
    found = sorted(change["path"] for change in record["files"])
    assert found == expected, f"{found} is not {expected}"
    assert all(change["hunks"][0]["text"] == "-before\n+after\n" for change in record["files"]), record["files"]


@then("its hunks hold the first {count} lines")
def first_lines(context: Context, count: str) -> None:
    [change] = scraping(context).record(ODD)["files"]
    lines = "".join(hunk["text"] for hunk in change["hunks"]).splitlines()
    expected = [f"+number {number}" for number in range(int(count.replace(",", "")))]
    assert lines == expected, f"{len(lines)} lines, {lines[:2]} to {lines[-2:]}"


@then("its notes are")
def its_notes(context: Context) -> None:
    found = scraping(context).record(ODD)["notes"]
    assert found == [row["note"] for row in context.table], found


@then('a note says "{note}"')
def a_note(context: Context, note: str) -> None:
    found = scraping(context).record(ODD)["notes"]
    assert note in found, found


@then("scraping it took less than {seconds:d} seconds")
def took_less(context: Context, seconds: int) -> None:
    outcome = scraping(context).outcome
    assert outcome is not None and outcome.timings["seconds"] < seconds, outcome


@then("a note says how many of its {count} files are left out")
def files_left_out(context: Context, count: str) -> None:
    record = scraping(context).record(ODD)
    left_out = int(count.replace(",", "")) - len(record["files"])
    assert left_out > 0 and f"{left_out:,} of its {count} files are left out" in record["notes"], record["notes"]


@then("the odd commit inserts {count} lines")
def inserts_lines(context: Context, count: str) -> None:
    found = scraping(context).record(ODD)["insertions"]
    assert found == int(count.replace(",", "")), found


@then("the odd commit's author is {name} with {email}, at {time:d} {zone}")
def odd_author(context: Context, name: str, email: str, time: int, zone: str) -> None:
    expected = {
        "name": "" if name == "nothing" else name,
        "email": "" if email == "nothing" else unescaped(email),
        "time": time,
        "zone": zone,
    }
    found = scraping(context).record(ODD)["author"]
    assert found == expected, f"{found} is not {expected}"


@then('the odd commit says "{subject}" and "", with the note "{note}"')
@then('the odd commit says "{subject}" and "{body}", with the note ""')
@then('the odd commit says "{subject}" and "", with the note ""')
@then('the odd commit says "" and "", with the note ""')
def odd_message(context: Context, subject: str = "", body: str = "", note: str = "") -> None:
    record = scraping(context).record(ODD)
    found = (record["subject"], record["body"], record["notes"])
    expected = (subject, unescaped(body), [note] if note else [])
    assert found == expected, f"{found} is not {expected}"


@then("the commits have these flags")
def these_flags(context: Context) -> None:
    for row in context.table:
        found = ", ".join(scraping(context).record(row["subject"])["flags"])
        assert found == row["flags"], f"{row['subject']}: {found!r} is not {row['flags']!r}"


@then("the odd commit has the flags {flags}")
def odd_flags(context: Context, flags: str) -> None:
    found = ", ".join(scraping(context).record(ODD)["flags"])
    assert found == flags, f"{found!r} is not {flags!r}"


@then("the commits name these issues")
def these_issues(context: Context) -> None:
    for row in context.table:
        found = ", ".join(scraping(context).record(row["subject"])["issues"])
        assert found == row["issues"], f"{row['subject']}: {found!r} is not {row['issues']!r}"


@then("the odd commit has the complexity {bits:f}")
def odd_complexity(context: Context, bits: float) -> None:
    found = scraping(context).record(ODD)["complexity"]
    assert found == bits, f"{found} is not {bits}"
