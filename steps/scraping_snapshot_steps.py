"""Steps on the files at HEAD, and on what is taken out of them and of the history."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

from behave import given, then
from behave.runner import Context

from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import LINK, Entry, ObjectWriter, submodule_at
from foundry.testing.repositories import SampleRepository
from foundry.testing.scraping import (
    Earlier,
    Scraping,
    content_at,
    plain_git,
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
