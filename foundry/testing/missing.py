"""The real command on a machine where a package is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from foundry.testing.processes import TIMEOUT_SECONDS, Finished, environment_of_command

BEGINNING = """\
import sys
from importlib.machinery import PathFinder


class WithoutPackage(PathFinder):
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] == {package!r} else PathFinder.find_spec(name, path, target)


sys.meta_path = [WithoutPackage if finder is PathFinder else finder for finder in sys.meta_path]
"""
"""Read by Python before anything else; from then on, the package is not found on any path."""


def run_foundry_without(package: str, arguments: Sequence[str]) -> Finished:
    """Run `foundry` to its end in a Python that does not find `package`."""
    return run_python_without(package, ["-m", "foundry", *arguments])


def run_python_without(package: str, arguments: Sequence[str]) -> Finished:
    """Run a Python to its end that does not find `package`."""
    hidden = Path("hidden", "sitecustomize.py")
    hidden.parent.mkdir(parents=True)
    hidden.write_text(BEGINNING.format(package=package), encoding="utf-8")
    environment = environment_of_command()
    environment["PYTHONPATH"] = os.pathsep.join([str(hidden.parent.resolve()), environment["PYTHONPATH"]])
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Finished(process.returncode, process.stdout, process.stderr)
