"""Documents become a deck: all tables checked, all problems together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from pipelex_like.deck import ModelDeck
from pipelex_like.errors import Problem
from pipelex_like.specs.backends import BackendsReader, declared_keys
from pipelex_like.specs.decks import DeckReader
from pipelex_like.specs.entry import Common
from pipelex_like.specs.page import Page
from pipelex_like.specs.profiles import BackendNames, ProfilesReader
from pipelex_like.specs.specfile import SpecReader
from pipelex_like.specs.targets import TargetReader
from pipelex_like.specs.words import sdk_names
from pipelex_like.types import FrozenDict, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipelex_like.deck import BackendSpec, ModelSpec, SdkSettings
    from pipelex_like.documents import Documents, RawDocument

NETWORK_MODELS = frozenset({"pipelex_gateway"})
"""Backends that ask the network for their models, which is not done here."""


def compile_deck(
    documents: Documents,
    *,
    sdks: Sequence[SdkSettings],
    kit_backends: Callable[[], frozenset[str]],
) -> tuple[ModelDeck, list[Problem]]:
    """Check what the files say and give it as a deck, together with everything found wrong.

    `sdks` are the known SDKs; `kit_backends` gives the names of the packaged backends and is called only for a name
    that this directory lacks. What has errors is left out of the deck, its name in `faulty`. Never raises for what
    the files hold.
    """
    problems: list[Problem] = []
    faulty: set[str] = set()
    unread = _Unread.of(documents)
    if not (documents.has_deck or unread.deck):
        problems.append(_no_deck(documents))
    page = Page(document=documents.backends, problems=problems, faulty=faulty)
    reader = BackendsReader(page=page, keys=declared_keys(sdks))
    backends = reader.read()
    declared = frozenset(name for name, table in documents.backends.data.items() if is_table(table))
    files = _Files(documents=documents, sdks=sdks, problems=problems, faulty=faulty, complete=not unread.backends)
    backends, specs = files.read(backends, declared)
    if not unread.specs:
        _warn_of_missing_files(page, documents, backends)
    if unread.backends:
        faulty |= documents.specs.keys() - declared
    names = BackendNames(
        here=declared | frozenset(documents.specs),
        other_names=reader.other_names,
        kit=kit_backends,
        complete=not unread.backends,
    )
    routing = Page(document=documents.routing, problems=problems, faulty=faulty, variables=False)
    profiles = ProfilesReader(page=routing, backends=names).read()
    deck_page = Page(document=documents.deck, problems=problems, faulty=faulty, variables=False)
    deck = DeckReader(page=deck_page, targets=TargetReader(page=deck_page, backends=names))
    deck.read()
    return ModelDeck(
        backends=FrozenDict(backends),
        specs=FrozenDict(specs),
        profiles=profiles,
        aliases=FrozenDict(deck.aliases),
        presets=FrozenDict(deck.presets),
        choices=FrozenDict(deck.choices),
        sdks=FrozenDict({sdk.sdk: sdk for sdk in sdks}),
        network_models=NETWORK_MODELS & declared,
        faulty=frozenset(faulty),
    ), problems


@dataclass(frozen=True, slots=True)
class _Unread:
    """Whether backends, the folder of spec files or that of decks may hold what is missed, since it could not be
    read: then it is told, and nothing that follows from it."""

    backends: bool
    specs: bool
    deck: bool

    @classmethod
    def of(cls, documents: Documents) -> _Unread:
        names = [PurePath(file).name for file in documents.unread]
        # Without the ending it is a folder: one of the two inside, or a whole directory that was to be inherited.
        inherited = any(not name.endswith(".toml") and name not in ("backends", "deck") for name in names)
        heads = any(name.startswith("backends") and name.endswith(".toml") for name in names)
        return cls(inherited or heads, inherited or "backends" in names, inherited or "deck" in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The spec files of all backends. `complete`: all backends are known."""

    documents: Documents
    sdks: Sequence[SdkSettings]
    problems: list[Problem]
    faulty: set[str]
    complete: bool

    def read(
        self, backends: Mapping[str, BackendSpec], declared: frozenset[str]
    ) -> tuple[dict[str, BackendSpec], dict[str, FrozenDict[str, ModelSpec]]]:
        """Give the backends with what their files add, and the models of all files.

        The models of a file without a backend are served by nobody, but whoever names one is not blamed for it.
        """
        names, sdks = sdk_names(self.sdks), {sdk.sdk: sdk for sdk in self.sdks}
        found: dict[str, FrozenDict[str, ModelSpec]] = {}
        filled = dict(backends)
        for name, document in self.documents.specs.items():
            page = Page(document=document, problems=self.problems if name in declared else [], faulty=self.faulty)
            file = SpecReader(common=Common(page=page, backend=name, names=names, sdks=sdks)).read()
            spec = backends.get(name)
            if spec is not None:
                filled[name] = replace(spec, default_spec=file.default_spec, sdks=file.sdks)
            elif name in declared:
                self.faulty.update(file.models)
                continue
            elif self.complete:
                self._warn_of_no_backend(document, name)
            found[name] = file.models
        return filled, found

    def _warn_of_no_backend(self, document: RawDocument, name: str) -> None:
        Page(document=document, problems=self.problems, faulty=self.faulty).warn(
            (),
            "no-backend",
            f'no backend is named "{name}", so nobody serves the models of this file.',
            f"Add [{name}] to backends.toml, or take the file away.",
        )


def _warn_of_missing_files(page: Page, documents: Documents, backends: Mapping[str, BackendSpec]) -> None:
    unread = {PurePath(file).stem for file in documents.unread}
    for name, backend in backends.items():
        if name in documents.specs or name in unread or backend.mirror:
            continue
        if name in NETWORK_MODELS:
            page.warn(
                (name,), "no-spec-file", "its models come from the network, which is not asked here: it serves nothing."
            )
            continue
        page.warn(
            (name,),
            "no-spec-file",
            f"there is no backends/{name}.toml, so this backend serves nothing.",
            "Add the file with its models.",
        )


def _no_deck(documents: Documents) -> Problem:
    return Problem(
        severity="error",
        code="ModelDeckNotFoundError",
        file=documents.deck.shown,
        message="there is no deck file here, nor in a directory that this one extends.",
        hint='Add one, such as deck/base_deck.toml, or begin backends.toml with extends = "pipelex_like".',
    )


def named_sdks(documents: Documents) -> frozenset[str]:
    """Give every text that the spec files write where an SDK's name stands, so that whoever knows of others' SDKs
    can be asked for exactly these."""
    found: set[object] = set()
    for document in documents.specs.values():
        found.add(_text(document.data.get("default_sdk")))
        found.update(_text(table.get("sdk")) for table in document.data.values() if is_table(table))
    return frozenset(name for name in found if isinstance(name, str))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
