"""Repositories that are named by a URL: cloned once into the user's cache folder, and fetched on later launches."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from foundry.data.git import GitError, GitRepository, last_line_of, network_environment, run_git
from foundry.data.progress import Progress, Report
from foundry.errors import FoundryError, UserError
from foundry.files import new_folder
from foundry.reproducibility import without_password
from foundry.user_cache import user_cache_folder

_SCP_LIKE = re.compile(r"^[\w.-]+@[\w.-]+:")
_FULL_COMMIT_ID = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})$")


def is_url(repository: str) -> bool:
    """Whether `data.git.repository` names a place that has to be cloned."""
    return "://" in repository or _SCP_LIKE.match(repository) is not None


def up_to_date_clone(url: str, revision: str, report: Report | None) -> GitRepository:
    """A bare clone of `url`, fetched again unless `revision` is a commit id that it already holds.

    A URL that cannot be reached now is no obstacle, if it was cloned before and the clone holds `revision`.

    Raises:
        UserError: the URL cannot be cloned.
        FoundryError: there is a clone, but it lacks `revision` and cannot be brought up to date.
    """
    shown, folder = without_password(url), _clone_folder(url)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            _clone(url, folder, report)
        elif not (_FULL_COMMIT_ID.match(revision) and GitRepository.open(folder, shown).holds(revision)):
            _fetch(url, revision, folder, report)
        os.utime(folder)  # tells `foundry cache` when it was used
        return GitRepository.open(folder, shown)


def existing_clone(url: str) -> GitRepository | None:
    """The clone of `url` as it was left, which may lack later commits; None where it was never cloned."""
    folder = _clone_folder(url)
    return GitRepository.open(folder, without_password(url)) if folder.is_dir() else None


def _clone_folder(url: str) -> Path:
    shown = without_password(url)
    stem = re.sub(r"[^\w.-]", "-", shown.rstrip("/").removesuffix(".git").rpartition("/")[2])
    return user_cache_folder() / "repositories" / f"{stem}-{hashlib.sha256(shown.encode()).hexdigest()[:12]}.git"


def _clone(url: str, folder: Path, report: Report | None) -> None:
    progress = Progress(report)
    progress.note(f"cloning {without_password(url)} into {folder}")
    with new_folder(folder) as unfinished:
        try:
            _talk(["clone", "--bare", "--template=", "--progress", "--", url, str(unfinished)], progress)
        except GitError as error:
            raise UserError(f"data.git.repository: {without_password(url)} cannot be cloned: {error}") from error


def _fetch(url: str, revision: str, folder: Path, report: Report | None) -> None:
    progress = Progress(report)
    branches = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    here = ["--git-dir", str(folder)]
    try:
        _talk([*here, "fetch", "--prune", "--progress", "--end-of-options", url, *branches], progress)
        head = run_git([*_ALLOWED, "ls-remote", "--symref", "--end-of-options", url, "HEAD"], network_environment())
        if named := re.match(rb"ref: (refs/heads/\S+)\tHEAD", head):
            run_git([*here, "symbolic-ref", "HEAD", named[1].decode()], network_environment())
    except GitError as error:
        failure = f"{without_password(url)} cannot be fetched: {error}"
        if not GitRepository.open(folder, without_password(url)).holds(revision):
            raise FoundryError(f"{failure}; what was cloned before lacks data.git.revision {revision!r}") from error
        progress.note(f"{failure}; going on with what was cloned before, which may lack later commits")


_ALLOWED = ("-c", "protocol.allow=user")


def _talk(arguments: Sequence[str], progress: Progress) -> None:
    """Run a git command that talks to a server, and pass its progress on.

    Raises:
        GitError: git's own reason.
    """
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*", *arguments]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=network_environment(),
        )
    except FileNotFoundError as error:
        raise UserError("git was not found on the PATH, and data.git needs it; install git") from error
    assert process.stderr is not None
    said = b""
    while chunk := os.read(process.stderr.fileno(), 4096):
        said = (said + chunk)[-4096:]
        progress.update(last_line_of(said.replace(b"\r", b"\n")))
    if process.wait() != 0:
        raise GitError(without_password(_reason(said)) or f"git ended with status {process.returncode}")


def _reason(said: bytes) -> str:
    """Git's own `fatal:` line, which is not always the last one."""
    fatal = re.search(rb"^fatal: (.*)$", said, re.MULTILINE)
    return fatal[1].decode(errors="replace") if fatal else last_line_of(said)
