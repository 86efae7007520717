"""A graph as an SVG picture that needs no other program to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from pipelex_like.routing.graph_layout import LINE, PADDING, laid_out
from pipelex_like.routing.graph_text import fill, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.routing.graph import Graph
    from pipelex_like.routing.graph_layout import Box, Path

# How far along a curve its label stands.
_AT = 0.72
_STYLE = """
    text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #111827; }
    .title { font-size: 15px; font-weight: bold; }
    .head, .more, .off text, .number { fill: #6b7280; }
    .number { font-size: 11px; stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
    .edge { fill: none; stroke: #9ca3af; stroke-width: 1.3; }
    .dashed, .off rect { stroke-dasharray: 4 3; }
    rect { stroke: #6b7280; }
"""


def svg(graph: Graph) -> str:
    """Draw the graph."""
    return "\n".join(_svg(graph)) + "\n"


def _svg(graph: Graph) -> Iterator[str]:
    layout = laid_out(graph)
    title = escape(f"The deck {printable(graph.title)}")
    size = f'width="{layout.width:.0f}" height="{layout.height:.0f}"'
    box = f'viewBox="0 0 {layout.width:.0f} {layout.height:.0f}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img">'
    yield f"  <title>{title}</title>"
    yield f"  <style>{_STYLE}  </style>"
    yield '  <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    yield '    <path d="M0 0 8 4 0 8z" fill="#9ca3af"/></marker></defs>'
    yield '  <rect width="100%" height="100%" fill="#ffffff" style="stroke: none"/>'
    yield f'  <text class="title" x="24" y="30">{title}</text>'
    for word, left in layout.columns.items():
        yield f'  <text class="head" x="{left:.1f}" y="60">{word}</text>'
    for path in layout.paths:
        kind = "edge dashed" if path.edge.dashed else "edge"
        yield f'  <path class="{kind}" d="{_curve(path.points)}" marker-end="url(#tip)"/>'
    yield from map(_label, (path for path in layout.paths if path.edge.label))
    for drawn in layout.boxes:
        yield from _box(drawn)
    yield "</svg>"


def _curve(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    drawn = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        straight = y == to_y
        drawn += (
            f"L{to_x:.1f} {to_y:.1f}"
            if straight
            else f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        )
        x, y = to_x, to_y
    return drawn


def _label(path: Path) -> str:
    """Write an edge's label onto it, where it bends for the first time: there its neighbours are apart."""
    points = path.points
    bend = next((number for number in range(1, len(points)) if points[number][1] != points[number - 1][1]), 1)
    (x, y), (to_x, to_y) = points[bend - 1], points[bend]
    along = (x + to_x) / 2 * 3 * _AT * (1 - _AT) + x * (1 - _AT) ** 3 + to_x * _AT**3
    high = y + (to_y - y) * _AT**2 * (3 - 2 * _AT)
    at = f'x="{along:.1f}" y="{high + 4:.1f}" text-anchor="middle"'
    return f'  <text class="number" {at}>{escape(path.edge.label)}</text>'


def _box(box: Box) -> Iterator[str]:
    node = box.node
    round_by = {"alias": 2, "chain": 2, "backend": 14}.get(node.sort, 8)
    place = f"{node.origin.file}: {node.origin.key}" if node.origin is not None and node.origin.file else ""
    told = ", ".join([*node.lines, *([place] if place else [])])
    kind = f"{node.sort} {node.state}"
    yield f"  <g class={quoteattr(kind)}><title>{escape(printable(told))}</title>"
    size = f'width="{box.width:.1f}" height="{box.height:.1f}"'
    yield f'    <rect x="{box.x:.1f}" y="{box.y:.1f}" {size} rx="{round_by}" fill="{fill(node)}"/>'
    for number, line in enumerate(box.lines):
        y = box.y + PADDING / 2 + LINE * (number + 0.75)
        more = ' class="more"' if number else ""
        yield f'    <text{more} x="{box.x + PADDING:.1f}" y="{y:.1f}">{escape(line)}</text>'
    yield "  </g>"
