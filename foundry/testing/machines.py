"""Machines that lack something, made of the one at hand: programs that are not on its path, other versions, full disks.

A process that starts with `Machine.environment` meets what is really there: folders of links in place of the path,
programs that fail, packages whose metadata tell of another version.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import foundry

TIMEOUT_SECONDS = 120
NOT_INHERITED = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "NETRC", "HF_ENDPOINT", "COLUMNS")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass
class Machine:
    """A machine like this one, for the processes that are started on it; what it lacks is set up in `folder`.

    Attributes:
        variables: environment variables that it has beside this machine's.
        python: the program that runs Python there.
        max_address_space: bytes that a process may map; None for no limit.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    max_address_space: int | None = None
    _programs: list[Path] = field(default_factory=list)
    _packages: list[Path] = field(default_factory=list)
    _path: str = field(default_factory=lambda: os.environ.get("PATH", os.defpath))

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with: no proxy, and no login but one of this machine's own."""
        left_out = {*NOT_INHERITED, *PROXIES, *(name.upper() for name in PROXIES)}
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        source = Path(foundry.__file__).parent.parent
        path = os.pathsep.join([*map(str, reversed(self._programs)), self._path])
        packages = os.pathsep.join([*map(str, reversed(self._packages)), str(source), *_packages_of(self.python)])
        return {**kept, "HOME": str(self.folder), "PATH": path, "PYTHONPATH": packages, **self.variables}

    def lacks(self, *names: str) -> None:
        """Take programs off its path: a folder of links to all others takes its place."""
        links = self.folder / f"without-{names[0]}"
        links.mkdir()
        for place in reversed(self._path.split(os.pathsep)):
            if Path(place).is_dir():
                for program in Path(place).iterdir():
                    _link(links / program.name, program, program.name in names)
        self._path = str(links)

    def has_program(self, script: str, *names: str) -> None:
        """Put programs onto its path, before others of that name, that run a script of the shell."""
        place = self.folder / f"with-{names[0]}"
        place.mkdir()
        for name in names:
            (place / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (place / name).chmod(0o755)
        self._programs.append(place)

    def has_package(self, name: str, version: str) -> None:
        """Let Python find a package of a version, before any other of that name, by its metadata."""
        metadata = self._package_folder(name) / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")

    def has_module(self, name: str) -> None:
        """Let Python find an empty package, before any other of that name, that lacks the files it should bring."""
        module = self._package_folder(name) / name
        module.mkdir()
        (module / "__init__.py").touch()

    def has_own_environment(self) -> None:
        """Run another environment of Python, with the same packages, in which nothing else is installed."""
        environment = self.folder / "environment"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        self.python = environment / "bin" / "python"

    def has_driver_of_no_use(self) -> None:
        """Give it a library by the name of the driver of NVIDIA that drives nothing."""
        place = self.folder / "driver"
        place.mkdir()
        shutil.copy(_some_library(), place / "libcuda.so.1")
        self.variables["LD_LIBRARY_PATH"] = str(place)

    def _package_folder(self, name: str) -> Path:
        place = self.folder / f"packages-{name}"
        place.mkdir()
        self._packages.append(place)
        return place

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `foundry` on it in the current folder, to its end."""
        return subprocess.run(
            [self.python, "-m", "foundry", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            preexec_fn=self._limit if self.max_address_space else None,
        )

    def _limit(self) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (self.max_address_space or 0, resource.RLIM_INFINITY))


def _link(link: Path, program: Path, is_lacking: bool) -> None:
    """Let `link` lead to a program, in place of one that comes later on the path."""
    if not is_lacking:
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def _packages_of(python: Path) -> list[str]:
    """Where an environment that has no packages finds those of this one."""
    return [] if python == Path(sys.executable) else site.getsitepackages()


def _some_library() -> Path:
    """A library of this Python or of the system."""
    import _ctypes

    return Path(_ctypes.__file__)
