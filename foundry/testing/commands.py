"""What the commands of one scenario did."""

from __future__ import annotations

from dataclasses import dataclass, field

from foundry.testing.processes import Finished


@dataclass
class CommandState:
    """The last process, and those of a table of commands.

    Attributes:
        printed: of each command, the name of what it is expected to print, and what it printed.
        before: what stood in the workspace before.
    """

    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    rows: list[tuple[str, Finished, Finished]] = field(default_factory=list)
    printed: list[tuple[str, str, str]] = field(default_factory=list)
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
