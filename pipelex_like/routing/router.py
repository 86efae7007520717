"""The router: a reference in, a route out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck.governing import read_call_policy
from pipelex_like.deck.policy import CALL_KEYS
from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.errors import ResolveError, did_you_mean
from pipelex_like.routing.assign import Assigner
from pipelex_like.routing.candidates import make_route
from pipelex_like.routing.explain import explain, look
from pipelex_like.routing.flatten import DIRECT, Flattener
from pipelex_like.routing.leaves import Layer
from pipelex_like.routing.names import Names
from pipelex_like.routing.refusals import unknown
from pipelex_like.routing.rules import Rules
from pipelex_like.types import EMPTY, KINDS, FrozenDict, freeze, is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

    from pipelex_like.deck import BoundDeck, Policy, Preset, Route
    from pipelex_like.routing.assign import Locate
    from pipelex_like.routing.explanation import Explanation
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.types import Kind

# Names of the deck are finite; pins and unlisted ids come from callers, and are remembered up to this number.
_MOST_ROUTES = 10_000
_TABLE_KEYS = ("model", "provider", "only", "exclude")


class Router:
    """Looks references up in a bound deck.

    Safe to share between threads: all it ever changes is a bounded memory of routes that it found before. `locate`
    finds the line of a path in a file, for explanations.
    """

    def __init__(self, bound: BoundDeck, *, locate: Locate | None = None) -> None:
        self.bound = bound
        self._locate = locate
        self.names = Names(Assigner(bound, Rules(bound), locate))
        self.flattener = Flattener(self.names)
        self._routes: dict[Kind | None, dict[str, Route]] = {kind: {} for kind in (None, *KINDS)}

    def resolve(self, reference: str, kind: Kind | None = None) -> Route:
        """Give the route of a reference. Without `kind` the reference must mean one kind only.

        Raises LLMHandleNotFoundError, LLMPresetNotFoundError or HandleNotFoundError for a name that nothing knows,
        ResolveError for one that is served by nobody here, ambiguous or ruled out.
        """
        remembered = self._routes.get(kind)
        route = remembered.get(reference) if remembered is not None else None
        return route if route is not None else self._resolve(reference, kind)

    def default(self, kind: Kind, slot: Literal["for_text", "for_object", "default"]) -> str:
        """Give the reference of a default choice. Raises ResolveError that names the key to write where none is."""
        choice = self.bound.deck.choices.get((kind, slot))
        if choice is None and kind == "llm":
            choice = self.bound.deck.choices.get((kind, "for_text"))
        if choice is not None:
            return choice.reference
        key = f"[llm.choice_defaults] {'for_text' if slot == 'default' else slot}"
        wanted = key if kind == "llm" else f"[{kind}] choice_default"
        raise ResolveError(
            f"no model was named, and the deck has no default choice for this: write {wanted}, or pass model=...",
            reference="",
        )

    def route(
        self,
        model: str | Mapping[str, object],
        kind: Kind,
        *,
        provider: str | None = None,
        only: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        settings: Mapping[str, object] = EMPTY,
    ) -> Route:
        """Give the route of a call. `model` is a reference or an inline table (`{"model": ..., **settings}`).

        The call's settings win over the table's, these over the deck's; `only` and `exclude` strike candidates
        out, `provider` pins every one (`direct`: goes round every gateway). Raises as `resolve` does, and
        ResolveError for a setting that is wrong.
        """
        if isinstance(model, str) and provider is None and only is None and not exclude and not settings:
            return self.resolve(model, kind)
        call = self._call(_reference(model), kind, provider=provider, only=only, exclude=exclude, settings=settings)
        leaves, preset = self._asked(model, kind, call)
        return make_route(self.names, _reference(model), kind, leaves, preset.name if preset else None)

    def explain(
        self,
        model: str | Mapping[str, object],
        kind: Kind | None = None,
        *,
        provider: str | None = None,
        only: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        settings: Mapping[str, object] = EMPTY,
    ) -> Explanation:
        """Tell how a reference, or a call with these options, is resolved, step by step, with the place that decided
        each; never raises for a reference that leads nowhere, but says so."""
        plain = isinstance(model, str) and provider is None and only is None and not exclude and not settings
        reference = model if isinstance(model, str) else str(model.get("model", ""))

        def models() -> tuple[Kind, tuple[Leaf, ...]]:
            wanted = kind if kind is not None else self.kind_of(_reference(model))
            if plain:
                return wanted, self._leaves(reference, wanted, None)[0]
            call = self._call(reference, wanted, provider=provider, only=only, exclude=exclude, settings=settings)
            return wanted, self._asked(model, wanted, call)[0]

        def routed(wanted: Kind) -> Route:
            if plain:
                return self.resolve(reference, kind)
            return self.route(model, wanted, provider=provider, only=only, exclude=exclude, settings=settings)

        return explain(self.names, reference, look(models, routed), self._locate)

    def _call(
        self,
        reference: str,
        kind: Kind,
        *,
        provider: str | None,
        only: Iterable[str] | None,
        exclude: Iterable[str],
        settings: Mapping[str, object],
    ) -> Layer:
        """Give what a call says of all its candidates. Raises ResolveError for what is wrong in it."""
        self._check_settings(settings, kind, reference)
        own_only, own_exclude = self._limits(only, exclude, reference)
        return Layer(
            what="call",
            name="call",
            settings=_frozen(settings),
            provider=self._provider(provider, reference),
            direct=provider == DIRECT,
            only=own_only,
            exclude=own_exclude,
        )

    def _asked(
        self, model: str | Mapping[str, object], kind: Kind, call: Layer
    ) -> tuple[tuple[Leaf, ...], Preset | None]:
        reference, table = (model, None) if isinstance(model, str) else self._inline(model, kind)
        leaves, preset = self._leaves(reference, kind, call.provider or (table.provider if table else None))
        return call.over(table.over(leaves) if table is not None else leaves), preset

    def kind_of(self, reference: str) -> Kind:
        """Give the one kind that a reference means. Raises ResolveError where it means several or none."""
        certain, known = self._kinds(reference)
        if len(certain) > 1:
            listed = ", ".join(certain)
            raise ResolveError(
                f'"{reference}" means something in several kinds: {listed}. Say which: kind="{certain[0]}".',
                reference=reference,
            )
        if certain:
            return certain[0]
        if known:
            return "llm" if "llm" in known else known[0]
        raise unknown(self.names, reference, None)

    def kinds_of(self, reference: str) -> tuple[Kind, ...]:
        """Give every kind in which a reference stands for something, served here or not."""
        certain, known = self._kinds(reference)
        return tuple(certain or known)

    def _kinds(self, reference: str) -> tuple[list[Kind], list[Kind]]:
        """Give the kinds that a reference means by what is written, and all in which it may mean something."""
        known: list[Kind] = []
        certain: list[Kind] = []
        for kind in KINDS:
            leaves, preset = self.flattener.reference(reference, kind)
            known.extend([kind] if leaves else [])
            certain.extend([kind] if preset is not None or any(leaf.certain for leaf in leaves) else [])
        return certain, known

    def _resolve(self, reference: str, kind: Kind | None) -> Route:
        if kind not in self._routes:
            raise ResolveError(f'there is no kind "{kind}"; there are {", ".join(KINDS)}', reference=reference)
        wanted = kind if kind is not None else self.kind_of(reference)
        leaves, preset = self._leaves(reference, wanted, None)
        route = make_route(self.names, reference, wanted, leaves, preset.name if preset else None)
        memo = self._routes[kind]
        if len(memo) < _MOST_ROUTES or all(leaf.how in ("handle", "model_id") for leaf in leaves):
            memo[reference] = route
        return route

    def _leaves(self, reference: str, kind: Kind, provider: str | None) -> tuple[tuple[Leaf, ...], Preset | None]:
        leaves, preset = self.flattener.reference(reference, kind, provider=provider)
        if leaves:
            return leaves, preset
        others, _ = self._kinds(reference)
        if others or preset is not None:
            what = f"it is of kind {' and '.join(others)}" if others else "none of its targets is of that kind"
            raise ResolveError(f'"{reference}" stands for no model of kind {kind}: {what}.', reference=reference)
        raise unknown(self.names, reference, kind)

    def _limits(
        self, only: Iterable[str] | None, exclude: Iterable[str], reference: str
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Give `only` and `exclude` by the backends' own names. A slip in `exclude` must not let a backend in."""
        own_only, own_exclude = self.flattener.limits(only, exclude)
        for key, backends in (("only", own_only or ()), ("exclude", own_exclude)):
            for backend in backends:
                self._check_backend(key, backend, reference)
        return own_only, own_exclude

    def _check_backend(self, key: str, backend: str, reference: str) -> None:
        if backend not in self.bound.backends:
            hint = did_you_mean(backend, [*self.bound.backends, *self.bound.other_names])
            raise ResolveError(f'{key}: there is no backend "{backend}". {hint}'.rstrip(), reference=reference)

    def _provider(self, name: object, reference: str) -> str | None:
        backend = self.flattener.provider(name) if isinstance(name, str) else None
        if backend is not None:
            self._check_backend("provider", backend, reference)
        return backend

    def _inline(self, table: Mapping[str, object], kind: Kind) -> tuple[str, Layer]:
        reference = _reference(table)
        settings = {key: value for key, value in table.items() if key not in CALL_KEYS and key not in _TABLE_KEYS}
        self._check_settings(settings, kind, reference)
        only, exclude = self._limits(
            _names(table, "only", reference), _names(table, "exclude", reference) or (), reference
        )
        layer = Layer(
            what="inline table",
            name=reference,
            settings=_frozen(settings),
            policy=_policy(table, reference),
            provider=self._provider(table.get("provider"), reference),
            direct=table.get("provider") == DIRECT,
            only=only,
            exclude=exclude,
        )
        return reference, layer

    def _check_settings(self, settings: Mapping[str, object], kind: Kind, reference: str) -> None:
        known = SETTINGS[kind]
        for name, value in settings.items():
            if name not in known:
                raise ResolveError(
                    f'"{name}" is no setting of {kind}. {did_you_mean(name, known)}'.rstrip(), reference=reference
                )
            fault = fault_of(kind, name, value)
            if fault is not None:
                raise ResolveError(f"{name}: {fault}", reference=reference)


def _reference(model: str | Mapping[str, object]) -> str:
    reference = model if isinstance(model, str) else model.get("model")
    if not isinstance(reference, str):
        raise ResolveError('an inline table needs "model", a reference as text', reference="")
    return reference


def _frozen(settings: Mapping[str, object]) -> FrozenDict[str, object]:
    return FrozenDict({name: freeze(value) for name, value in settings.items()})


def _policy(table: Mapping[str, object], reference: str) -> Policy:
    try:
        return read_call_policy(table)
    except (TypeError, ValueError) as fault:
        raise ResolveError(str(fault), reference=reference) from None


def _names(table: Mapping[str, object], key: str, reference: str) -> list[str] | None:
    value = table.get(key)
    if value is None:
        return None
    if not is_list(value) or not all(isinstance(name, str) for name in value):
        raise ResolveError(f"{key}: expected a list of backend names", reference=reference)
    return [str(name) for name in value]
