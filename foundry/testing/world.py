"""The world of one scenario: a fresh folder, and what the steps so far have brought about."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

State = TypeVar("State")


@dataclass
class World:
    """Everything that the steps of one scenario share.

    Attributes:
        workspace: an empty folder that belongs to this scenario alone, and is the working directory while it runs.
    """

    workspace: Path
    _states: dict[type[Any], Any] = field(default_factory=dict)

    def of(self, kind: type[State]) -> State:
        """The scenario's own instance of a domain's state, made with `kind()` when it is first asked for."""
        if kind not in self._states:
            self._states[kind] = kind()
        return cast(State, self._states[kind])
