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

_HUNK_HEAD = re.compile(rb"-(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?")
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
        num_lines: lines of the hunks, those that were cut off included.
        not_utf8: paths whose content was read as Latin-1.
    """

    files: list[FileChange] = field(default_factory=list)
    num_lines: int = 0
    not_utf8: list[str] = field(default_factory=list)


def parse_patch(output: bytes, max_lines: int) -> Patch:
    """The files of a commit, with the first `max_lines` lines of its hunks.

    Args:
        output: from the first raw line to the last patch; an end that was cut off is no harm.
    """
    raw, *sections = output.strip(b"\n").split(b"\ndiff --git ")
    patch = Patch()
    remaining = iter(sections)
    for line in raw.split(b"\n"):
        if line.startswith(b":"):
            _add_file(patch, line, remaining, max_lines)
    return patch


def _add_file(patch: Patch, line: bytes, sections: Iterator[bytes], max_lines: int) -> None:
    head, *paths = line.split(b"\t")
    old_mode, new_mode, old_blob, new_blob, status = head.decode()[1:].split(" ")
    change: FileChange = {
        "path": unquoted(paths[-1]),
        "old_path": unquoted(paths[0]) if len(paths) > 1 else None,
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
        _add_section(patch, change, next(sections, b""), max_lines)


def _kind(old_mode: str, new_mode: str) -> Kind:
    mode = old_mode if new_mode == NOTHING else new_mode
    return "submodule" if mode == SUBMODULE else "link" if mode == LINK else "text"


def _add_section(patch: Patch, change: FileChange, section: bytes, max_lines: int) -> None:
    head, *pieces = section.split(b"\n@@ ")
    if b"\nBinary files " in head:
        change["kind"] = "binary"
    for piece in pieces:
        first, _, content = piece.partition(b"\n")
        _add_hunk(patch, change, first, content + b"\n", max_lines)


def _add_hunk(patch: Patch, change: FileChange, first: bytes, content: bytes, max_lines: int) -> None:
    found = _HUNK_HEAD.match(first)
    if found is None:
        return
    old_lines, new_lines = int(found[2] or 1), int(found[4] or 1)
    num_lines = content.count(b"\n") - content.count(b"\n\\")
    num_kept = old_lines + new_lines - num_lines
    change["insertions"] += new_lines - num_kept
    change["deletions"] += old_lines - num_kept
    room = max_lines - patch.num_lines
    patch.num_lines += num_lines
    if room > 0:
        hunk: Hunk = {
            "old_start": int(found[1]),
            "old_lines": old_lines,
            "new_start": int(found[3]),
            "new_lines": new_lines,
            "heading": _text(first[found.end() :], patch, change["path"]),
            "text": _text(content if num_lines <= room else _first_lines(content, room), patch, change["path"]),
        }
        change["hunks"].append(hunk)


def _first_lines(content: bytes, count: int) -> bytes:
    end = 0
    for _ in range(count):
        end = content.find(b"\n", end) + 1
    return content[:end]


def _text(content: bytes, patch: Patch, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        if patch.not_utf8[-1:] != [path]:
            patch.not_utf8.append(path)
        return content.decode("latin-1")
