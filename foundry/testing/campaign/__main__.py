"""The command `python -m foundry.testing.campaign`."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from foundry.errors import UserError
from foundry.testing.campaign.cases import CASES
from foundry.testing.campaign.references import folder_in_memory
from foundry.testing.campaign.report import Progress, conclusion
from foundry.testing.campaign.trials import Campaign, Trial

EXAMPLES = """\
examples:
  python -m foundry.testing.campaign --kills 25             a look, half a minute
  python -m foundry.testing.campaign --kills 500 --seed 7   a proof
  python -m foundry.testing.campaign --seed 7 --only 137    trial 137 of that campaign, alone
  python -m foundry.testing.campaign --case GPT-2 --case bfloat16
"""


class _Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"campaign: {message} (see --help)", file=sys.stderr)
        sys.exit(UserError.exit_code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign: 0 where every run ended identical, 1 where one did not, 130 after Ctrl-C.

    Args:
        arguments: the options; None means those of the command line.

    Raises:
        SystemExit: 2, an option has a bad value.
    """
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="campaign-", dir=options.folder or folder_in_memory()))
    trials: list[Trial] = []
    exit_code = 0
    try:
        _run(options, folder, trials)
    except KeyboardInterrupt:
        exit_code = 128 + signal.SIGINT
    different = any(trial.difference is not None for trial in trials)
    if trials:
        print(conclusion(trials, _repeat(options)))
    if exit_code:
        print(f"interrupted after {len(trials)} trials", file=sys.stderr)
    if different:
        print(f"  what they left: {folder}/trial-*")
    else:
        shutil.rmtree(folder)
    return exit_code or int(different)


def _repeat(options: argparse.Namespace) -> str:
    cases = "".join(f" --case {shlex.quote(case)}" for case in options.case or ())
    return f"python -m foundry.testing.campaign --seed {options.seed}{cases}"


def _run(options: argparse.Namespace, folder: Path, trials: list[Trial]) -> None:
    numbers = [options.only] if options.only else list(range(1, options.kills + 1))
    progress = Progress(len(numbers))
    campaign = Campaign(folder, options.seed, tuple(options.case or CASES))
    try:
        for number in numbers:
            trials.append(campaign.trial(number))
            progress.show(trials[-1])
    finally:
        progress.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m foundry.testing.campaign",
        description="Kills small training runs at random instants, launches them again, and compares them, to the bit, "
        "with runs that were left alone. Exits with 0 where all are identical, 1 where one is not.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=_count, default=25, metavar="N", help="how many runs are killed (25)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="draws the instants (0)")
    parser.add_argument("--only", type=_count, metavar="K", help="make trial K alone, as in the whole campaign")
    parser.add_argument("--case", action="append", choices=CASES, metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the runs are made (memory)")
    options = parser.parse_args(arguments)
    if options.folder is not None and not options.folder.is_dir():
        parser.error(f"--folder {options.folder}: no such folder")
    return options


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
