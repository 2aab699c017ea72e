"""The runs that were left alone, which those that were killed are compared with."""

from __future__ import annotations

import functools
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.testing.campaign.cases import Corpora
from foundry.testing.kill_points import KillPoint, watched


@dataclass(frozen=True)
class Reference:
    """A run that was left alone.

    Attributes:
        workspace: where it ran.
        points: the instants at which it could have been killed, in their order.
        seconds: how long it took, watched.
    """

    config: ExperimentConfig
    workspace: Path
    points: tuple[KillPoint, ...]
    seconds: float

    @property
    def run_folder(self) -> Path:
        """Its run folder."""
        return run_folder(self.workspace)


class References:
    """The reference of each case, trained when it is first asked for.

    Args:
        folder: one that does not exist yet; holds corpora, tokenized data and runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._corpora = Corpora(self.folder / "data")
        self._corpora.write()
        self._made: dict[str, Reference] = {}

    def of(self, case: str) -> Reference:
        """The run of a case that was left alone."""
        if case not in self._made:
            config, workspace = self._corpora.experiment(case), self.folder / case
            launch = watched(config, workspace)
            self._made[case] = Reference(config, workspace, launch.points, launch.seconds)
        return self._made[case]


@functools.cache
def shared_references() -> References:
    """References for all that this process tests; they are removed when it ends."""
    _kept.append(folder := tempfile.TemporaryDirectory(prefix="references-", dir=folder_in_memory()))
    return References(Path(folder.name) / "references")


_kept: list[tempfile.TemporaryDirectory[str]] = []
"""A temporary folder is removed with its object."""


def folder_in_memory() -> Path | None:
    """Where files are kept in memory, on systems that have such a place for everyone; None elsewhere.

    A killed process leaves the same files in memory as on a disk, and the other tests do not wait for the disk.
    """
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


def run_folder(workspace: Path) -> Path:
    """The only run in a workspace."""
    (record,) = (workspace / "runs").glob("*/run.json")
    return record.parent
