"""A balanced split of the modules, for those who measure coverage on several hosts."""

from __future__ import annotations

from collections.abc import Mapping

from coverage import Coverage

from foundry.acceptance.measured_modules import Modules, without_measuring
from foundry.acceptance.shards import Shard
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


def group_of_modules(modules: Modules, group: Shard) -> Modules:
    """The modules of one group.

    Raises:
        UserError: there are fewer modules than groups.
    """
    if group.count > len(modules):
        raise UserError(f"--modules {group}: there are only {len(modules)} modules; use at most {len(modules)} groups")
    chosen = balanced_groups(num_statements(modules), group.count)[group.number - 1]
    return {name: modules[name] for name in chosen}
