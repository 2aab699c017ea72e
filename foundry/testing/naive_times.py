"""When commits count as made, from whole sets of ancestors: slow, and plainly the rule, to compare the product with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from foundry.pipeline.records import CommitRecord


def naive_times(commits: Sequence[CommitRecord]) -> dict[str, int]:
    """The times of commits, parents first, by their hashes; see `foundry.pipeline.commit_times` for the rule."""
    said = {record["hash"]: record["committer"]["time"] for record in commits}
    middle = statistics.median_low(said.values())
    ancestors: dict[str, set[str]] = {}
    for record in commits:
        above = [{parent} | ancestors[parent] for parent in record["parents"]]
        ancestors[record["hash"]] = set().union(*above)
    times: dict[str, int] = {}
    for name, own in said.items():
        before = [times[ancestor] for ancestor in ancestors[name]]
        after = sorted(said[other] for other in said if name in ancestors[other])
        if len(after) > 1 and own > after[1] and (max(before) <= after[1] if before else own > middle):
            times[name] = max(before) if before else after[0]
        else:
            times[name] = max([own, *before])
    return times
