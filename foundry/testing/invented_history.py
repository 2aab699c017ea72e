"""Records as scraping leaves them, made without a repository: a history in a few words.

    history = History(Path("pipelines/sample"))
    history.commit("a1", "Add the door", {"door.py": ("", "def open():\n    pass\n")})
    history.write()

Each commit names the files that it changes, with their text before and after; the files at HEAD follow from them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from foundry.pipeline.phase import HISTORY_FOLDER
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE, CommitRecord, FileChange, FileRecord, Hunk, as_line

FIRST_TIME = 1_700_000_000
SECONDS_BETWEEN_COMMITS = 3_600


class History:
    """The records of a repository that there never was.

    Args:
        folder: of a pipeline.

    Attributes:
        commits: the records so far, parents first.
    """

    def __init__(self, folder: Path) -> None:
        self.commits: list[CommitRecord] = []
        self._folder = folder
        self._files: dict[str, FileRecord] = {}

    def commit(
        self,
        name: str,
        files: Mapping[str, str | None],
        *,
        message: str = "",
        author: str = "Ada",
        time: int | None = None,
        parents: list[str] | None = None,
        renamed: Mapping[str, str] | None = None,
    ) -> CommitRecord:
        """One more commit.

        Args:
            name: the beginning of its hash.
            files: the text that each path has afterwards; None where the file is deleted.
            time: of the committer; by default an hour after the one before.
            parents: names; by default the commit before.
            renamed: new path by the old one; the text stays unless `files` says otherwise.
        """
        number = len(self.commits)
        time = FIRST_TIME + number * SECONDS_BETWEEN_COMMITS if time is None else time
        before = [self.commits[-1]["hash"]] if self.commits else []
        changes = [self._renamed(old, new, files) for old, new in (renamed or {}).items()]
        changes += [self._changed(path, text) for path, text in files.items() if path not in (renamed or {}).values()]
        record = _commit(name, message or f"Change {name}", author, time, before, changes)
        if parents is not None:
            record["parents"] = [_hash(parent) for parent in parents]
        self.commits.append(record)
        for change in changes:
            self._at_head(change, files, record)
        return record

    def date_files(self, record: CommitRecord) -> None:
        """Give the files that a commit changed last the time that it says by now."""
        for file in self._files.values():
            if file["last_commit"] == record["hash"]:
                file["time"] = record["committer"]["time"]

    def write(self) -> Path:
        """Write the records as they are now; the folder that holds them."""
        folder = self._folder / HISTORY_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / COMMITS_FILE).write_text("".join(map(as_line, self.commits)), encoding="ascii")
        files = [self._files[path] for path in sorted(self._files)]
        (folder / FILES_FILE).write_text("".join(map(as_line, files)), encoding="ascii")
        return folder

    def expected_commit(self, number: int) -> str:
        """The document of a commit of plain changes, with its markers as text."""
        record = self.commits[number]
        message = "\n\n".join(filter(None, (record["subject"], record["body"])))
        parts = [f"<|commit|>{message}\n"]
        for file in record["files"]:
            word = "" if file["change"] == "modified" else f"{file['change']}\n"
            parts.append(f"<|file|>{file['path']}\n{word}")
            for hunk in file["hunks"]:
                old = f"{hunk['old_start']},{hunk['old_lines']}"
                new = f"{hunk['new_start']},{hunk['new_lines']}"
                parts.append(f"@@ -{old} +{new} @@\n{hunk['text']}")
        return "".join(parts)

    @property
    def files(self) -> dict[str, str]:
        """The texts at HEAD by path."""
        return {path: record["text"] for path, record in self._files.items()}

    def _renamed(self, old: str, new: str, files: Mapping[str, str | None]) -> FileChange:
        text = self._files[old]["text"]
        change = changed_file(new, "renamed", text, files.get(new) or text)
        change["old_path"] = old
        return change

    def _changed(self, path: str, text: str | None) -> FileChange:
        if path not in self._files:
            return changed_file(path, "added", "", text or "")
        return changed_file(path, "deleted" if text is None else "modified", self._files[path]["text"], text or "")

    def _at_head(self, change: FileChange, files: Mapping[str, str | None], record: CommitRecord) -> None:
        old = self._files.pop(change["old_path"] or change["path"], None)
        if change["change"] == "deleted":
            return
        text = files.get(change["path"])
        if text is None:
            assert old is not None
            text = old["text"]
        self._files[change["path"]] = {
            "path": change["path"],
            "language": None,
            "licence": None,
            "blob": "0" * 40,
            "redactions": [],
            "bytes": len(text.encode(errors="replace")),
            "text": text,
            "last_commit": record["hash"],
            "author": record["author"]["name"],
            "time": record["committer"]["time"],
        }


def _hash(name: str) -> str:
    return name.ljust(40, "0")


def _commit(
    name: str, message: str, author: str, time: int, parents: list[str], changes: list[FileChange]
) -> CommitRecord:
    subject, _, body = message.partition("\n\n")
    return {
        "hash": _hash(name),
        "branches": ["main"],
        "tags": [],
        "redactions": [],
        "parents": parents,
        "author": {"name": author, "email": "ada@example.org", "time": time, "zone": "+0000"},
        "committer": {"name": "Ada", "email": "ada@example.org", "time": time, "zone": "+0000"},
        "subject": subject,
        "body": body,
        "flags": [],
        "files": changes,
        "insertions": sum(change["insertions"] for change in changes),
        "deletions": sum(change["deletions"] for change in changes),
        "issues": [],
        "seconds_since_parent": None,
        "complexity": 0.0,
        "notes": [],
    }


def changed_file(path: str, what: str, before: str, after: str) -> FileChange:
    """What a commit says of one path whose text changes."""
    hunks = _hunks(before, after)
    lines = [line for hunk in hunks for line in hunk["text"].split("\n")]
    return {
        "path": path,
        "old_path": None,
        "change": what,  # type: ignore[typeddict-item]
        "old_mode": "100644",
        "new_mode": "100644",
        "kind": "text",
        "insertions": sum(line.startswith("+") for line in lines),
        "deletions": sum(line.startswith("-") for line in lines),
        "hunks": hunks,
    }


def _hunks(before: str, after: str) -> list[Hunk]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    hunks: list[Hunk] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        (_, first_old, _, first_new, _), (_, _, last_old, _, last_new) = group[0], group[-1]
        text = "".join(_lines(tag, old[i1:i2], new[j1:j2]) for tag, i1, i2, j1, j2 in group)
        hunks.append(
            {
                "old_start": first_old + 1,
                "old_lines": last_old - first_old,
                "new_start": first_new + 1,
                "new_lines": last_new - first_new,
                "heading": "",
                "text": text,
            }
        )
    return hunks


def _lines(tag: str, old: list[str], new: list[str]) -> str:
    if tag == "equal":
        return "".join(f" {line}" for line in old)
    return "".join(f"-{line}" for line in old) + "".join(f"+{line}" for line in new)
