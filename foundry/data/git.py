"""Reads a git repository through git's own plumbing, without ever running what the repository brings along.

A repository may come from anywhere. No hook, filter, diff driver, text converter, file system monitor or network
helper that its configuration or its attributes name is run; replacement objects and grafts are not followed; git never
asks a question. Only committed objects are read, so a bare repository is as good as a working tree.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from foundry.errors import FoundryError, UserError

READ_SIZE = 1 << 20
MAX_MESSAGE_BYTES = 1 << 20

_SAFE_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "diff.suppressBlankEmpty=false",
    "i18n.logOutputEncoding=UTF-8",
    "protocol.allow=never",
    "safe.bareRepository=all",
    "safe.directory=*",
)
_REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)


class GitError(FoundryError):
    """Git ended with an error; the message is its own."""


@dataclass(frozen=True)
class TreeEntry:
    """A name in a commit's tree.

    Attributes:
        mode: git's file mode, such as `100644`, `120000` (symbolic link) or `160000` (submodule).
        object_id: the blob, or the commit of a submodule.
        size: bytes of a blob; 0 for a submodule.
        path: from the top of the repository, as bytes.
    """

    mode: str
    object_id: str
    size: int
    path: bytes


@dataclass(frozen=True)
class Commit:
    """A commit's id, its message and its patch against its parent, as git gives them.

    Attributes:
        patch: cut where the reader's limit was reached, then `is_cut` is true.
    """

    commit_id: str
    message: bytes
    patch: bytes
    is_cut: bool


@dataclass(frozen=True)
class GitRepository:
    """A repository on this machine.

    Attributes:
        git_dir: where its objects are.
        work_tree: the top of its working tree; None for a bare one.
        shown_as: how the user named it, for messages.
        is_shallow: part of its history was not cloned.
    """

    git_dir: Path
    work_tree: Path | None
    shown_as: str
    is_shallow: bool

    @classmethod
    def open(cls, path: Path, shown_as: str) -> GitRepository:
        """The repository that `path` belongs to.

        Raises:
            UserError: nothing is there, it belongs to no repository, or git is not installed.
        """
        if not path.is_dir():
            raise UserError(f"data.git.repository: no folder at {shown_as}")
        questions = ("--absolute-git-dir", "--is-shallow-repository", "--is-inside-work-tree")
        try:
            answers = run_git(["-C", str(path), "rev-parse", *questions], reading_environment()).decode().splitlines()
        except GitError as error:
            raise UserError(
                f"data.git.repository: {shown_as} is not a git repository; name the folder of one, or its URL"
            ) from error
        top = None
        if answers[2] == "true":
            top = run_git(["-C", str(path), "rev-parse", "--show-toplevel"], reading_environment()).decode()
        return cls(Path(answers[0]), Path(top.rstrip("\n")) if top else None, shown_as, answers[1] == "true")

    def resolve(self, revision: str) -> str:
        """The full id of the commit that `revision` names.

        Raises:
            UserError: there is no such commit, or no commit at all.
        """
        try:
            name = f"{revision}^{{commit}}"
            return self._run("rev-parse", "--verify", "--quiet", "--end-of-options", name).decode().strip()
        except GitError as error:
            if not self._run("rev-list", "--all", "--max-count=1"):
                raise UserError(
                    f"data.git.repository: {self.shown_as} has no commits; commit something first"
                ) from error
            raise UserError(
                f"data.git.revision: {revision!r} names no commit in {self.shown_as}; see git log --oneline --all"
            ) from error

    def holds(self, revision: str) -> bool:
        """Whether `revision` names a commit here."""
        try:
            self.resolve(revision)
        except UserError:
            return False
        return True

    def references(self, *prefixes: str) -> list[tuple[bytes, str]]:
        """The names of the references below `prefixes`, such as `refs/heads`, and what each names, by name."""
        listing = self._run("for-each-ref", "--sort=refname", "--format=%(objectname) %(refname)", *prefixes)
        found = (line.partition(b" ") for line in listing.splitlines())
        return [(name, object_id.decode()) for object_id, _, name in found]

    def current_branch(self) -> str | None:
        """The branch that HEAD names; None where it is detached."""
        try:
            name = self._run("symbolic-ref", "--quiet", "--short", "HEAD")
        except GitError:
            return None
        return name.decode(errors="surrogateescape").strip()

    def own_path(self, name: str) -> Path:
        """Where git keeps a file of its own, such as `info/grafts`."""
        path = self._run("rev-parse", "--path-format=absolute", "--git-path", name)
        return Path(os.fsdecode(path).rstrip("\n"))

    def is_ancestor(self, earlier: str, later: str) -> bool:
        """Whether the repository has the commit `earlier`, and it leads to the commit `later`."""
        try:
            self._run("merge-base", "--is-ancestor", "--end-of-options", earlier, later)
        except GitError:
            return False
        return True

    def num_uncommitted_changes(self) -> int:
        """Changed and untracked paths of the working tree; 0 for a bare repository."""
        if self.work_tree is None:
            return 0
        environment = reading_environment() | self._without_filters()
        arguments = ["status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=all"]
        return run_git(["-C", str(self.work_tree), *arguments], environment).count(b"\0")

    def tree(self, commit_id: str) -> Iterator[TreeEntry]:
        """The files, links and submodules at a commit, in git's order."""
        with self._stream("ls-tree", "-r", "-z", "-l", "--full-tree", commit_id) as output:
            for record in records(output, b"\0", READ_SIZE):
                attributes, _, path = record.partition(b"\t")
                mode, _, object_id, size = attributes.decode().split()
                if size == "BAD":
                    raise self._broken("ls-tree", f"object {object_id} is missing")
                yield TreeEntry(mode, object_id, 0 if size == "-" else int(size), path)

    def blobs(self, object_ids: Iterable[str]) -> Iterator[bytes]:
        """The contents of blobs, in the order asked for, one at a time in memory."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command("cat-file", "--batch"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd=self.git_dir,
            )
            assert process.stdin is not None and process.stdout is not None
            try:
                for object_id in object_ids:
                    with contextlib.suppress(BrokenPipeError):
                        process.stdin.write(f"{object_id}\n".encode())
                        process.stdin.flush()
                    yield self._blob(object_id, process.stdout, errors)
            finally:
                process.kill()
                process.communicate()

    def _blob(self, object_id: str, output: IO[bytes], errors: IO[bytes]) -> bytes:
        header = output.readline().split()
        if len(header) != 3:
            raise self._broken("cat-file", _last_line(errors) or f"object {object_id} is missing")
        content = output.read(int(header[2]))
        if len(content) < int(header[2]) or output.read(1) != b"\n":
            raise self._broken("cat-file", _last_line(errors) or f"object {object_id} is cut short")
        return content

    def num_commits(self, commit_id: str) -> int:
        """The commits reachable from one, without merges and without a shallow clone's boundary."""
        return int(self._run("rev-list", "--count", "--no-merges", commit_id, "--not", *self.shallow_boundary()))

    def commit_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """Of every commit that HEAD, a branch or a tag leads to, once, children before parents: its id, its header.

        A header also names the parents that a shallow clone does not hold.
        """
        selection = ("rev-list", "--header", "--topo-order", "--branches", "--remotes", "--tags", "HEAD")
        with self._stream(*selection) as output:
            for record in records(output, b"\0", MAX_MESSAGE_BYTES):
                commit_id, _, content = record.partition(b"\n")
                if commit_id:
                    yield commit_id, content.partition(b"\n\n")[0]

    def num_patch_bytes(self, commit_ids: Sequence[str], max_file_bytes: int) -> int:
        """The bytes of the patches of commits against their first parents, larger files by their names alone."""
        with tempfile.TemporaryFile() as ids:
            ids.write("".join(f"{commit_id}\n" for commit_id in commit_ids).encode())
            ids.seek(0)
            patches = ("diff-tree", "--stdin", "--root", "-r", "-m", "--first-parent", "--patch", "--no-commit-id")
            safe = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "-l400")
            settings = ("-c", f"core.bigFileThreshold={max_file_bytes}")
            with self._stream(*patches, *safe, settings=settings, stdin=ids) as output:
                return sum(len(chunk) for chunk in iter(lambda: output.read(READ_SIZE), b""))

    def shallow_boundary(self) -> list[str]:
        """The commits of a shallow clone whose parents were not cloned, so that they have no patch."""
        if not self.is_shallow:
            return []
        return self.own_path("shallow").read_text().split()

    def commits(self, commit_id: str, max_commits: int | None, limits: PatchLimits) -> Iterator[Commit]:
        """The commits reachable from one, newest first, without merges and without a shallow clone's boundary."""
        delimiter = secrets.token_hex(16)
        newest = [] if max_commits is None else [f"--max-count={max_commits}"]
        selection = ["rev-list", "--no-merges", *newest, commit_id, "--not", *self.shallow_boundary()]
        patches = [
            "diff-tree",
            *("--stdin", "--root", "--always", "-r", "--patch", "--unified=3", "--find-renames", "-l400"),
            *("--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=none"),
            f"--format=tformat:{delimiter}%H%x00%B%x00",
        ]
        settings = ("-c", f"core.bigFileThreshold={limits.max_file_bytes}")
        with self._stream(*selection) as ids, self._stream(*patches, settings=settings, stdin=ids) as output:
            limit = limits.max_patch_bytes + MAX_MESSAGE_BYTES
            for record in records(output, delimiter.encode(), limit):
                if record:
                    yield _commit(record, limits.max_patch_bytes)

    def _command(self, *arguments: str, settings: Sequence[str] = ()) -> list[str]:
        return [*safe_git(), *settings, "--git-dir", str(self.git_dir), *arguments]

    def _environment(self) -> dict[str, str]:
        """The git folder stands in for the working tree, and no file for the index: attributes there have no say."""
        no_index = str(self.git_dir / "no-index")
        return reading_environment() | {"GIT_WORK_TREE": str(self.git_dir), "GIT_INDEX_FILE": no_index}

    def _run(self, *arguments: str) -> bytes:
        return run_git(["-C", str(self.git_dir), "--git-dir", str(self.git_dir), *arguments], self._environment())

    @contextlib.contextmanager
    def _stream(
        self, *arguments: str, settings: Sequence[str] = (), stdin: IO[bytes] | None = None
    ) -> Iterator[IO[bytes]]:
        """The output of a git command while it runs.

        Raises:
            FoundryError: git did not end well; not checked where the reader stops early.
        """
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command(*arguments, settings=settings),
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd=self.git_dir,
            )
            assert process.stdout is not None
            try:
                yield process.stdout
                process.stdout.close()
                if process.wait() != 0:
                    raise self._broken(arguments[0], _last_line(errors))
            finally:
                process.kill()
                process.stdout.close()
                process.wait()

    def _broken(self, verb: str, reason: str) -> FoundryError:
        return FoundryError(f"git {verb} failed in {self.shown_as}: {reason}; check it with git fsck")

    def _without_filters(self) -> dict[str, str]:
        """Settings, as environment variables, that switch off each filter the repository's configuration names."""
        pattern = r"^filter\..*\.(clean|smudge|process|required)$"
        try:
            names = self._run("config", "--name-only", "-z", "--get-regexp", pattern).decode().split("\0")[:-1]
        except GitError:
            return {}
        settings = {"GIT_CONFIG_COUNT": str(len(names))}
        for index, name in enumerate(names):
            settings[f"GIT_CONFIG_KEY_{index}"] = name
            settings[f"GIT_CONFIG_VALUE_{index}"] = "false" if name.endswith(".required") else ""
        return settings


