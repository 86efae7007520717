"""What a name can mean, in the order in which its meanings count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Alias, Preset
from pipelex_like.errors import nearest
from pipelex_like.routing.leaves import Leaf
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.routing.assign import Assigner
    from pipelex_like.types import Kind

Meaning = Preset | Alias | Leaf
ANY_NAME = "*"
_SIGNS = {"$": "preset", "@": "alias", "~": "alias"}
_NOUNS = {"preset": "preset", "alias": "alias or chain", "handle": "model"}
_WORDS = {"preset": "preset", "alias": "alias", "waterfall": "alias", "handle": "handle"}


def split_reference(text: str) -> tuple[str, str]:
    """Give the form that a reference says it has (`preset`, `alias`, `handle`, or `bare`) and the name in it."""
    if text[:1] in _SIGNS:
        return _SIGNS[text[0]], text[1:]
    word, colon, rest = text.partition(":")
    if colon and word in _WORDS:
        return _WORDS[word], rest
    return "bare", text


def _what(meaning: Meaning) -> str:
    match meaning:
        case Preset():
            return "a preset"
        case Alias():
            return "an alias"
        case Leaf():
            return "a model"


class Names:
    """The names of a bound deck."""

    def __init__(self, assigner: Assigner) -> None:
        self.assigner = assigner
        self.bound = assigner.bound
        self.rules = assigner.rules
        self.deck = assigner.bound.deck
        self._targets: dict[tuple[str, Kind], tuple[Meaning, ...]] = {}

    def of_target(self, text: str, kind: Kind, owner: Alias | Preset) -> tuple[Meaning, ...]:
        """Give what a target of an alias or preset can mean as that kind; remembered, since targets are finite."""
        if text == owner.name:
            return tuple(self.meanings(text, kind, inside=owner))
        found = self._targets.get((text, kind))
        if found is None:
            found = self._targets[text, kind] = tuple(self.meanings(text, kind))
        return found

    def meanings(
        self, text: str, kind: Kind, *, presets: bool = False, inside: Alias | Preset | None = None
    ) -> Iterator[Meaning]:
        """Give what a reference can mean as that kind, the one that counts most first.

        `inside` is the alias or preset whose target it is: there, its own name means the next thing of that name.
        """
        form, name = split_reference(text)
        found = False
        for meaning in self._of_form(form, name, kind, presets, inside):
            found = True
            yield meaning
        if not found and form != "bare":
            yield from self._whole(text, kind, presets=presets, inside=inside)

    def _of_form(
        self, form: str, name: str, kind: Kind, presets: bool, inside: Alias | Preset | None
    ) -> Iterator[Meaning]:
        if form == "preset":
            if presets and (kind, name) in self.deck.presets:
                yield self.deck.presets[kind, name]
        elif form == "alias":
            yield from self.aliases(name, kind)
        else:
            if form == "bare":
                yield from self._whole(name, kind, presets=presets, inside=inside)
            else:
                yield from self._models(name, kind)
            backend, rest = self._pinned(name)
            if backend is not None:
                leaf = self.pin(backend, rest, kind)
                if leaf is not None:
                    yield leaf
            elif self._is_free(name, inside) and (self.is_known_loose(name) or self.catchers(name)):
                yield Leaf(name=name, how="loose", certain=False)

    def _whole(self, text: str, kind: Kind, *, presets: bool, inside: Alias | Preset | None) -> Iterator[Meaning]:
        if presets and (kind, text) in self.deck.presets:
            yield self.deck.presets[kind, text]
        aliases = self.aliases(text, kind)
        if isinstance(inside, Alias) and inside in aliases:
            aliases = aliases[aliases.index(inside) + 1 :]
        yield from aliases
        yield from self._models(text, kind)

    def aliases(self, name: str, kind: Kind) -> list[Alias]:
        """Give the aliases of that name: the one for this kind first, unless the one for all is from a nearer layer."""
        own, general = self.deck.aliases.get((kind, name)), self.deck.aliases.get((None, name))
        if own is None or general is None:
            return [alias for alias in (own, general) if alias is not None]
        return [general, own] if general.layer > own.layer else [own, general]

    def _models(self, name: str, kind: Kind) -> Iterator[Leaf]:
        spec_of = self.assigner.spec
        for backend in self.bound.handles.get(name, ()):
            spec = spec_of(backend, name, kind)
            if spec is not None:
                yield Leaf(name=name, how="handle", certain=spec.kind is not None)
                return
        if any(spec_of(backend, handle, kind) for backend, handle in self.bound.model_ids.get(name, ())):
            if not self._is_served_pin(name, kind):
                yield Leaf(name=name, how="model_id")
            return
        if name not in self.bound.handles and self._disabled(name, kind):
            yield Leaf(name=name, how="handle")

    def _disabled(self, name: str, kind: Kind) -> bool:
        return any(name in models and models[name].kind in (kind, None) for models in self.deck.specs.values())

    def _pinned(self, text: str) -> tuple[str | None, str]:
        head, slash, rest = text.partition("/")
        return (self.backend(head) if slash and rest else None), rest

    def _is_served_pin(self, name: str, kind: Kind) -> bool:
        """Whether it names a backend and a model of it: `openai/gpt-4o` is OpenAI's, though an aggregator that lists
        it too calls it just that."""
        backend, rest = self._pinned(name)
        if backend is None or self.assigner.state(backend) == "off":
            return False
        return (self.assigner.spec(backend, rest, kind) or self.assigner.by_model_id(backend, rest, kind)) is not None

    def backend(self, name: str) -> str | None:
        """Give the backend of that name or other name, or None."""
        return name if name in self.bound.backends else self.bound.other_names.get(name)

    def pin(self, backend: str, rest: str, kind: Kind) -> Leaf | None:
        """Give what a pin to the backend means as that kind; None where its spec says another kind."""
        listed = self.bound.specs[backend].get(rest)
        if listed is not None and listed.kind is not None:
            return Leaf(name=rest, how="pin", backend=backend) if listed.kind == kind else None
        if listed is None and any(owner == backend for owner, _ in self.bound.model_ids.get(rest, ())):
            known = self.assigner.by_model_id(backend, rest, kind) is not None
            return Leaf(name=rest, how="pin", backend=backend) if known else None
        default = self.bound.backends[backend].spec.default_spec
        certain = listed is None and default is not None and default.kind == kind
        return Leaf(name=rest, how="pin", backend=backend, certain=certain)

    def _is_free(self, name: str, inside: Alias | Preset | None) -> bool:
        """Whether nothing of any kind has the name, but for the alias or preset that asks."""
        if self.assigner.is_listed(name):
            return False
        owners = (None, *KINDS)
        return (inside is not None and inside.name == name) or not any(
            (owner, name) in self.deck.aliases or (owner, name) in self.deck.presets for owner in owners
        )

    def is_known_loose(self, name: str) -> bool:
        """Whether an exact route names it, or an unlisted pattern other than `*` takes it, be its backend off."""
        return name in self.rules.routes.exact or bool(self.takers(name))

    def takers(self, name: str) -> list[str]:
        """Give the backends, if not switched off, whose unlisted patterns other than `*` match the name."""
        return [
            backend
            for backend in self.rules.unlisted
            if self.bound.backends[backend].spec.enabled is not False
            and any(pattern != ANY_NAME for pattern in self.rules.takes(backend, name))
        ]

    def catchers(self, name: str) -> list[str]:
        """Give the backends that are not off and take the name as an unlisted id, though it be by `*`: where none of
        these is on, `*` makes no name known, or every typing error would be one."""
        return [
            backend
            for backend in self.rules.unlisted
            if self.assigner.state(backend) != "off" and self.rules.takes(backend, name)
        ]

    def known(self, kind: Kind | None, *, presets: bool) -> Iterator[str]:
        """Give the names that someone may have meant, for suggestions."""
        for owner, name in self.deck.aliases:
            if kind is None or owner in (kind, None):
                yield name
        if presets:
            yield from self._presets(kind)
        yield from self._handles(kind)

    def candidates(self, reference: str, kind: Kind | None, *, presets: bool) -> Iterator[str]:
        """Give the names that someone may have meant by a reference of that form."""
        form, name = split_reference(reference)
        if form == "preset":
            yield from self._presets(kind)
        elif form == "alias":
            yield from (alias for owner, alias in self.deck.aliases if kind is None or owner in (kind, None))
        else:
            yield from self._handles(kind) if form == "handle" else self.known(kind, presets=presets)
            head, slash, rest = name.partition("/")
            if slash and rest:
                backends = nearest(head, (*self.bound.backends, *self.bound.other_names), count=1)
                yield from (f"{backend}/{rest}" for backend in backends)

    def right_form(self, reference: str, kind: Kind | None) -> str:
        """Say what the name in a reference is, where its form says another thing (`@gpt-5`); else nothing."""
        form, name = split_reference(reference)
        if form == "bare":
            return ""
        for one in KINDS if kind is None else (kind,):
            for meaning in self.meanings(name, one, presets=True):
                if not isinstance(meaning, Leaf) or meaning.certain:
                    return f'It is {_what(meaning)}: write "{name}".'
        return ""

    def noun(self, form: str, *, presets: bool) -> str:
        """Give what a reference of that form names, as an error says it."""
        return _NOUNS.get(form) or ("model, alias or preset" if presets else "model, alias or chain")

    def _presets(self, kind: Kind | None) -> Iterator[str]:
        return (name for owner, name in self.deck.presets if kind in (owner, None))

    def _handles(self, kind: Kind | None) -> Iterator[str]:
        for handle, backends in self.bound.handles.items():
            if kind is None or any(self.assigner.spec(backend, handle, kind) for backend in backends):
                yield handle
