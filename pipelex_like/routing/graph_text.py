"""A graph as text for Mermaid and Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.routing.graph import Graph, Node, Sort

# https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
_MERMAID_CODES = str.maketrans({sign: f"#{ord(sign)};" for sign in '#"&<>`|{}[]()\\'})
_MERMAID_SHAPES: Mapping[Sort, tuple[str, str]] = {
    "preset": ("([", "])"),
    "alias": ("[", "]"),
    "chain": ("[[", "]]"),
    "replaced": ("(", ")"),
    "model": ("(", ")"),
    "backend": ("{{", "}}"),
}
_DOT_SHAPES: Mapping[Sort, str] = {
    "preset": 'shape=box, style="rounded,filled"',
    "alias": 'shape=box, style="filled"',
    "chain": 'shape=box, peripheries=2, style="filled"',
    "replaced": 'shape=box, style="rounded,dashed"',
    "model": 'shape=box, style="rounded,filled"',
    "backend": 'shape=hexagon, style="filled"',
}
FILLS: Mapping[Sort, str] = {
    "preset": "#dbeafe",
    "alias": "#ede9fe",
    "chain": "#ede9fe",
    "replaced": "#f3f4f6",
    "model": "#dcfce7",
    "backend": "#ffedd5",
}
OFF, BROKEN = "#f3f4f6", "#fee2e2"


def printable(text: str) -> str:
    """Write signs that no drawing can hold as a name in TOML would: `\\u0007`."""
    return "".join(
        sign if sign.isprintable() else f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
        for sign in text
    )


def fill(node: Node) -> str:
    """Give the colour of a node."""
    return {"off": OFF, "broken": BROKEN}.get(node.state) or FILLS[node.sort]


def mermaid(graph: Graph) -> str:
    """Write the graph as a Mermaid flowchart."""
    return "\n".join(_mermaid(graph)) + "\n"


def _mermaid(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    yield f"    %% {printable(graph.title)}"
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        before, after = _MERMAID_SHAPES[node.sort]
        label = "<br/>".join(printable(line).translate(_MERMAID_CODES) for line in node.lines)
        yield f'    {names[node.key]}{before}"{label}"{after}'
    for edge in graph.edges:
        label = f'|"{printable(edge.label).translate(_MERMAID_CODES)}"|' if edge.label else ""
        yield f"    {names[edge.start]} {'-.->' if edge.dashed else '-->'}{label} {names[edge.end]}"
    for node in graph.nodes:
        line = ",stroke-dasharray:4 3" if node.state == "off" else ""
        yield f"    style {names[node.key]} fill:{fill(node)},stroke:#6b7280,color:#111827{line}"


def dot(graph: Graph) -> str:
    """Write the graph in Graphviz' language."""
    return "\n".join(_dot(graph)) + "\n"


def _dot(graph: Graph) -> Iterator[str]:
    yield "digraph deck {"
    yield f"    label={_quoted(graph.title)}; labelloc=t; rankdir=LR;"
    yield '    node [fontname="sans-serif", fontsize=11]; edge [fontname="sans-serif", fontsize=9];'
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        looks = f'{_DOT_SHAPES[node.sort]}, fillcolor="{fill(node)}"'
        grey = ', color="#9ca3af", fontcolor="#6b7280"' if node.state == "off" else ""
        yield f"    {names[node.key]} [label={_quoted(*node.lines)}, {looks}{grey}];"
    for edge in graph.edges:
        style = ["style=dashed"] if edge.dashed else []
        looks = ", ".join([*([f"label={_quoted(edge.label)}"] if edge.label else []), *style])
        yield f"    {names[edge.start]} -> {names[edge.end]}{f' [{looks}]' if looks else ''};"
    yield "}"


def _quoted(*lines: str) -> str:
    """Write lines as one quoted string, in which a backslash would else begin an escape."""
    written = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(written) + '"'
