"""The verbs that compare what stands on disk: `foundry verify` and `foundry diff`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundry.errors import FoundryError, UserError
from foundry.terminal import aligned, printable

if TYPE_CHECKING:
    from foundry.evaluation.differences import Difference

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SILENT_SECONDS = 2.0
DIGEST_CHARACTERS = 64
SHOWN_DIGEST = 12


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    as_json: AsJson = False,
) -> None:
    """Check everything that a run has on disk, to the last byte, and say what a relaunch would do. Changes nothing.

    Exit code 0: all is whole; 1: something is damaged; 2: there is no such run.

    \b
    Examples:
      foundry verify runs/tiny-0123456789ab
      foundry verify runs/tiny-0123456789ab --json
    """
    from foundry.evaluation.verification import verify_run

    verification = verify_run(run, _unless_quick())
    if as_json:
        print(json.dumps(verification.as_dict(), indent=2, ensure_ascii=False))
    else:
        print(f"{printable(aligned(verification.rows()))}\n\n{verification.relaunch}")
    raise typer.Exit(0 if verification.is_whole else 1)


def _unless_quick() -> Callable[[str], None]:
    """Prints what is told to standard error, once the whole has lasted so long that a user may wonder."""
    begun = time.monotonic()

    def report(line: str) -> None:
        if time.monotonic() - begun >= SILENT_SECONDS:
            print(line, file=sys.stderr)

    return report


def diff(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="The folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="The folder of another.")],
    as_json: AsJson = False,
) -> None:
    """Name what differs between two runs: configuration, environment, data, metrics and outcome.

    An exclamation mark stands before what changes the weights or the metrics. Exit code, as of diff(1): 0 where nothing
    of that kind differs, 1 where something does, 2 where the runs cannot be compared.

    \b
    Examples:
      foundry diff runs/tiny-0123456789ab runs/tiny-ba9876543210
      foundry diff runs/tiny-0123456789ab elsewhere/runs/tiny-0123456789ab --json
    """
    from foundry.evaluation.differences import differences

    try:
        found = differences(first, second)
    except FoundryError as error:
        raise UserError(str(error)) from None
    matter = any(difference.matters for difference in found)
    if as_json:
        plain = {"runs": [str(first), str(second)], "same": not matter, "differences": [asdict(item) for item in found]}
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        print(printable(_table(found, first, second)))
    raise typer.Exit(1 if matter else 0)


def _table(found: list[Difference], first: Path, second: Path) -> str:
    from foundry.evaluation.differences import SECTIONS

    rows = [("", "", str(first), str(second))]
    for section in SECTIONS:
        of_section = [difference for difference in found if difference.section == section]
        rows.append(("", section if of_section else f"{section}: nothing differs", "", ""))
        for item in of_section:
            mark = "!" if item.matters else ""
            rows.append((mark, f"  {item.name}", _shown(item.first), _shown(item.second)))
    legend = (
        "! changes the weights or the metrics" if any(item.matters for item in found) else "the results are the same"
    )
    return f"{aligned(rows)}\n\n{legend}"


def _shown(value: Any) -> str:
    """A value in one line; a digest by its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    is_digest = len(text) == DIGEST_CHARACTERS and set(text) <= set("0123456789abcdef")
    return text[:SHOWN_DIGEST] if is_digest else text
