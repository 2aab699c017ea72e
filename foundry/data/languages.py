"""The languages that files are chosen by, known from their names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from foundry.errors import UserError

SUFFIXES: dict[str, tuple[str, ...]] = {
    "c": (".c", ".h"),
    "c++": (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".h"),
    "c#": (".cs",),
    "css": (".css", ".scss", ".sass", ".less"),
    "cuda": (".cu", ".cuh"),
    "dart": (".dart",),
    "dockerfile": ("dockerfile", ".dockerfile"),
    "elixir": (".ex", ".exs"),
    "fortran": (".f", ".f90", ".f95"),
    "gherkin": (".feature",),
    "go": (".go",),
    "haskell": (".hs",),
    "html": (".html", ".htm"),
    "java": (".java",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "json": (".json",),
    "julia": (".jl",),
    "kotlin": (".kt", ".kts"),
    "lua": (".lua",),
    "makefile": ("makefile", ".mk"),
    "markdown": (".md", ".markdown"),
    "ocaml": (".ml", ".mli"),
    "perl": (".pl", ".pm"),
    "php": (".php",),
    "python": (".py", ".pyi", ".pyx"),
    "r": (".r",),
    "restructuredtext": (".rst",),
    "ruby": (".rb", ".rake"),
    "rust": (".rs",),
    "scala": (".scala", ".sc"),
    "shell": (".sh", ".bash", ".zsh"),
    "sql": (".sql",),
    "swift": (".swift",),
    "text": (".txt",),
    "toml": (".toml",),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "xml": (".xml", ".xsd", ".svg"),
    "yaml": (".yaml", ".yml"),
    "zig": (".zig",),
}
"""Endings of lower-cased file names."""


def language_of(path: str) -> str | None:
    """The language that a file's name tells; of several the one with the longest ending, then the first by name."""
    name = path.rpartition("/")[2].lower()
    endings = [
        (-len(ending), language)
        for language, of_language in SUFFIXES.items()
        for ending in of_language
        if name.endswith(ending)
    ]
    return min(endings)[1] if endings else None


def suffixes_of(languages: Sequence[str], setting: str = "data.git.languages") -> tuple[str, ...]:
    """The endings of lower-cased file names that belong to `languages`; none means every file.

    Args:
        setting: where the languages were named, for the message.

    Raises:
        UserError: a language is not known.
    """
    endings: set[str] = set()
    for language in languages:
        if language.lower() not in SUFFIXES:
            raise UserError(f"{setting}: {language!r} is not a known language{_hint(language)}")
        endings.update(SUFFIXES[language.lower()])
    return tuple(sorted(endings))


def _hint(language: str) -> str:
    nearest = difflib.get_close_matches(language.lower(), SUFFIXES, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known are {', '.join(SUFFIXES)}"
