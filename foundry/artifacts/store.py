"""What every artifact store can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Bundle:
    """The files of one published model.

    Attributes:
        name: the run id; publishing under it again replaces what was there.
        files: where each file lies now, by its name in the artifact.
        metadata: what a registry shows beside the files.
    """

    name: str
    files: Mapping[str, Path]
    metadata: Mapping[str, Any] = field(default_factory=dict)


class ArtifactStore(Protocol):
    """Keeps published models. The trainer deletes nothing local before `confirmed_digests` agrees with what it sent."""

    kind: str
    """Names the store in `run.json`."""

    @property
    def postponed(self) -> str | None:
        """Why nothing is published now, as the user has asked for; None where it is."""

    def publish(self, bundle: Bundle) -> str:
        """Store the bundle; its location, when every file of it is there.

        Raises:
            FoundryError: it is not stored; nothing that was stored before is lost.
        """

    def confirmed_digests(self, location: str, bundle: Bundle) -> dict[str, str]:
        """SHA-256 by file name, of what the store holds now.

        A store that keeps digests of another kind gives the SHA-256 of those files of the bundle that agree with them,
        and something else for the others.

        Raises:
            FoundryError: the store does not answer, or holds nothing there.
        """
