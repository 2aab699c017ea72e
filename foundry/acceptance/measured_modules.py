"""Which modules coverage is measured of: those of the packages that coverage's own configuration names."""

from __future__ import annotations

import fnmatch
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import ConfigError

from foundry.errors import UserError

Modules = dict[str, Path]
"""Each module by its name in reports, such as `foundry/config.py`, and its file on this machine."""


def measured_modules() -> Modules:
    """The modules below the `source` of coverage's configuration in the working directory, less those in `omit`.

    A source is a folder, or a package that can be imported; modules are named from the folder that it stands in.

    Raises:
        UserError: no source is configured, one is no folder or package, or coverage refuses what is configured.
    """
    try:
        configured = without_measuring(Coverage(data_file=None))
    except ConfigError as error:
        raise UserError(f"coverage cannot be configured: {error}; mend [tool.coverage] in pyproject.toml") from None
    sources, omitted = configured.get_option("run:source"), configured.get_option("run:omit")
    if not isinstance(sources, list) or not sources:
        raise UserError(
            "coverage does not know what to measure: name the package in pyproject.toml, "
            'such as source = ["foundry"] in [tool.coverage.run]'
        )
    found = dict(sorted(module for source in sources for module in _modules_of(source)))
    patterns = [str(pattern) for pattern in omitted] if isinstance(omitted, list) else []
    return {name: path for name, path in found.items() if not _is_omitted(name, patterns)}


def without_measuring(reading: Coverage) -> Coverage:
    """`reading`, made to read and report, while a measurement that this process is under still keeps its data.

    To make a `Coverage` keeps one that was started with the process from saving; that is meant for programs that
    start a measurement of their own.
    """
    import atexit

    measuring = Coverage.current()
    if measuring is not None:
        atexit.unregister(measuring.save)
        atexit.register(measuring.save)
    return reading


def _modules_of(source: str) -> Iterator[tuple[str, Path]]:
    folder = _folder_of(source)
    root = Path.cwd().resolve() if folder.is_relative_to(Path.cwd().resolve()) else folder.parent
    for path in folder.rglob("*.py"):
        yield path.relative_to(root).as_posix(), path


def _folder_of(source: str) -> Path:
    if Path(source).is_dir():
        return Path(source).resolve()
    try:
        found = importlib.util.find_spec(source)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        raise UserError(f"coverage source {source!r}: no such folder or package; mend [tool.coverage.run] source")
    return Path(found.submodule_search_locations[0]).resolve()


def _is_omitted(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
