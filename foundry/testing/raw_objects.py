"""Writes git objects as bytes, so that a repository can hold what git itself would never write.

Nothing is checked here: a date without end, an address with brackets in it, a name with a line end and a message in no
encoding at all are as good as any other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE, PROGRAM, LINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
_FOLDER = b"40000"
ADA = b"Ada <ada@example.org>"


@dataclass(frozen=True)
class Entry:
    """What stands under a name in a tree.

    Attributes:
        content: of a file, or where a link leads.
        object_id: 20 bytes; where it is given, that stands there instead of the content.
    """

    mode: bytes
    content: bytes = b""
    object_id: bytes | None = None


def submodule_at(commit_id: str) -> Entry:
    """A submodule, at a commit that need not be at hand."""
    return Entry(SUBMODULE, object_id=bytes.fromhex(commit_id))


Files = Mapping[bytes, bytes | Entry]
"""Contents by path; plain bytes are a file."""


class ObjectWriter:
    """Writes into a git folder.

    Args:
        git_dir: of a repository that `git init` has made.
    """

    def __init__(self, git_dir: Path) -> None:
        self._git_dir = git_dir

    def write(self, kind: str, content: bytes) -> str:
        """Any object; its id."""
        whole = f"{kind} {len(content)}\0".encode() + content
        object_id = hashlib.sha1(whole).hexdigest()
        path = self.path_of(object_id)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        return object_id

    def path_of(self, object_id: str) -> Path:
        """Where an object lies."""
        return self._git_dir / "objects" / object_id[:2] / object_id[2:]

    def tree(self, files: Files) -> str:
        """A tree with all folders below it."""
        folders: dict[bytes, dict[bytes, bytes | Entry]] = {}
        entries: list[tuple[bytes, bytes, bytes]] = []
        for path, content in files.items():
            name, slash, rest = path.partition(b"/")
            if slash:
                folders.setdefault(name, {})[rest] = content
            else:
                entry = content if isinstance(content, Entry) else Entry(FILE, content)
                entries.append((name, entry.mode, self._id_of(entry)))
        entries += [(name, _FOLDER, bytes.fromhex(self.tree(inside))) for name, inside in folders.items()]
        entries.sort(key=lambda entry: entry[0] + b"/" * (entry[1] == _FOLDER))
        return self.write("tree", b"".join(b"%s %s\0%s" % (mode, name, number) for name, mode, number in entries))

    def _id_of(self, entry: Entry) -> bytes:
        return entry.object_id or bytes.fromhex(self.write("blob", entry.content))

    def blob(self, content: bytes) -> Entry:
        """A file that may stand in many places, and is written once."""
        return Entry(FILE, object_id=bytes.fromhex(self.write("blob", content)))

    def commit(
        self,
        files: Files,
        parents: Sequence[str] = (),
        message: bytes = b"A commit\n",
        author: bytes = ADA + b" 1700000000 +0000",
        committer: bytes | None = None,
        headers: bytes = b"",
    ) -> str:
        """A commit.

        Args:
            author: the whole line; the committer's is the same unless it is given.
            headers: further lines, each with its end.
        """
        lines = [b"tree " + self.tree(files).encode(), *(b"parent " + parent.encode() for parent in parents)]
        lines += [b"author " + author, b"committer " + (author if committer is None else committer)]
        return self.write("commit", b"\n".join(lines) + b"\n" + headers + b"\n" + message)

    def branch(self, name: str, commit_id: str) -> None:
        """Let a branch name a commit."""
        path = self._git_dir / "refs" / "heads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(commit_id + "\n")
