"""The branches, the tags and HEAD of a repository, and what else decides about its history."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from foundry.data.git import GitError, GitRepository, reading_environment, run_git
from foundry.data.isolated_git import IsolatedGit, spooled

_FORMAT = "%(objectname) %(symref) %(refname)"


@dataclass(frozen=True)
class References:
    """Where histories begin.

    Attributes:
        branches: the commit of each branch by its name, `origin/main` where it is a remote's; sorted.
        tags: the commit of each tag by its name; sorted.
        head: the commit of HEAD; None where HEAD names a branch without commits.
        head_branch: the branch that HEAD names; None where it is detached.
        num_other_tags: tags of something else than a commit.
    """

    branches: dict[str, str]
    tags: dict[str, str]
    head: str | None
    head_branch: str | None
    num_other_tags: int

    @property
    def tips(self) -> list[str]:
        """Every commit that is named, once."""
        named = [*self.branches.values(), *self.tags.values(), *([self.head] if self.head else [])]
        return list(dict.fromkeys(named))


def read_references(repository: GitRepository, git: IsolatedGit) -> References:
    """What the repository names.

    Raises:
        FoundryError: a branch names an object that is missing.
    """
    named = _named(repository)
    commits = _commits_of(git, [object_id for object_id, _ in named])
    branches, tags, num_other_tags = {}, {}, 0
    for (_, name), commit in zip(named, commits, strict=True):
        if name.startswith("refs/tags/"):
            num_other_tags += commit is None
            tags.update({name.removeprefix("refs/tags/"): commit} if commit else {})
        elif commit:
            branches[name.split("/", 2)[2]] = commit
    return References(
        dict(sorted(branches.items())),
        dict(sorted(tags.items())),
        _head(repository),
        _ask(repository, "symbolic-ref", "--short", "--quiet", "HEAD"),
        num_other_tags,
    )


def _named(repository: GitRepository) -> list[tuple[str, str]]:
    """The object and the full name of each branch and tag, without a remote's HEAD, which is another name of one."""
    listed = _git(repository, "for-each-ref", f"--format={_FORMAT}", "refs/heads", "refs/remotes", "refs/tags")
    found = []
    for line in listed.decode(errors="surrogateescape").splitlines():
        object_id, symref, name = line.split(" ", 2)
        if not (symref and name.startswith("refs/remotes/")):
            found.append((object_id, name))
    return found


def _commits_of(git: IsolatedGit, object_ids: list[str]) -> list[str | None]:
    """The commit that each object is or, being a tag, leads to; None where it leads to something else."""
    names = [f"{object_id}^{{commit}}" for object_id in object_ids]
    with spooled(names) as questions, git.stream("cat-file", "--batch-check", stdin=questions) as answers:
        lines = [line.split() for line in answers]
    missing = [answer[0].decode() for answer in lines if answer[-1] == b"missing"]
    present = _present(git, [name.removesuffix("^{commit}") for name in missing])
    if absent := [name for name, is_there in present.items() if not is_there]:
        raise git.broken("cat-file", f"object {absent[0]} is missing")
    return [None if answer[-1] == b"missing" else answer[0].decode() for answer in lines]


def _present(git: IsolatedGit, object_ids: list[str]) -> dict[str, bool]:
    with spooled(object_ids) as questions, git.stream("cat-file", "--batch-check", stdin=questions) as answers:
        return {
            object_id: not answer.endswith(b"missing\n") for object_id, answer in zip(object_ids, answers, strict=True)
        }


def _head(repository: GitRepository) -> str | None:
    return _ask(repository, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")


def _ask(repository: GitRepository, *arguments: str) -> str | None:
    try:
        return _git(repository, *arguments).decode(errors="surrogateescape").rstrip("\n")
    except GitError:
        return None


def _git(repository: GitRepository, *arguments: str) -> bytes:
    return run_git(["--git-dir", str(repository.git_dir), *arguments], reading_environment())


def digest_of_references(repository: GitRepository) -> str:
    """A digest of all that decides which commits and files a scrape finds."""
    digest = hashlib.sha256()
    for object_id, name in _named(repository):
        digest.update(f"{object_id} {name}\n".encode(errors="surrogateescape"))
    digest.update(f"{_head(repository)} {_ask(repository, 'symbolic-ref', '--quiet', 'HEAD')}".encode())
    digest.update(" ".join([*repository.shallow_boundary(), *map(str, replaced_history(repository))]).encode())
    return digest.hexdigest()


def replaced_history(repository: GitRepository) -> tuple[int, int]:
    """How many grafts and replacement objects the repository holds; none of them is followed."""
    shared = _git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir")
    grafts = Path(shared.decode(errors="surrogateescape").rstrip("\n")) / "info" / "grafts"
    lines = grafts.read_bytes().splitlines() if grafts.is_file() else []
    num_grafts = sum(1 for line in lines if line.strip() and not line.startswith(b"#"))
    return num_grafts, len(_git(repository, "for-each-ref", "--format=%(refname)", "refs/replace").splitlines())
