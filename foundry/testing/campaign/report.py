"""What a campaign shows: a live line while it runs, a table in the end, and each trial that was not identical."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from foundry.terminal import aligned
from foundry.testing.campaign.trials import Trial
from foundry.testing.watching import PHASES

TRIALS_BETWEEN_LINES = 25


class Progress:
    """Tells of each trial: a line that is rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.made = self.different = 0

    def show(self, trial: Trial) -> None:
        """One more trial has been made."""
        self.made += 1
        self.different += trial.difference is not None
        line = f"kill {self.made} of {self.total}, {self.different} different; {trial.case}: {trial.kills[0]}"
        if sys.stdout.isatty():
            print(f"\r\x1b[K{line[:110]}", end="", flush=True)
        elif self.made % TRIALS_BETWEEN_LINES == 0 and self.made < self.total:
            print(line, flush=True)

    def close(self) -> None:
        """Leave an empty line behind."""
        if sys.stdout.isatty():
            print("\r\x1b[K", end="", flush=True)


def table(trials: Sequence[Trial]) -> str:
    """By case: kills, in which phase they hit, identical runs, seconds a trial."""
    cases = list(dict.fromkeys(trial.case for trial in trials))
    rows = [["case", "runs", "kills", *PHASES, "identical", "s/run"]]
    rows += [_row(case, [trial for trial in trials if trial.case == case]) for case in cases]
    rows.append(_row("all", trials))
    return aligned(rows, right=range(1, len(rows[0])))


def _row(name: str, trials: Sequence[Trial]) -> list[str]:
    phases = Counter(phase for trial in trials for phase in trial.phases)
    identical = sum(trial.difference is None for trial in trials)
    seconds = sum(trial.seconds for trial in trials) / len(trials)
    return [
        name,
        str(len(trials)),
        str(phases.total()),
        *(str(phases[phase]) for phase in PHASES),
        str(identical),
        f"{seconds:.2f}",
    ]


def conclusion(trials: Sequence[Trial], repeat: str) -> str:
    """The table, and a paragraph for each trial that was not identical: what differs, how it was killed and when.

    Args:
        repeat: the command that repeats a trial, but for its number.
    """
    paragraphs = [
        f"trial {trial.number} ({trial.case}), killed at {', then at '.join(trial.kills)}: {trial.difference}\n"
        f"  repeat it: {repeat} --only {trial.number}"
        for trial in trials
        if trial.difference is not None
    ]
    return "\n".join([table(trials), *paragraphs])
