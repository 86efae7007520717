"""The deck as a graph: presets, aliases and chains, models, and the backends that serve them under a profile. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.routing.candidates import find_servers
from pipelex_like.routing.explain_candidates import as_toml
from pipelex_like.routing.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.deck import Origin
    from pipelex_like.routing.assign import Place, Server
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.router import Router
    from pipelex_like.routing.survey import Row
    from pipelex_like.types import Kind

Sort = Literal["preset", "alias", "chain", "replaced", "model", "backend"]
State = Literal["on", "off", "broken"]
_OWNERS: dict[str, Sort] = {"preset": "preset", "alias": "alias", "chain": "chain"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A thing with a name. `lines` are its label, the name first; a model that nobody serves here is `off`.

    `origin` is where it was written, as far as one place can be told. A `replaced` model is one that a stand-in takes
    the place of.
    """

    key: str
    sort: Sort
    lines: tuple[str, ...]
    state: State = "on"
    origin: Origin | None = None

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        file, key = (self.origin.file, self.origin.key) if self.origin is not None else ("", "")
        said = {"id": self.key, "sort": self.sort, "label": list(self.lines), "state": self.state}
        return {**said, "file": file, "key": key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From a name to what it stands for. `label` is its place in the order, or `stand-in`; `dashed` where nothing can
    be asked that way, or another model takes the place."""

    start: str
    end: str
    label: str = ""
    dashed: bool = False

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        return {"from": self.start, "to": self.end, "label": self.label, "dashed": self.dashed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and edges in the order in which they were met: the same deck gives the same graph."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        nodes, edges = [node.to_dict() for node in self.nodes], [edge.to_dict() for edge in self.edges]
        return {"title": self.title, "nodes": nodes, "edges": edges}


def graph_of(router: Router, rows: Sequence[Row], *, whole: bool = False) -> Graph:
    """Draw what the references of the rows stand for. Unless `whole`, the models of a chain that nobody serves here
    are one node."""
    builder = _Builder(router, whole)
    for row in rows:
        if row.kind is not None:
            builder.add(row.reference, row.kind, row.slot)
    profile = router.bound.profile.name
    title = f'under the profile "{profile}"' if profile else "without a profile"
    return Graph(title=title, nodes=tuple(builder.nodes.values()), edges=tuple(builder.numbered()))


@dataclass(slots=True)
class _Builder:
    router: Router
    whole: bool
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict[tuple[str, str], Edge])
    unserved: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])

    def add(self, reference: str, kind: Kind, slot: str) -> None:
        """Add a reference and all that it leads to; `slot` names the default choice that it is."""
        leaves, _ = self.router.flattener.reference(reference, kind)
        for leaf in leaves:
            path = self._owners(leaf, kind)
            model = self._model(leaf, kind, path[-1] if path else None)
            for start, end in zip(path, [*path[1:], model], strict=True):
                self._edge(start, end, dashed=self.nodes[end].state == "off")
            if slot:
                self._mark(path[0] if path else model, "the default" if slot == "default" else f"the default {slot}")

    def numbered(self) -> list[Edge]:
        """Give the edges, those of an order with their number."""
        asked: dict[str, list[Edge]] = {}
        for edge in self.edges.values():
            if not edge.dashed:
                asked.setdefault(edge.start, []).append(edge)
        numbers = {
            (edge.start, edge.end): str(number)
            for group in asked.values()
            if len(group) > 1
            for number, edge in enumerate(group, start=1)
        }
        return [replace(edge, label=numbers.get(pair, edge.label)) for pair, edge in self.edges.items()]

    def _owners(self, leaf: Leaf, kind: Kind) -> list[str]:
        """Add the presets, aliases and chains on the way of a model; the outermost comes first."""
        path: list[str] = []
        for hop in leaf.hops or ():
            sort = _OWNERS.get(hop.what)
            if sort is not None:
                said = ", ".join(f"{name} = {as_toml(value)}" for name, value in hop.settings.items())
                key = f"{sort}:{kind}:{hop.name}"
                self._node(Node(key=key, sort=sort, lines=(hop.name, said) if said else (hop.name,), origin=hop.origin))
                path.append(key)
        return path

    def _model(self, leaf: Leaf, kind: Kind, owner: str | None) -> str:
        found = find_servers(self.router.names, leaf, kind)
        if isinstance(found, Refusal):
            return self._nobody(leaf, kind, owner)
        servers, place = found
        served = ",".join(server.backend for server in servers)
        key = f"model:{kind}:{servers[0].spec.handle}:{served}"
        model_id = str(servers[0].spec.model_id)
        lines = (servers[0].spec.handle, model_id) if len(servers) == 1 else (servers[0].spec.handle,)
        origin = servers[0].spec.origin if len(servers) == 1 else None
        self._node(Node(key=key, sort="model", lines=tuple(dict.fromkeys(lines)), origin=origin))
        for server in servers:
            self._edge(key, self._backend(server))
        return self._replaced(key, kind, place) if place is not None and place.replaced else key

    def _replaced(self, model: str, kind: Kind, place: Place) -> str:
        rule = place.stand_in
        origin = rule.origin if rule is not None else None
        key = f"replaced:{kind}:{place.replaced}"
        self._node(Node(key=key, sort="replaced", lines=(str(place.replaced),), origin=origin))
        self._edge(key, model, label="stand-in", dashed=True)
        return key

    def _nobody(self, leaf: Leaf, kind: Kind, owner: str | None) -> str:
        if self.whole or owner is None:
            key = f"model:{kind}:{leaf.backend or ''}:{leaf.name}:"
            self._node(Node(key=key, sort="model", lines=(leaf.name, "nobody serves it here"), state="off"))
            return key
        names = self.unserved.setdefault(owner, {})
        names[leaf.name] = None
        key = f"unserved:{owner}"
        lines = (
            (leaf.name, "nobody serves it here")
            if len(names) == 1
            else (f"{len(names)} models", "nobody serves them here")
        )
        self.nodes[key] = Node(key=key, sort="model", lines=lines, state="off")
        return key

    def _backend(self, server: Server) -> str:
        held, key = self.router.bound.backends[server.backend], f"backend:{server.backend}"
        lines = (held.name,) if held.state == "on" else (held.name, held.state)
        self._node(Node(key=key, sort="backend", lines=lines, state=held.state, origin=held.spec.origin))
        return key

    def _node(self, node: Node) -> None:
        self.nodes.setdefault(node.key, node)

    def _mark(self, key: str, line: str) -> None:
        node = self.nodes[key]
        if line not in node.lines:
            self.nodes[key] = replace(node, lines=(*node.lines, line))

    def _edge(self, start: str, end: str, *, label: str = "", dashed: bool = False) -> None:
        self.edges.setdefault((start, end), Edge(start=start, end=end, label=label, dashed=dashed))
