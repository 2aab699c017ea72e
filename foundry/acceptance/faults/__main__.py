"""`python -m foundry.acceptance.faults [FILE]... [--only NAME]`: plants faults while their catalogue is written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foundry.acceptance.faults.fault import CATALOGUE, read_catalogue
from foundry.acceptance.faults.figures import FaultFigure
from foundry.acceptance.faults.planting import Planting
from foundry.errors import FoundryError
from foundry.terminal import printable


def main() -> int:
    """Plant the faults and tell what becomes of each; 0 where every one is caught."""
    parser = argparse.ArgumentParser(prog="python -m foundry.acceptance.faults", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[CATALOGUE], help="YAML files, or folders of them")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only the fault NAME; repeatable")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="trials side by side")
    options = parser.parse_args()
    try:
        faults = read_catalogue(options.files)
        chosen = [fault for fault in faults if not options.only or fault.name in options.only]
        figures = Planting(Path.cwd(), chosen, _show, workers=options.workers).run()
    except FoundryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{dict(figures.counts)} in {figures.seconds:.0f} s")
    return int(bool(figures.not_caught))


def _show(figure: FaultFigure) -> None:
    why = ": ".join(part for part in (figure.step, figure.message) if part)
    print(printable(f"{figure.verdict:<18} {figure.name}  ({figure.seconds:.1f} s)  {why}"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
