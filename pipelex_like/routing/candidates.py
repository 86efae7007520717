"""From the models behind a reference to the candidates of a route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Candidate, Route
from pipelex_like.routing.assign import Place, Server
from pipelex_like.routing.fit import fit
from pipelex_like.routing.leaves import common_policy, common_settings, overlay_policy
from pipelex_like.routing.refusals import MODELS, Refusal, nobody, pin_off, refuse, servers_of
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

Found = tuple[tuple[Server, ...], Place | None] | Refusal


def make_route(names: Names, reference: str, kind: Kind, leaves: Sequence[Leaf], preset: str | None) -> Route:
    """Give the route for models in order. Raises ResolveError where none of them is served."""
    sound: dict[object, Candidate] = {}
    broken: dict[object, Candidate] = {}
    used: list[Leaf] = []
    refusals: list[Refusal] = []
    for leaf in leaves:
        found = find_servers(names, leaf, kind)
        if isinstance(found, Refusal):
            refusals.append(found)
            continue
        used.append(leaf)
        for server in found[0]:
            made = make_candidate(names, leaf, server, found[1])
            last = made.broken is not None and not server.named
            (broken if last else sound).setdefault(same(made), made)
    candidates = (*sound.values(), *(made for key, made in broken.items() if key not in sound))
    if not candidates:
        raise refuse(names, reference, kind, refusals)
    policy = overlay_policy(common_policy(leaf.policy for leaf in used), names.bound.profile.policy)
    given = common_settings(candidate.given for candidate in candidates)
    return Route(reference=reference, kind=kind, candidates=candidates, settings=given, policy=policy, preset=preset)


def find_servers(names: Names, leaf: Leaf, kind: Kind) -> Found:
    """Give the servers of a model, and its place where routing decided it; or why there are none."""
    if leaf.provider is not None and not (leaf.how == "pin" and leaf.backend == leaf.provider):
        found = _at_provider(names, leaf, leaf.provider, kind)
    elif leaf.how == "unknown":
        return Refusal(name=leaf.name, unknown=True)
    elif leaf.how == "pin" and leaf.backend is not None:
        found = _pinned(names, leaf, leaf.backend, kind)
    else:
        found = _placed(names, leaf, kind)
    if isinstance(found, Refusal):
        return found
    servers = tuple(server for server in found[0] if all(limit.allows(server.backend) for limit in leaf.limits))
    return (servers, found[1]) if servers else _struck_out(names, leaf, found[0], kind)


def _struck_out(names: Names, leaf: Leaf, servers: Sequence[Server], kind: Kind) -> Refusal:
    """Say whose `only` or `exclude` leaves no server, and who could serve the model still."""
    first = servers[0]
    told = next((limit, key) for limit in leaf.limits if (key := limit.key_against(first.backend)) is not None)
    struck = " and ".join(dict.fromkeys(f'"{server.backend}"' for server in servers))
    handle = first.spec.handle
    pins = tuple(
        f"{backend}/{handle}"
        for backend in servers_of(names.assigner, handle, kind, leaf.name if leaf.how == "model_id" else None)
        if leaf.how != "pin" and all(limit.allows(backend) for limit in leaf.limits)
    )
    text = f"{MODELS} would go to {struck}, which {told[0].owner} rules out ({told[1]})."
    return Refusal(name=leaf.name, text=text, pins=pins)


def places(names: Names, leaf: Leaf, kind: Kind) -> Iterator[Place]:
    """Give the places of a model that routing decides on: several where a model id stands for several handles."""
    assigner = names.assigner
    if leaf.how != "model_id":
        yield assigner.place(leaf.name, kind)
        return
    for handle in dict.fromkeys(handle for _, handle in names.bound.model_ids[leaf.name]):
        if any(assigner.spec(backend, handle, kind, leaf.name) for backend in names.bound.handles[handle]):
            yield assigner.place(handle, kind, leaf.name)


def _placed(names: Names, leaf: Leaf, kind: Kind) -> Found:
    found = list(places(names, leaf, kind))
    place = next((place for place in found if place.servers), None)
    if place is not None:
        return place.servers, place
    model_id = leaf.name if leaf.how == "model_id" else None
    return nobody(names.assigner, found[0], kind, model_id) if found else Refusal(name=leaf.name, unknown=True)


def _pinned(names: Names, leaf: Leaf, backend: str, kind: Kind) -> Found:
    assigner, held = names.assigner, names.bound.backends.get(backend)
    if held is None:
        return Refusal(name=leaf.name, text=f'there is no backend "{backend}".')
    spec = assigner.spec(backend, leaf.name, kind) or assigner.by_model_id(backend, leaf.name, kind)
    if spec is None and not (leaf.optional and assigner.is_listed(leaf.name)):
        spec = None if _listed_there(names, backend, leaf.name) else assigner.unlisted(backend, leaf.name, kind)
    if spec is None:
        return Refusal(name=leaf.name, text=_not_served(names, backend, leaf.name, kind))
    if held.state == "off":
        return pin_off(held, leaf.name)
    return (Server(backend, spec, named=True),), None


def _listed_there(names: Names, backend: str, name: str) -> bool:
    own = names.bound.specs.get(backend, {})
    return name in own or any(owner == backend for owner, _ in names.bound.model_ids.get(name, ()))


def _not_served(names: Names, backend: str, name: str, kind: Kind) -> str:
    spec = names.bound.backends[backend].spec
    if name in names.bound.specs.get(backend, {}):
        return f'"{name}" at "{backend}" is of kind {names.bound.specs[backend][name].kind}, not {kind}.'
    written = names.assigner.written(backend, name)
    if written is not None:
        return f'"{name}" is switched off for "{backend}" (enabled = false, {written.origin.file}).'
    if spec.unlisted is False:
        return f'"{backend}" does not list "{name}" and takes no unlisted model (unlisted = false).'
    return f'"{backend}" does not serve "{name}".'


def _at_provider(names: Names, leaf: Leaf, provider: str, kind: Kind) -> Found:
    held = names.bound.backends.get(provider)
    if held is None:
        return Refusal(name=leaf.name, text=f'there is no backend "{provider}".')
    assigner = names.assigner
    handles = [leaf.name, *(handle for _, handle in names.bound.model_ids.get(leaf.name, ()))]
    spec = next((found for name in handles if (found := assigner.spec(provider, name, kind)) is not None), None)
    spec = spec or assigner.by_model_id(provider, leaf.name, kind)
    if spec is None:
        return Refusal(name=leaf.name, text=f'"{provider}" does not serve {MODELS}.')
    return pin_off(held, leaf.name) if held.state == "off" else ((Server(provider, spec, named=True),), None)


def same(candidate: Candidate) -> object:
    """Give what two candidates share that are one and the same: a route holds only the first of them."""
    return candidate.backend, candidate.model_id, candidate.via, candidate.settings


def make_candidate(names: Names, leaf: Leaf, server: Server, place: Place | None) -> Candidate:
    """Give the candidate that a server is for a model."""
    backend = names.bound.backends[server.backend]
    given = FrozenDict({name: value for name, value in leaf.settings.items() if value is not None})
    # A None stays for `fit`: it tells that not even the spec's own value is sent.
    settings, adapted = fit(leaf.settings, server.spec)
    sdk, via = str(server.spec.sdk), None if leaf.direct else backend.via
    return Candidate(
        handle=server.spec.handle,
        backend=server.backend,
        model_id=str(server.spec.model_id),
        sdk=sdk,
        spec=server.spec,
        settings=settings,
        given=given,
        adapted=adapted,
        via=via.gateway if via is not None and sdk in via.endpoints else None,
        stood_in_for=place.replaced if place is not None else None,
        broken=backend.reason if backend.state == "broken" else None,
    )
