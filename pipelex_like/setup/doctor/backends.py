"""The backends as a set-up sees them, and who would serve the default choices. Nothing is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pipelex_like.deck import Template
from pipelex_like.errors import CapabilityError, ResolveError
from pipelex_like.setup.doctor.facts import BackendFacts, Choice, Needed, Option
from pipelex_like.setup.init.keys import ways_of
from pipelex_like.setup.placeholders import looks_like_placeholder
from pipelex_like.workers.azure_openai.endpoint import host_kind
from pipelex_like.workers.local import weights
from pipelex_like.workers.tesseract.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.deck import Backend, BoundDeck, Candidate, SdkSettings
    from pipelex_like.routing import Router
    from pipelex_like.setup.doctor.env import Settings
    from pipelex_like.types import Kind

    Slot = Literal["for_text", "for_object", "default"]

CATALOGUE = "model_catalogue"
CHOICES: tuple[tuple[Kind, Slot], ...] = (
    ("llm", "for_text"),
    ("llm", "for_object"),
    ("extract", "default"),
    ("img_gen", "default"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What backends are looked at with. `install` maps an extra to the command that brings what is missing of it."""

    deck: BoundDeck
    root: Path
    settings: Settings
    variables: Mapping[str, str]
    install: Mapping[str, str]


def sdks_of(backend: Backend, deck: BoundDeck) -> tuple[SdkSettings, ...]:
    """Give the SDKs that the models of a backend are called through."""
    names = dict.fromkeys(model.sdk for model in deck.specs[backend.name].values())
    found = (deck.deck.sdks.get(str(name)) for name in names or backend.spec.sdks)
    return tuple(settings for settings in found if settings is not None)


def users_of(deck: BoundDeck) -> dict[str, list[str]]:
    """Give the extras of all SDKs, each with the backends that are on and need it."""
    found: dict[str, list[str]] = {settings.extra: [] for settings in deck.deck.sdks.values() if settings.extra}
    for backend in deck.backends.values():
        for extra in dict.fromkeys(settings.extra for settings in sdks_of(backend, deck)):
            if extra is not None and backend.state == "on":
                found[extra].append(backend.name)
    return found


def backend_facts(sight: Sight, backend: Backend) -> BackendFacts:
    """Give what is to be known of one backend."""
    spec, deck = backend.spec, sight.deck
    settings = [deck.deck.sdks[sdk] for sdk in spec.sdks if sdk in deck.deck.sdks]
    found = ways_of(spec, settings, sight.settings.where, sight.variables)
    ways = tuple(
        tuple(Needed(name=key.name, where=key.found, placeholder=bool(key.found) and key.placeholder) for key in way)
        for way in found
    )
    missing = (sight.install.get(one.extra or "", "") for one in sdks_of(backend, deck))
    return BackendFacts(
        name=backend.name,
        state=backend.state,
        reason=backend.reason,
        kinds=backend.kinds,
        models=len(deck.specs[backend.name]),
        only_when_named=spec.only_when_named,
        ways=ways,
        address=address_of(backend),
        proxy=None if backend.proxy is None else str(backend.proxy),
        ca_file=None if backend.ca_file is None else str(backend.ca_file),
        via=None if backend.via is None else backend.via.gateway,
        key_url=spec.key_url,
        install=next((command for command in missing if command), "") if backend.state != "off" else "",
        remarks=tuple(_remarks(sight, backend)) if backend.state != "off" else (),
    )


def address_of(backend: Backend) -> str | None:
    """Give scheme, host and port of a backend's endpoint; what else stands in it may be secret."""
    try:
        parts = urlsplit((backend.text("endpoint") or "").strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else None


def _remarks(sight: Sight, backend: Backend) -> Iterator[str]:
    written = [value for name, value in backend.spec.keys.items() if not isinstance(value, Template) and "key" in name]
    if any(isinstance(value, str) and looks_like_placeholder(value) for value in written):
        yield "the key that backends.toml holds looks like a placeholder; put it into .env and write ${NAME} there"
    if backend.ca_file is not None:
        path = sight.root / Path(str(backend.ca_file.value)).expanduser()
        if not path.is_file():
            yield f"ca_file is {backend.ca_file}, and there is no such file"
    if any(settings.sdk.startswith("azure_") for settings in sdks_of(backend, sight.deck)):
        yield from _azure(sight, backend)


def _azure(sight: Sight, backend: Backend) -> Iterator[str]:
    """Deployments and the catalogue share their variables, and one address serves mostly one of the two."""
    own = [*sight.deck.specs[backend.name].values(), *filter(None, [backend.spec.default_spec])]
    catalogue = any(model.variant == CATALOGUE for model in own)
    kind = host_kind(backend.text("endpoint") or "")
    if kind == "deployments" and catalogue:
        yield "its host serves deployments of Azure OpenAI, no catalogue: call them as azure/<deployment>"
    if kind == "catalogue" and not catalogue:
        yield "its host serves the model catalogue, no deployments: call its models as azure_ai/<model>"


def choices_of(sight: Sight, router: Router) -> tuple[Choice, ...]:
    """Say for each default choice who would serve it, without asking anybody."""
    return tuple(_choice(sight, router, kind, slot) for kind, slot in CHOICES)


def _choice(sight: Sight, router: Router, kind: Kind, slot: Slot) -> Choice:
    try:
        reference = router.default(kind, slot)
    except ResolveError:
        return Choice(kind=kind, slot=slot, reference=None)
    try:
        route = router.resolve(reference, kind)
    except ResolveError as error:
        return Choice(kind=kind, slot=slot, reference=reference, advice=str(error))
    options = tuple(
        Option(handle=one.handle, backend=one.backend, sdk=one.sdk, why_not=_why_not(sight, one))
        for one in route.candidates
    )
    return Choice(kind=kind, slot=slot, reference=reference, candidates=options)


def _why_not(sight: Sight, candidate: Candidate) -> str:
    """Say what keeps a candidate from being called, as far as that can be seen from here."""
    backend = sight.deck.backends[candidate.backend]
    settings = sight.deck.deck.sdks.get(candidate.sdk)
    if candidate.broken is not None or backend.state != "on":
        return candidate.broken or backend.reason
    install = sight.install.get(settings.extra or "", "") if settings is not None else ""
    if install:
        return f"its SDK is missing: {install}"
    kind = candidate.spec.kind
    if settings is not None and kind is not None and kind not in settings.kinds:
        return f'this version has no worker for sdk "{candidate.sdk}"'
    match candidate.sdk:
        case "tesseract":
            return _no_program()
        case "local":
            return _no_weights(backend, candidate)
        case _:
            return ""


def _no_program() -> str:
    try:
        program("tesseract")
    except CapabilityError as error:
        return str(error)
    return ""


def _no_weights(backend: Backend, candidate: Candidate) -> str:
    """The file is chosen as the worker chooses it."""
    given = candidate.model_id if candidate.model_id.endswith(".gguf") else backend.text("model_path")
    if given is not None:
        return "" if Path(given).expanduser().is_file() else "the GGUF file that it names is not there"
    name = next((name for name in (candidate.model_id, candidate.handle) if name in weights.KNOWN), None)
    if name is None or weights.file_of(name, weights.cache_of(backend.text)) is not None:
        return ""
    return "its weights are not here yet; run: pipelex-like local pull"
