"""Copies of the project in which a source file can be changed, while nobody touches the working tree."""

from __future__ import annotations

import compileall
import contextlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Shadows:
    """Makes copies of a project from one that is compiled once, so that a copy costs a twentieth of a second."""

    def __init__(self, project: Path, folder: Path) -> None:
        """Copy into `folder` what git knows of the project, as it lies there now, or what is not hidden."""
        self._folder = folder
        self._pristine = folder / "pristine"
        for name in _source_files(project):
            target = self._pristine / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, target)
        compileall.compile_dir(self._pristine, maxlevels=20, quiet=2)

    @contextlib.contextmanager
    def shadow(self, module: str = "", text: str = "") -> Iterator[Path]:
        """A folder with the copy `project`, whose file `module` has the content `text`; removed when the block ends.

        The folder is short of a name, because sockets that scenarios open below it allow no long ones.
        """
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as name:
            copy = Path(name, "project")
            shutil.copytree(self._pristine, copy)
            if module:
                (copy / module).write_text(text, encoding="utf-8")
                Path(importlib.util.cache_from_source(str(copy / module))).unlink(missing_ok=True)
            Path(name, "tmp").mkdir()
            yield Path(name)


def _source_files(project: Path) -> list[str]:
    command = ["git", "-C", str(project), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        names = answer.stdout.split("\0")
    else:
        paths = (path.relative_to(project) for path in project.rglob("*"))
        names = [str(path) for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)]
    return [name for name in names if name and (project / name).is_file()]
