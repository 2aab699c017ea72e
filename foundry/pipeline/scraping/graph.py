"""The graph of all commits: their order, and which branches and tags contain each of them.

The order is that of the committers' times, but parents stand before children; equal times go by id. It is Kahn's
algorithm with the least (time, id) among the commits whose parents have been placed. Commits that come later or go away
have no say in the order of the others, because what is read always has all of its ancestors with it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from foundry.data.git import records as delimited
from foundry.data.isolated_git import IsolatedGit, spooled
from foundry.pipeline.scraping.commit_objects import parents_and_time
from foundry.pipeline.scraping.references import References

MAX_HEADER_BYTES = 4_000_000
"""What is held in memory of one commit while only its parents and its time are wanted."""


@dataclass(frozen=True)
class Graph:
    """Commits, parents before children and the oldest first; a position stands for a commit.

    Attributes:
        ids: of the commits.
        parents: the positions of each commit's parents, without those that were not cloned.
        times: the committers' times.
        containment: bits of the references that contain each commit: the branches, then the tags, in their order.
        boundary: the commits of a shallow clone whose parents were not cloned.
    """

    ids: list[str]
    parents: list[tuple[int, ...]]
    times: list[int]
    containment: list[int]
    boundary: frozenset[str]

    def reachable_from(self, commit_id: str) -> Iterator[int]:
        """The positions of a commit and its ancestors, the newest first."""
        start = self.ids.index(commit_id)
        is_wanted = bytearray(start + 1)
        is_wanted[start] = 1
        for position in range(start, -1, -1):
            if is_wanted[position]:
                yield position
                for parent in self.parents[position]:
                    is_wanted[parent] = 1


def read_graph(git: IsolatedGit, references: References, boundary: list[str]) -> Graph:
    """The commits that the references lead to.

    Raises:
        FoundryError: one is missing or damaged.
    """
    ids: list[str] = []
    parent_ids: list[tuple[str, ...]] = []
    times: list[int] = []
    cut = frozenset(boundary)
    options = ("rev-list", "--stdin", "--header", "--encoding=none")
    with spooled(references.tips) as tips, git.stream(*options, stdin=tips) as listed:
        for entry in delimited(listed, b"\0", MAX_HEADER_BYTES):
            commit_id, _, content = entry.partition(b"\n")
            parents, time = parents_and_time(content)
            ids.append(commit_id.decode())
            parent_ids.append(() if ids[-1] in cut else parents)
            times.append(time)
    return _ordered(ids, parent_ids, times, references, cut)


def _ordered(
    ids: list[str],
    parent_ids: list[tuple[str, ...]],
    times: list[int],
    references: References,
    boundary: frozenset[str],
) -> Graph:
    index = {commit_id: number for number, commit_id in enumerate(ids)}
    parents = [tuple(index[parent] for parent in of_one) for of_one in parent_ids]
    order = _order(ids, parents, times)
    place = [0] * len(order)
    for position, number in enumerate(order):
        place[number] = position
    placed_parents = [tuple(place[parent] for parent in parents[number]) for number in order]
    tips = [place[index[tip]] for tip in (*references.branches.values(), *references.tags.values())]
    return Graph(
        [ids[number] for number in order],
        placed_parents,
        [times[number] for number in order],
        containment_of(placed_parents, tips),
        boundary,
    )


def _order(ids: list[str], parents: list[tuple[int, ...]], times: list[int]) -> list[int]:
    """The numbers of the commits in their order."""
    children: list[list[int]] = [[] for _ in ids]
    num_open = [0] * len(ids)
    for number, of_one in enumerate(parents):
        for parent in of_one:
            children[parent].append(number)
            num_open[number] += 1
    ready = [(times[number], ids[number], number) for number, count in enumerate(num_open) if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        *_, number = heapq.heappop(ready)
        order.append(number)
        for child in children[number]:
            num_open[child] -= 1
            if num_open[child] == 0:
                heapq.heappush(ready, (times[child], ids[child], child))
    return order


def containment_of(parents: list[tuple[int, ...]], tips: list[int]) -> list[int]:
    """For each commit the bits of the references that contain it, in one pass from children to parents.

    Neighbours mostly share one number in memory, since most are contained in the same references.

    Args:
        parents: positions, parents before children.
        tips: the position of the commit of each reference; bit *i* stands for the reference *i*.
    """
    bits = [0] * len(parents)
    for number, tip in enumerate(tips):
        bits[tip] |= 1 << number
    for position in range(len(parents) - 1, -1, -1):
        own = bits[position]
        for parent in parents[position]:
            theirs = bits[parent]
            if theirs != own:
                bits[parent] = theirs | own if theirs else own
            else:
                bits[parent] = own
    return bits
