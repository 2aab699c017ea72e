"""`python -m foundry.acceptance.faults`: plants faults, or tries random mutants, without a run of the suite."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foundry.acceptance.coverage_data import lines_by_scenario
from foundry.acceptance.coverage_report import FOLDER_NAME
from foundry.acceptance.faults.budget import Allowance, budget_seconds
from foundry.acceptance.faults.covering import Covering, covering_of, estimated
from foundry.acceptance.faults.fault import catalogue_of, read_catalogue
from foundry.acceptance.faults.fault_run import plant, try_mutants
from foundry.acceptance.faults.figures import FaultFigures, write_figures
from foundry.acceptance.record import RECORD_NAME, read_record
from foundry.acceptance.selection import select
from foundry.errors import FoundryError, UserError


def main() -> int:
    """Tell what becomes of each fault; 0 where every one is caught, 1 where one is not."""
    parser = argparse.ArgumentParser(prog="python -m foundry.acceptance.faults", description=__doc__)
    parser.add_argument(
        "paths",
        nargs="*",
        help="YAML files or folders of them, else the project's catalogue; "
        "with --mutants Python files or folders of them, else the core",
    )
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only the fault NAME; repeatable")
    parser.add_argument("--mutants", type=int, metavar="N", help="try N random mutants instead")
    parser.add_argument(
        "--features", nargs="+", default=[], metavar="PATH", help="what is run against mutants: features"
    )
    parser.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="or the scenarios that an acceptance run found kept"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="trials side by side")
    parser.add_argument("--budget", metavar="TIME", help="how long it may take: 90s, 10m, 1h")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures are written")
    options = parser.parse_args()
    try:
        figures = _mutate(options) if options.mutants else _plant(options)
    except FoundryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.out:
        write_figures(figures, options.out)
    return int(bool(figures.not_caught))


def _plant(options: argparse.Namespace) -> FaultFigures:
    allowance, project = _allowance(options), Path.cwd()
    faults = read_catalogue([Path(path) for path in options.paths] or [catalogue_of(project)])
    if unknown := set(options.only) - {fault.name for fault in faults}:
        raise UserError(f"--only {', '.join(sorted(unknown))}: no such fault; the catalogue has {len(faults)} others")
    chosen = [fault for fault in faults if not options.only or fault.name in options.only]
    return plant(project, chosen, options.workers, allowance, options.seed, _say)


def _mutate(options: argparse.Namespace) -> FaultFigures:
    allowance, project = _allowance(options), Path.cwd()
    covering = _covering(options, project)
    mutants = try_mutants(
        project, covering, options.workers, allowance, options.seed, _say, options.paths, options.mutants
    )
    return FaultFigures(seed=options.seed, budget_seconds=allowance.seconds, seconds=mutants.seconds, mutants=mutants)


def _allowance(options: argparse.Namespace) -> Allowance:
    return Allowance(budget_seconds(options.budget) if options.budget else None)


def _say(line: str) -> None:
    print(line, flush=True)


def _covering(options: argparse.Namespace, project: Path) -> Covering:
    if options.bundle is None:
        return estimated(project, select(options.features, []))
    coverage = options.bundle / FOLDER_NAME
    lines = lines_by_scenario(coverage) if coverage.is_dir() else {}
    return covering_of(read_record(options.bundle / RECORD_NAME), lines)


if __name__ == "__main__":
    sys.exit(main())
