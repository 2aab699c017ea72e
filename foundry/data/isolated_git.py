"""Reads a repository's objects from a git folder of our own, so that nothing else of the repository has a say.

Git is given the object store alone: no configuration, attributes, hooks, grafts or replacement objects of the
repository exist for it. What it prints depends on the objects and on our options, on every machine. A shallow clone's
boundary is taken along, because histories end there.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from foundry.data.git import GitRepository, last_line_of, reading_environment, run_git, safe_git
from foundry.errors import FoundryError
from foundry.files import temporary_folder
from foundry.terminal import printable

CONFIGURATION = """\
[core]
\trepositoryFormatVersion = 1
\tbare = true
\tcommitGraph = false
\tpackedGitWindowSize = 1m
\tpackedGitLimit = 16m
\tdeltaBaseCacheLimit = 64m
[extensions]
\tobjectFormat = {object_format}
"""
"""Commit graphs are not used: they hold dates in 34 bits, and may be older than the objects. The limits keep the memory
of git small beside packs of any size, and cost it no time."""


@dataclass(frozen=True)
class IsolatedGit:
    """Git, with an object store and nothing else.

    Attributes:
        folder: a git folder of our own.
        objects: the object store of the repository.
        shown_as: how the user named the repository, for messages.
    """

    folder: Path
    objects: Path
    shown_as: str

    @contextlib.contextmanager
    def stream(
        self, *arguments: str, stdin: IO[bytes] | None = None, settings: Sequence[str] = ()
    ) -> Iterator[IO[bytes]]:
        """The output of a command while it runs.

        Args:
            settings: options of git itself, such as `-c` and `name=value`.

        Raises:
            FoundryError: git did not end well; not checked where the reader stops early.
        """
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [*safe_git(), *settings, "--git-dir", str(self.folder), *arguments],
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd=self.folder,
            )
            assert process.stdout is not None
            try:
                yield process.stdout
                process.stdout.close()
                if process.wait() != 0:
                    raise self.broken(arguments[0], _last_line(errors))
            finally:
                process.kill()
                process.stdout.close()
                process.wait()

    def objects_asked_for(self, stdin: IO[bytes]) -> Iterator[tuple[str, bytes]]:
        """The id and the content of each object that `stdin` names, a line each, one at a time in memory.

        Raises:
            FoundryError: one is missing or damaged.
        """
        with self.stream("cat-file", "--batch", stdin=stdin) as output:
            while header := output.readline().split():
                if len(header) != 3:
                    raise self.broken("cat-file", f"object {header[0].decode()} is missing")
                content = output.read(int(header[2]))
                if len(content) < int(header[2]) or output.read(1) != b"\n":
                    raise self.broken("cat-file", f"object {header[0].decode()} is cut short")
                yield header[0].decode(), content

    def broken(self, verb: str, reason: str) -> FoundryError:
        """A failure of git in one line."""
        return FoundryError(f"git {verb} failed in {self.shown_as}: {printable(reason)}; check it with git fsck")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in reading_environment().items() if name != "GIT_GRAFT_FILE"}
        return kept | {"GIT_OBJECT_DIRECTORY": str(self.objects)}


@contextlib.contextmanager
def isolated_git(repository: GitRepository, parent: Path) -> Iterator[IsolatedGit]:
    """Git with the objects of `repository`, for the length of the block.

    Args:
        parent: takes the git folder for so long; what a killed process has left of its own there is removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(parent.resolve(), "git") as folder:
        for part in ("objects", "refs"):
            (folder / part).mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "config").write_text(CONFIGURATION.format(object_format=_answer(repository, "--show-object-format")))
        if boundary := repository.shallow_boundary():
            (folder / "shallow").write_text("".join(f"{commit_id}\n" for commit_id in boundary))
        objects = Path(_answer(repository, "--path-format=absolute", "--git-path", "objects"))
        yield IsolatedGit(folder, objects, repository.shown_as)


def _answer(repository: GitRepository, *question: str) -> str:
    answer = run_git(["--git-dir", str(repository.git_dir), "rev-parse", *question], reading_environment())
    return answer.decode(errors="surrogateescape").removesuffix("\n")


@contextlib.contextmanager
def spooled(lines: Sequence[str]) -> Iterator[IO[bytes]]:
    """A temporary file of lines, to be read by a git command."""
    with tempfile.TemporaryFile() as spool:
        spool.writelines(f"{line}\n".encode() for line in lines)
        spool.seek(0)
        yield spool


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    return last_line_of(errors.read())