@dataclass(frozen=True)
class PatchLimits:
    """What a patch may hold.

    Attributes:
        max_patch_bytes: a longer patch is cut at the end of a line.
        max_file_bytes: larger files appear in a patch by name alone; git does not read them.
    """

    max_patch_bytes: int
    max_file_bytes: int


def records(stream: IO[bytes], delimiter: bytes, limit: int) -> Iterator[bytes]:
    """What stands between delimiters in a stream.

    Memory stays within `limit` and one read: of a longer record the first `limit` bytes are kept, followed by a few
    bytes of its end.
    """
    pending = b""
    while chunk := stream.read(READ_SIZE):
        *whole, pending = (pending + chunk).split(delimiter)
        yield from whole
        if len(pending) > limit + len(delimiter):
            pending = pending[:limit] + pending[len(pending) - len(delimiter) + 1 :]
    if pending:
        yield pending


def _commit(record: bytes, max_patch_bytes: int) -> Commit:
    commit_id, message, patch = record.split(b"\0", 2)
    patch = patch.lstrip(b"\n")
    is_cut = len(patch) > max_patch_bytes
    if is_cut:
        patch = patch[: patch.rfind(b"\n", 0, max_patch_bytes) + 1]
    return Commit(commit_id.decode(), message.rstrip(b"\n"), patch, is_cut)


def safe_git() -> list[str]:
    """The start of a command line that runs nothing of the repository's."""
    command = ["git", "--no-pager", "--no-optional-locks"]
    for setting in _SAFE_SETTINGS:
        command += ["-c", setting]
    return command


def network_environment() -> dict[str, str]:
    """This process's environment without a say in which repository is meant, for commands that talk to a server."""
    kept = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def reading_environment() -> dict[str, str]:
    """An environment in which no setting of the user or the machine changes what git prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name == "GIT_EXEC_PATH"}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def run_git(arguments: Sequence[str], environment: dict[str, str]) -> bytes:
    """The output of a short git command.

    Raises:
        UserError: git is not installed.
        GitError: git ended with an error; the message is git's own last line.
    """
    try:
        done = subprocess.run(
            [*safe_git(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False
        )
    except FileNotFoundError as error:
        raise UserError("git was not found on the PATH, and data.git needs it; install git") from error
    if done.returncode != 0:
        raise GitError(last_line_of(done.stderr) or f"git ended with status {done.returncode}")
    return done.stdout


def last_line_of(output: bytes) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ") if lines else ""


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    return last_line_of(errors.read())
