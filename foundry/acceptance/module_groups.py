"""A balanced split of the modules, for those who measure coverage on several hosts."""

from __future__ import annotations

from collections.abc import Mapping

from coverage import Coverage

from foundry.acceptance.measured_modules import Modules, without_measuring
from foundry.errors import UserError


def num_statements(modules: Modules) -> dict[str, int]:
    """How many statements each module has, by its name, as coverage counts them."""
    counting = without_measuring(Coverage(data_file=None))
    return {name: len(counting.analysis2(str(path))[1]) for name, path in modules.items()}


def balanced_groups(sizes: Mapping[str, int], number: int) -> list[list[str]]:
    """Split what has these sizes into `number` groups: the largest first, each to the group that is smallest so far.

    No group is larger than the mean by more than the largest of the things split
    (R. L. Graham, Bounds on multiprocessing timing anomalies, 1969). Same sizes, same groups.
    """
    groups: list[list[str]] = [[] for _ in range(number)]
    totals = [0] * number
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        smallest = totals.index(min(totals))
        groups[smallest].append(name)
        totals[smallest] += sizes[name]
    return [sorted(group) for group in groups]


def group_of_modules(modules: Modules, group: str) -> Modules:
    """The modules of one group; `2/5` is the second of five.

    Raises:
        UserError: `group` is not such a text, or there are fewer modules than groups.
    """
    index, _, number = group.partition("/")
    if not (index.isdecimal() and number.isdecimal() and 1 <= int(index) <= int(number)):
        raise UserError(f"--modules {group}: write I/N with I from 1 to N, such as 2/5")
    if int(number) > len(modules):
        raise UserError(f"--modules {group}: there are {len(modules)} modules; ask for no more groups than that")
    chosen = balanced_groups(num_statements(modules), int(number))[int(index) - 1]
    return {name: modules[name] for name in chosen}
