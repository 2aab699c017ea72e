"""The machine, looked at before an acceptance run: what is there, what is not, why, and what to type about it.

What is missing and optional skips scenarios, which give the reason that stands here (`capabilities`); what is missing
and needed stops the run before it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.markup import escape

from foundry.acceptance.capabilities import CAPABILITIES
from foundry.acceptance.checks.check import Check, as_lines
from foundry.acceptance.checks.gpu import check_gpus_apart
from foundry.acceptance.checks.machine import check_memory, check_network, check_out_folder, check_temporary_folder
from foundry.acceptance.checks.packages import check_packages
from foundry.acceptance.checks.programs import check_allure, check_chromium, check_git, check_node
from foundry.acceptance.checks.wandb_login import check_cloud, check_login
from foundry.errors import UserError

Result = TypeVar("Result")
Probe = Callable[[], Iterable[Check]]


def preflight(tags: Sequence[str] = (), *, out: Path = Path(), workers: int = 1) -> list[Check]:
    """Look at everything that the scenarios which the tag expressions select may need, side by side.

    Args:
        out: the folder that the run will write to.
        workers: how many processes will run scenarios.
    """
    probes = _probes(" ".join(tags), out, workers)
    with ThreadPoolExecutor(len(probes)) as pool:
        return [check for checks in pool.map(lambda probe: list(probe()), probes) for check in checks]


def _probes(selection: str, out: Path, workers: int) -> list[Probe]:
    """What to ask, in the order of the table."""
    meets_cloud = CAPABILITIES["wandb_cloud"].is_asked_for(selection)
    singles: list[Callable[[], Check]] = [
        check_git,
        check_temporary_folder,
        partial(check_out_folder, out),
        partial(check_memory, workers),
        check_node,
        check_allure,
        check_chromium,
        check_cloud if meets_cloud else check_login,
    ]
    if CAPABILITIES["network"].is_asked_for(selection):
        singles.append(check_network)
    return [check_packages, *(partial(_as_list, single) for single in singles), check_gpus_apart]


def _as_list(probe: Callable[[], Check]) -> list[Check]:
    return [probe()]


def on_a_fit_machine(
    act: Callable[[], Result], tags: Sequence[str], *, out: Path, workers: int, say: Callable[[str], None]
) -> tuple[Result, list[Check]]:
    """What `act` returns, and the checks of the machine, which are made meanwhile; says what is not right.

    Raises:
        UserError: the machine lacks something that every run needs, or `act` raises it.
    """
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(preflight, tags, out=out, workers=workers)
        result, checks = act(), checking.result()
    refuse_what_is_missing(checks)
    for line in shown_checks(checks):
        say(escape(line))
    return result, checks


def refuse_what_is_missing(checks: Iterable[Check]) -> None:
    """Refuse to begin where something needed is not there.

    Raises:
        UserError: a line for each check that stops the run.
    """
    stopping = [str(check) for check in checks if check.stops]
    if stopping:
        raise UserError("\n".join(stopping))


def shown_checks(checks: Sequence[Check]) -> list[str]:
    """What a run says of its checks before it begins: how many are right, and a line for each that is not."""
    wrong = [check for check in checks if not check.is_ok]
    return [f"machine: {len(checks) - len(wrong)} of {len(checks)} checks are right", *as_lines(wrong)]
