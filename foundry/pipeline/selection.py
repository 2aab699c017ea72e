"""Which phases a user asks for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from foundry.errors import UserError
from foundry.pipeline.order import PHASE_NAMES


@dataclass(frozen=True)
class Selection:
    """What the user asked for.

    Attributes:
        names: the phases, in order.
        starts_late: earlier phases must have been done before.
        force: phases are done even where nothing has changed.
    """

    names: Sequence[str] = PHASE_NAMES
    starts_late: bool = False
    force: bool = False


def selected(only: str | None, start: str | None, force: bool) -> Selection:
    """The selection that the options of a command line describe.

    Args:
        only: names of phases with commas between; None means all.
        start: the first of them; None means `analyze`.

    Raises:
        UserError: a name is not known, or both are given and leave nothing.
    """
    names = list(PHASE_NAMES)
    if only is not None:
        asked = [_known(name.strip(), "--only") for name in only.split(",")]
        names = [name for name in names if name in asked]
    if start is not None:
        names = [name for name in names if PHASE_NAMES.index(name) >= PHASE_NAMES.index(_known(start, "--from"))]
    if not names:
        raise UserError(f"--from {start}: none of the phases {only} comes so late; leave out --from, or --only")
    return Selection(names, starts_late=start is not None, force=force)


def _known(name: str, option: str) -> str:
    if name in PHASE_NAMES:
        return name
    nearest = difflib.get_close_matches(name, PHASE_NAMES, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"the phases are {', '.join(PHASE_NAMES)}"
    raise UserError(f"{option}: {name or 'an empty name'} is not a phase; {hint}")
