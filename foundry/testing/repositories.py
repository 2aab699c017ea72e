"""Sample git repositories: real commits with fixed dates and identities, and the oddities of real life.

Equal calls make equal commit ids on every machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FIRST_DATE = 1_700_000_000
SECONDS_BETWEEN_COMMITS = 3_600

_SETTINGS = (
    "-c",
    "gc.auto=0",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "core.autocrlf=false",
    "-c",
    "protocol.allow=always",
)
_PROGRAM_SETTINGS = (
    "core.fsmonitor",
    "core.pager",
    "core.sshCommand",
    "diff.external",
    "diff.hostile.command",
    "diff.hostile.textconv",
    "filter.hostile.clean",
    "filter.hostile.process",
    "filter.hostile.smudge",
    "pager.log",
)
_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class SampleRepository:
    """A git repository that is made for a test.

    Args:
        folder: becomes the top of its working tree, or the repository itself where that is there already.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._num_commits = 0
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """The output of a git command in the repository."""
        date = f"{FIRST_DATE + self._num_commits * SECONDS_BETWEEN_COMMITS} +0000"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = inherited | _IDENTITY | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        command = ["git", *_SETTINGS, "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a file into the working tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit `files` and whatever else stands in the working tree; the commit's id."""
        for name, content in (files or {}).items():
            self.write(name, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self._num_commits += 1
        return self.git("rev-parse", "HEAD")

    def add_submodule(self, name: str) -> None:
        """Put a submodule into the index, as a commit that is not at hand."""
        self.git("update-index", "--add", "--cacheinfo", f"160000,{'5' * 40},{name}")
        (self.folder / name).mkdir(exist_ok=True)

    def cloned(self, folder: Path, *options: str) -> SampleRepository:
        """A clone, made through the transport that network clones use, such as `--bare` or `--depth=1`."""
        self.git("clone", "--quiet", *options, self.url, str(folder.resolve()))
        return SampleRepository(folder)

    @property
    def url(self) -> str:
        """A `file://` URL of the repository."""
        return self.folder.resolve().as_uri()


def python_project(folder: Path, num_commits: int = 6) -> SampleRepository:
    """A repository of small Python modules: each commit adds one, and changes the one before it."""
    repository = SampleRepository(folder)
    for number in range(num_commits):
        files: dict[str, str | bytes] = {f"shapes/part_{number}.py": python_module(number, "area")}
        if number:
            files[f"shapes/part_{number - 1}.py"] = python_module(number - 1, "volume")
        repository.commit(f"Add part {number}\n\nIt computes the area of part {number}.", files)
    return repository


def hostile_repository(folder: Path) -> tuple[SampleRepository, Path]:
    """A repository of two commits that names a program wherever git might run one.

    Returns:
        the repository, and the file that the programs write to as soon as one is run.
    """
    witness = folder.resolve().parent / "witness.txt"
    program = folder.resolve().parent / "program.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{witness}"\ncat\n')
    program.chmod(0o755)
    repository = SampleRepository(folder)
    attributes = "*.py diff=hostile filter=hostile\n"
    repository.commit("Name the programs", {".gitattributes": attributes, "a.py": "a = 1\n" * 9})
    repository.commit("Change the file", {"a.py": "a = 2\n" * 9})
    for key in _PROGRAM_SETTINGS:
        repository.git("config", key, f"{program} {key}")
    repository.git("config", "filter.hostile.required", "true")
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text(attributes)
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (hooks / hook).symlink_to(program)
    repository.write("a.py", "a = 3\n" * 9)
    witness.unlink(missing_ok=True)
    return repository, witness


def python_module(number: int, quantity: str) -> str:
    """The text of a small Python module; another number gives another text."""
    return (
        f'"""Part {number} of the shapes."""\n\n\n'
        f"def {quantity}_{number}(width, height):\n"
        f'    """Return the {quantity} of part {number}."""\n'
        f"    scale = {number * 7 + 3}\n"
        f"    if width < 0 or height < 0:\n"
        f'        raise ValueError("width and height must not be negative")\n'
        f"    return scale * width * height\n"
    )
