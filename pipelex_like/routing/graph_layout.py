"""Where the nodes and edges of a graph stand on paper: in columns from left to right. Pure and deterministic.

Layers, then an order in each that crosses few edges (barycentres), then heights that pull neighbours together.
https://en.wikipedia.org/wiki/Layered_graph_drawing
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from pipelex_like.routing.graph_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelex_like.routing.graph import Edge, Graph, Node

CHARACTER, LINE, PADDING = 7.3, 16.0, 10.0
_COLUMN_GAP, _ROW_GAP, _MARGIN, _HEAD = 90.0, 12.0, 24.0, 56.0
_LONGEST = 46
_SWEEPS, _PULLS = 12, 16
_OWNERS = ("preset", "alias", "chain")
# A node's key, or an edge with the column that it passes through.
_Place = str | tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A node on paper, in pixels, and its label as it fits in."""

    node: Node
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Path:
    """An edge on paper: the points that it passes through, two for each column."""

    edge: Edge
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole drawing. `columns` are the left edges of the columns that hold nodes, by what stands there."""

    boxes: tuple[Box, ...]
    paths: tuple[Path, ...]
    columns: Mapping[str, float]
    width: float
    height: float


def laid_out(graph: Graph) -> Layout:
    """Lay a graph out."""
    return _Layers(graph).layout()


def shortened(line: str) -> str:
    """Give a line of a label as long as a box may be."""
    line = printable(line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _columns_of(graph: Graph) -> dict[str, int]:
    """Give the column of each node: presets, then aliases and chains by depth, models, and backends last."""
    sorts = {node.key: node.sort for node in graph.nodes}
    first = int("preset" in sorts.values())
    columns = {key: 0 if sort == "preset" else first for key, sort in sorts.items()}
    inner = [edge for edge in graph.edges if sorts[edge.start] in _OWNERS and sorts[edge.end] in _OWNERS]
    for _ in graph.nodes:
        moved = False
        for edge in inner:
            if columns[edge.end] <= columns[edge.start]:
                columns[edge.end], moved = columns[edge.start] + 1, True
        if not moved:
            break
    models = max((columns[key] + 1 for key, sort in sorts.items() if sort in _OWNERS), default=0)
    replaced = int("replaced" in sorts.values())
    last = {"replaced": models, "model": models + replaced, "backend": models + replaced + 1}
    return {key: last.get(sorts[key], column) for key, column in columns.items()}


class _Layers:
    """The graph while it is laid out. An edge that passes over columns has a place in each of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.column = _columns_of(graph)
        self.nodes = {node.key: node for node in graph.nodes}
        self.labels = {node.key: tuple(map(shortened, node.lines)) for node in graph.nodes}
        self.layers: list[list[_Place]] = [[] for _ in range(max(self.column.values(), default=0) + 1)]
        self.before: dict[_Place, list[_Place]] = {}
        self.after: dict[_Place, list[_Place]] = {}
        for node in graph.nodes:
            self.layers[self.column[node.key]].append(node.key)
        for edge in graph.edges:
            stops = list(self._stops(edge))
            for stop in stops[1:-1]:
                self.layers[stop[2] if isinstance(stop, tuple) else 0].append(stop)
            for one, other in pairwise(stops):
                self.after.setdefault(one, []).append(other)
                self.before.setdefault(other, []).append(one)

    def _stops(self, edge: Edge) -> Iterator[_Place]:
        yield edge.start
        for column in range(self.column[edge.start] + 1, self.column[edge.end]):
            yield edge.start, edge.end, column
        yield edge.end

    def layout(self) -> Layout:
        """Order the places, find their heights, and give all that is drawn."""
        self._order()
        heights = self._heights()
        top = min((height - self._size(place)[1] / 2 for place, height in heights.items()), default=0.0)
        middles = {place: height - top + _HEAD + _MARGIN for place, height in heights.items()}
        widths = [max((self._size(place)[0] for place in layer), default=0.0) for layer in self.layers]
        lefts = [_MARGIN + sum(widths[:number]) + number * _COLUMN_GAP for number in range(len(widths))]
        spans = [(left, left + width) for left, width in zip(lefts, widths, strict=True)]
        boxes = {key: self._box(node, lefts[self.column[key]], middles[key]) for key, node in self.nodes.items()}
        paths = (Path(edge, tuple(self._points(edge, boxes, middles, spans))) for edge in self.graph.edges)
        return Layout(
            boxes=tuple(boxes.values()),
            paths=tuple(paths),
            columns=self._heads(lefts),
            width=spans[-1][1] + _MARGIN,
            height=max((box.y + box.height for box in boxes.values()), default=_HEAD) + _MARGIN,
        )

    def _heads(self, lefts: Sequence[float]) -> dict[str, float]:
        words = {"preset": "presets", "alias": "aliases and chains", "chain": "aliases and chains"}
        words |= {"replaced": "replaced models", "model": "models", "backend": "backends"}
        heads: dict[str, float] = {}
        for node in sorted(self.graph.nodes, key=lambda node: self.column[node.key]):
            heads.setdefault(words[node.sort], lefts[self.column[node.key]])
        return heads

    def _box(self, node: Node, left: float, middle: float) -> Box:
        width, height = self._size(node.key)
        return Box(node, self.labels[node.key], left, middle - height / 2, width, height)

    def _points(
        self,
        edge: Edge,
        boxes: Mapping[str, Box],
        middles: Mapping[_Place, float],
        spans: Sequence[tuple[float, float]],
    ) -> Iterator[tuple[float, float]]:
        start, end = boxes[edge.start], boxes[edge.end]
        right = start.x + start.width
        yield right, middles[edge.start]
        if right < spans[self.column[edge.start]][1]:
            yield spans[self.column[edge.start]][1], middles[edge.start]
        for stop in self._stops(edge):
            if isinstance(stop, tuple):
                yield from ((side, middles[stop]) for side in spans[stop[2]])
        yield end.x, middles[edge.end]

    def _size(self, place: _Place) -> tuple[float, float]:
        if isinstance(place, tuple):
            return 0.0, 2.0
        lines = self.labels[place]
        return max(map(_width, lines)) * CHARACTER + 2 * PADDING, len(lines) * LINE + PADDING

    def _order(self) -> None:
        """Order each column by the middle of its neighbours, forth and back, and keep what crosses least."""
        best, least = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(_SWEEPS):
            forth = sweep % 2 == 0
            for layer in self.layers if forth else reversed(self.layers):
                rank = {place: number for other in self.layers for number, place in enumerate(other)}
                near = self.before if forth else self.after
                middles = {place: _mean([float(rank[each]) for each in near.get(place, [])]) for place in layer}
                layer.sort(key=lambda place: rank[place] if middles[place] is None else (middles[place] or 0.0))
            crossings = self._crossings()
            if crossings < least:
                best, least = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _crossings(self) -> int:
        total = 0
        for layer, following in pairwise(self.layers):
            rank = {place: number for number, place in enumerate(following)}
            met: list[int] = []
            for place in layer:
                ends = sorted(rank[each] for each in self.after.get(place, []))
                total += sum(1 for end in ends for other in met if other > end)
                met += ends
        return total

    def _heights(self) -> dict[_Place, float]:
        """Give the middle of each place: near its neighbours' middle, in order, and never over another."""
        heights: dict[_Place, float] = {}
        for layer in self.layers:
            heights.update(zip(layer, self._spread(layer, [0.0] * len(layer)), strict=True))
        for pull in range(_PULLS):
            forth = pull % 2 == 0
            near = self.before if forth else self.after
            for layer in self.layers if forth else reversed(self.layers):
                wished = [_mean([heights[each] for each in near.get(place, [])]) for place in layer]
                wishes = [heights[place] if wish is None else wish for place, wish in zip(layer, wished, strict=True)]
                heights.update(zip(layer, self._spread(layer, wishes), strict=True))
        return heights

    def _spread(self, layer: Sequence[_Place], wishes: Sequence[float]) -> list[float]:
        """Give the heights nearest to the wishes that keep order and distance (isotonic regression by pooling)."""
        offsets, offset, last = list[float](), 0.0, 0.0
        for number, place in enumerate(layer):
            half = self._size(place)[1] / 2
            offset += (last + half + _ROW_GAP) if number else 0.0
            offsets.append(offset)
            last = half
        blocks: list[tuple[float, int]] = []
        for wish, offset in zip(wishes, offsets, strict=True):
            mean, count = wish - offset, 1
            while blocks and blocks[-1][0] > mean:
                other, number = blocks.pop()
                mean, count = (mean * count + other * number) / (count + number), count + number
            blocks.append((mean, count))
        flat = [mean for mean, count in blocks for _ in range(count)]
        return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _width(line: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in line)
