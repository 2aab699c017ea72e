"""One hostile thing of the corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """One hostile thing, and how it is planted into something whole.

    Attributes:
        name: what it is, in words; unique among those of its kind.
        attacks: who would fall for it.
        plant: is given the folder or the file to spoil, and the canary: a path that does not exist, and that code
            inside the hostile thing would create if it was run. Copies and targets of links are put beside the canary.
    """

    name: str
    attacks: str
    plant: Callable[[Path, Path], None]
