"""What `git diff-tree --raw --patch` prints of one commit: a line for each file, then a section for each file.

No content can be taken for structure. Paths with line ends are quoted, and each line of content begins with a space,
`+`, `-` or a backslash, so that a line that begins otherwise is git's own. The numbers of inserted and deleted lines
follow from a hunk's head and its number of lines; nothing is done line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from foundry.pipeline.records import Change, FileChange, Hunk, Kind
from foundry.pipeline.scraping.quoting import unquoted

_HUNK_HEAD = re.compile(r"-(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?([^\n]*)\n?", re.ASCII)
_CHANGES: dict[str, Change] = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "type",
}
SUBMODULE, LINK, NOTHING = "160000", "120000", "000000"


@dataclass
class Patch:
    """What a commit did to the files.

    Attributes:
        is_ascii: nothing else stands in it.
        num_lines: lines of the hunks, those that were cut off included.
        not_utf8: paths whose content was read as Latin-1.
    """

    is_ascii: bool = True
    files: list[FileChange] = field(default_factory=list)
    num_lines: int = 0
    not_utf8: list[str] = field(default_factory=list)


def parse_patch(output: bytes, max_lines: int) -> Patch:
    """The files of a commit, with the first `max_lines` lines of its hunks.

    Args:
        output: from the first raw line to the last patch; an end that was cut off is no harm.
    """
    text = output.strip(b"\n").decode("latin-1")  # a character a byte; what is stored is decoded text by text
    raw, *sections = text.split("\ndiff --git ")
    patch = Patch(text.isascii())
    remaining = iter(sections)
    for line in raw.split("\n"):
        if line.startswith(":"):
            _add_file(patch, line, remaining, max_lines)
    return patch


def _add_file(patch: Patch, line: str, sections: Iterator[str], max_lines: int) -> None:
    head, *paths = line.split("\t")
    old_mode, new_mode, old_blob, new_blob, status = head[1:].split(" ")
    change: FileChange = {
        "path": unquoted(paths[-1].encode("latin-1")),
        "old_path": unquoted(paths[0].encode("latin-1")) if len(paths) > 1 else None,
        "change": "mode" if status == "M" and old_blob == new_blob else _CHANGES.get(status[0], "modified"),
        "old_mode": old_mode,
        "new_mode": new_mode,
        "kind": _kind(old_mode, new_mode),
        "insertions": 0,
        "deletions": 0,
        "hunks": [],
    }
    patch.files.append(change)
    for _ in range(2 if status == "T" else 1):
        _add_section(patch, change, next(sections, ""), max_lines)


def _kind(old_mode: str, new_mode: str) -> Kind:
    mode = old_mode if new_mode == NOTHING else new_mode
    return "submodule" if mode == SUBMODULE else "link" if mode == LINK else "text"


def _add_section(patch: Patch, change: FileChange, section: str, max_lines: int) -> None:
    head, *pieces = section.split("\n@@ ")
    if "\nBinary files " in head:
        change["kind"] = "binary"
    for piece in pieces:
        if found := _HUNK_HEAD.match(piece):
            _add_hunk(patch, change, found, piece[found.end() :] + "\n", max_lines)


def _add_hunk(patch: Patch, change: FileChange, head: re.Match[str], content: str, max_lines: int) -> None:
    old_start, old_count, new_start, new_count, heading = head.groups()
    old_lines, new_lines = int(old_count or 1), int(new_count or 1)
    num_lines = content.count("\n") - content.count("\n\\")
    num_kept = old_lines + new_lines - num_lines
    change["insertions"] += new_lines - num_kept
    change["deletions"] += old_lines - num_kept
    room = max_lines - patch.num_lines
    patch.num_lines += num_lines
    if room > 0:
        if num_lines > room:
            content = _first_lines(content, room)
        hunk: Hunk = {
            "old_start": int(old_start),
            "old_lines": old_lines,
            "new_start": int(new_start),
            "new_lines": new_lines,
            "heading": heading if patch.is_ascii else _text(heading, patch, change["path"]),
            "text": content if patch.is_ascii else _text(content, patch, change["path"]),
        }
        change["hunks"].append(hunk)


def _first_lines(content: str, count: int) -> str:
    end = 0
    for _ in range(count):
        end = content.find("\n", end) + 1
    return content[:end]


def _text(content: str, patch: Patch, path: str) -> str:
    """What the bytes mean that the characters stand for."""
    try:
        return content.encode("latin-1").decode()
    except UnicodeDecodeError:
        if patch.not_utf8[-1:] != [path]:
            patch.not_utf8.append(path)
        return content
