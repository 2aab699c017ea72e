"""Steps on the redaction of many commits at once."""

from __future__ import annotations

import random
import string
from pathlib import Path

from behave import given, then
from behave.runner import Context

from foundry.testing.odd_histories import when as hour
from foundry.testing.raw_objects import ObjectWriter
from foundry.testing.repositories import SampleRepository
from foundry.testing.scraping import Scraping

SAMPLE = Path("sample")
MARKER = "<REDACTED:github-token>"


def scraping(context: Context) -> Scraping:
    found: Scraping = context.world.of(Scraping)
    return found


def token(number: int) -> str:
    return "ghp_" + "".join(random.Random(number).choices(string.ascii_letters + string.digits, k=36))


def texts_of(number: int, secret: str) -> tuple[str, str]:
    """The message and the line of the file of a commit; its neighbours have words of other lengths there."""
    words = "plain words " * (number % 4 + 1)
    return words + secret * (number % 5 == 0), words + secret * (number % 7 == 0)


@given(
    "a repository of {count:d} commits, of which every fifth has a token in its message, and every seventh in its file"
)
def commits_with_tokens(context: Context, count: int) -> None:
    scraping(context).repository = SampleRepository(SAMPLE)
    writer = ObjectWriter(SAMPLE / ".git")
    files: dict[bytes, bytes] = {}
    parents: list[str] = []
    for number in range(count):
        message, line = texts_of(number, token(number))
        files[f"{number}.{('py', 'js', 'md')[number % 3]}".encode()] = f"{line}\n".encode()
        commit = writer.commit(files, parents, f"{message}\n".encode(), author=hour(number))
        parents = [commit]
    writer.branch("main", parents[0])


@then("each token is replaced and counted where it stands, and all else is as it was")
def replaced_where_it_stands(context: Context) -> None:
    for number, record in enumerate(scraping(context).records):
        message, line = texts_of(number, MARKER)
        (added,) = record["files"]
        places = ["message"] * (MARKER in message) + [added["path"]] * (MARKER in line)
        found = (record["subject"], added["hunks"][0]["text"], record["redactions"])
        wanted = (message.rstrip(), f"+{line}\n", sorted([place, "github-token", 1] for place in places))
        assert found == wanted, f"commit {number} is {found} instead of {wanted}"
