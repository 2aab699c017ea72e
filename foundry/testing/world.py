"""The world of one scenario: a fresh folder, what the steps have brought about, and what the report shows of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from foundry.acceptance.attachments import Attachment, AttachmentKind

State = TypeVar("State")


@dataclass
class World:
    """Everything that the steps of one scenario share.

    Attributes:
        workspace: an empty folder that belongs to this scenario alone, and is the working directory while it runs.
        attachments: what the report will show, in the order in which the steps gave it.
        ending: what is called, the last one first, when the steps are over; where it raises, the scenario is broken.
    """

    workspace: Path
    attachments: list[Attachment] = field(default_factory=list)
    ending: ExitStack = field(default_factory=ExitStack)
    _states: dict[type[Any], Any] = field(default_factory=dict)

    def of(self, kind: type[State]) -> State:
        """The scenario's own instance of a domain's state, made with `kind()` when it is first asked for."""
        if kind not in self._states:
            self._states[kind] = kind()
        return cast(State, self._states[kind])

    def attach(self, name: str, content: str | bytes, kind: AttachmentKind = "text") -> None:
        """Show `content` in the report, beside this scenario, under `name`."""
        self.attachments.append(Attachment(name, content, kind))
