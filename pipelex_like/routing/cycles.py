"""Circles in a graph of names: one for each knot, as the shortest way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

N = TypeVar("N", bound="Hashable")


def circles(edges: Mapping[N, Sequence[N]]) -> list[list[N]]:
    """Give a circle (its first node once more at the end) for each group of nodes that reach each other."""
    found: list[list[N]] = []
    for group in _groups(edges):
        start = next(node for node in edges if node in group)
        if len(group) > 1 or start in edges[start]:
            found.append(_shortest(edges, start, group))
    return found


def _groups(edges: Mapping[N, Sequence[N]]) -> list[set[N]]:
    """Tarjan's strongly connected components, with a stack of its own: a long chain must not end in recursion."""
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    waiting: dict[N, None] = {}
    groups: list[set[N]] = []
    for root in edges:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        waiting[root] = None
        work = [(root, iter(edges[root]))]
        while work:
            node, below = work[-1]
            child = next((c for c in below if c in edges), None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    groups.append(_pop_until(waiting, node))
            elif child not in index:
                index[child] = low[child] = len(index)
                waiting[child] = None
                work.append((child, iter(edges[child])))
            elif child in waiting:
                low[node] = min(low[node], index[child])
    return groups


def _pop_until(waiting: dict[N, None], node: N) -> set[N]:
    group: set[N] = set()
    while True:
        last, _ = waiting.popitem()
        group.add(last)
        if last == node:
            return group


def _shortest(edges: Mapping[N, Sequence[N]], start: N, group: set[N]) -> list[N]:
    came_from: dict[N, N] = {}
    ring = [start]
    while ring:
        following: list[N] = []
        for node in ring:
            for child in edges[node]:
                if child == start:
                    return _back(came_from, start, node)
                if child in group and child not in came_from:
                    came_from[child] = node
                    following.append(child)
        ring = following
    raise ValueError("the group has no circle through its first node")


def _back(came_from: Mapping[N, N], start: N, last: N) -> list[N]:
    way = [start, last] if last != start else [start]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    if len(way) == 1:
        way.append(start)
    return way[::-1]
