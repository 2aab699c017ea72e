"""What every artifact store can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Bundle:
    """The files of one published model.

    Attributes:
        name: the run id; publishing under it again replaces what was there.
        files: where each file lies now, by its name in the artifact.
    """

    name: str
    files: Mapping[str, Path]


class ArtifactStore(Protocol):
    """Keeps published models. The trainer deletes nothing local before `confirmed_digests` agrees with what it sent."""

    kind: str
    """Names the store in `run.json`."""

    def publish(self, bundle: Bundle) -> str:
        """Store the bundle; its location, when every file of it is there.

        Raises:
            FoundryError: it is not stored; nothing that was stored before is lost.
        """

    def confirmed_digests(self, location: str) -> dict[str, str]:
        """SHA-256 by file name, computed from what the store holds now.

        Raises:
            FoundryError: the store does not answer, or holds nothing there.
        """
