"""`python -m foundry.acceptance.faults`: plants faults without running the suite, as one does who writes them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foundry.acceptance.faults.budget import budget_seconds
from foundry.acceptance.faults.fault import catalogue_of, read_catalogue
from foundry.acceptance.faults.figures import write_figures
from foundry.acceptance.faults.planting import Planting
from foundry.acceptance.faults.telling import summary, told
from foundry.errors import FoundryError, UserError


def main() -> int:
    """Plant the faults and tell what becomes of each; 0 where every one is caught, 1 where one is not."""
    parser = argparse.ArgumentParser(prog="python -m foundry.acceptance.faults", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="YAML files, or folders of them; the project's catalogue")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only the fault NAME; repeatable")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="trials side by side")
    parser.add_argument("--budget", metavar="TIME", help="how long it may take: 90s, 10m, 1h")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the order in which a budget is spent")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures are written")
    options = parser.parse_args()
    try:
        return _plant(options)
    except FoundryError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _plant(options: argparse.Namespace) -> int:
    project = Path.cwd()
    budget = budget_seconds(options.budget) if options.budget else None
    faults = read_catalogue(options.files or [catalogue_of(project)])
    if unknown := set(options.only) - {fault.name for fault in faults}:
        raise UserError(f"--only {', '.join(sorted(unknown))}: no such fault; the catalogue has {len(faults)} others")
    chosen = [fault for fault in faults if not options.only or fault.name in options.only]
    planting = Planting(project, chosen, lambda it: print(told(it), flush=True), options.workers, budget, options.seed)
    figures = planting.run()
    print("\n".join(summary(figures)))
    if options.out:
        write_figures(figures, options.out)
    return int(bool(figures.not_caught))


if __name__ == "__main__":
    sys.exit(main())
