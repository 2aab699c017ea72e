"""Large git repositories in seconds, for measurements: source files that change a few lines at a time, with branches.

Equal calls make equal commit ids.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

FIRST_DATE = 1_500_000_000
NUM_FILES = 1_000
LINES_A_FILE = 200
COMMITS_BETWEEN_MERGES = 25
COMMITS_BETWEEN_TAGS = 2_000
_AUTHORS = ("Ada <ada@example.org>", "Grace <grace@example.org>", 'Linus "L" <l@example.org>')


def big_history(folder: Path, num_commits: int) -> Path:
    """A bare repository of so many commits, each of which changes about ten lines of one to three files.

    Every 25th commit merges a side branch of two; every 2,000th has a tag.
    """
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "--git-dir", str(folder), "fast-import", "--quiet", "--depth=20"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        for piece in _stream(num_commits):
            process.stdin.write(piece)
        process.stdin.close()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return folder


def _stream(num_commits: int) -> Iterator[bytes]:
    chance = random.Random(1)
    files: dict[int, list[str]] = {}
    side_from = None
    for number in range(1, num_commits + 1):
        place = number % COMMITS_BETWEEN_MERGES
        is_side, is_merge = place in (COMMITS_BETWEEN_MERGES - 3, COMMITS_BETWEEN_MERGES - 2), place == 0
        if place == COMMITS_BETWEEN_MERGES - 3:
            side_from = number - 1
        yield _commit_head(number, "refs/heads/side" if is_side else "refs/heads/main")
        if is_side and side_from is not None and place == COMMITS_BETWEEN_MERGES - 3:
            yield f"from :{side_from}\n".encode()
        if is_merge:
            yield f"merge :{number - 2}\n".encode()
        for file in {_file_number(chance, is_side) for _ in range(chance.randint(1, 3))}:
            yield _changed_file(chance, files, file, number)
        if number % COMMITS_BETWEEN_TAGS == 0:
            yield f"reset refs/tags/v{number // COMMITS_BETWEEN_TAGS}\nfrom :{number}\n\n".encode()


def _file_number(chance: random.Random, is_side: bool) -> int:
    """Side branches have files of their own, so that merges are without conflict."""
    return chance.randrange(NUM_FILES, NUM_FILES + 20) if is_side else chance.randrange(NUM_FILES)


def _commit_head(number: int, branch: str) -> bytes:
    message = f"Change number {number}\n\nIt closes #{number % 500} and changes a few lines.\n".encode()
    person = f"{_AUTHORS[number % len(_AUTHORS)]} {FIRST_DATE + number * 600} +0100"
    head = f"commit {branch}\nmark :{number}\nauthor {person}\ncommitter {person}\ndata {len(message)}\n"
    return head.encode() + message


def _changed_file(chance: random.Random, files: dict[int, list[str]], file: int, number: int) -> bytes:
    lines = files.setdefault(file, [f"def part_{file}_{line}(x): return x * {line}" for line in range(LINES_A_FILE)])
    for _ in range(chance.randint(2, 8)):
        at = chance.randrange(len(lines))
        lines[at] = f"    value_{at} = compute({number}, {chance.randrange(10_000)})  # {at}"
    if chance.random() < 0.3:
        lines.insert(chance.randrange(len(lines)), f"    added_in = {number}")
    content = "\n".join(lines).encode() + b"\n"
    return f"M 100644 inline src/package_{file % 20}/module_{file}.py\ndata {len(content)}\n".encode() + content
