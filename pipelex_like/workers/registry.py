"""Finds the worker for a kind of work and an SDK, and imports it only then.

Built-in workers and those of installed packages are named alike: an entry point `<kind>.<sdk>` in the group
`pipelex_like.workers`, whose object takes an Access and gives a worker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pipelex_like.deck import SdkKey, SdkSettings
from pipelex_like.errors import CapabilityError, did_you_mean
from pipelex_like.types import KINDS
from pipelex_like.workers.anthropic.settings import SETTINGS as ANTHROPIC
from pipelex_like.workers.azure_openai.settings import SETTINGS as AZURE_OPENAI
from pipelex_like.workers.azure_openai_responses.settings import SETTINGS as AZURE_OPENAI_RESPONSES
from pipelex_like.workers.bedrock.settings import SETTINGS as BEDROCK
from pipelex_like.workers.cohere.settings import SETTINGS as COHERE
from pipelex_like.workers.fal.settings import SETTINGS as FAL
from pipelex_like.workers.google.settings import SETTINGS as GOOGLE
from pipelex_like.workers.huggingface.settings import SETTINGS as HUGGINGFACE
from pipelex_like.workers.local.settings import SETTINGS as LOCAL
from pipelex_like.workers.mistral.settings import SETTINGS as MISTRAL
from pipelex_like.workers.openai.settings import SETTINGS as OPENAI
from pipelex_like.workers.openai_responses.settings import SETTINGS as OPENAI_RESPONSES
from pipelex_like.workers.pypdfium2.settings import SETTINGS as PYPDFIUM2
from pipelex_like.workers.rapidocr.settings import SETTINGS as RAPIDOCR
from pipelex_like.workers.tesseract.settings import SETTINGS as TESSERACT
from pipelex_like.workers.vertex_anthropic.settings import SETTINGS as VERTEX_ANTHROPIC
from pipelex_like.workers.vertex_google.settings import SETTINGS as VERTEX_GOOGLE
from pipelex_like.workers.vertex_mistral.settings import SETTINGS as VERTEX_MISTRAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from pipelex_like.types import Kind
    from pipelex_like.workers.base import Access, Worker

GROUP = "pipelex_like.workers"
SETTINGS_GROUP = "pipelex_like.settings"

SETTINGS: tuple[SdkSettings, ...] = (
    OPENAI,
    OPENAI_RESPONSES,
    AZURE_OPENAI,
    AZURE_OPENAI_RESPONSES,
    ANTHROPIC,
    VERTEX_ANTHROPIC,
    BEDROCK,
    GOOGLE,
    VERTEX_GOOGLE,
    MISTRAL,
    VERTEX_MISTRAL,
    FAL,
    HUGGINGFACE,
    COHERE,
    LOCAL,
    PYPDFIUM2,
    TESSERACT,
    RAPIDOCR,
)
"""Every SDK that has a name of ours; those with `kinds` have a worker."""

NAMED_ONLY: tuple[SdkSettings, ...] = tuple(
    SdkSettings(sdk=name)
    for name in (
        "docling_sdk",
        "reportlab",
        "linkup",
        "linkup_fetch",
        "typesafe",
        "portkey_extract",
        "openrouter_img_gen",
    )
)
"""Names that spec files of other projects use and that load here, without a worker."""

BUILT_IN: Mapping[str, str] = {
    "llm.openai": "pipelex_like.workers.openai.llm:OpenAiLlm",
    "img_gen.openai": "pipelex_like.workers.openai.images:OpenAiImages",
    "llm.openai_responses": "pipelex_like.workers.openai_responses.llm:ResponsesLlm",
    "llm.azure_openai": "pipelex_like.workers.azure_openai.llm:AzureLlm",
    "img_gen.azure_openai": "pipelex_like.workers.azure_openai.images:AzureImages",
    "llm.azure_openai_responses": "pipelex_like.workers.azure_openai_responses.llm:AzureResponsesLlm",
    "llm.anthropic": "pipelex_like.workers.anthropic.llm:AnthropicLlm",
    "llm.google": "pipelex_like.workers.google.llm:GoogleLlm",
    "img_gen.google": "pipelex_like.workers.google.images:GoogleImages",
    "llm.vertex_google": "pipelex_like.workers.vertex_google.llm:VertexGoogleLlm",
    "img_gen.vertex_google": "pipelex_like.workers.vertex_google.images:VertexGoogleImages",
    "llm.mistral": "pipelex_like.workers.mistral.llm:MistralLlm",
    "extract.mistral": "pipelex_like.workers.mistral.ocr:MistralOcr",
    "img_gen.fal": "pipelex_like.workers.fal.images:FalImages",
    "llm.vertex_anthropic": "pipelex_like.workers.vertex_anthropic.llm:VertexAnthropicLlm",
    "llm.vertex_mistral": "pipelex_like.workers.vertex_mistral.llm:VertexMistralLlm",
    "llm.bedrock": "pipelex_like.workers.bedrock.llm:BedrockLlm",
    "llm.huggingface": "pipelex_like.workers.huggingface.llm:HuggingFaceLlm",
    "img_gen.huggingface": "pipelex_like.workers.huggingface.images:HuggingFaceImages",
    "llm.cohere": "pipelex_like.workers.cohere.llm:CohereLlm",
    "llm.local": "pipelex_like.workers.local.llm:LocalLlm",
    "extract.pypdfium2": "pipelex_like.workers.pypdfium2.extract:PdfText",
    "extract.tesseract": "pipelex_like.workers.tesseract.extract:TesseractOcr",
    "extract.rapidocr": "pipelex_like.workers.rapidocr.extract:RapidOcr",
}
"""The entry points of this package, so that a call to one of them scans no installed package."""


def sdk_settings(wanted: Iterable[str] = ()) -> tuple[SdkSettings, ...]:
    """Give the settings of every known SDK name, built-in ones first.

    Installed packages are scanned only if one of the `wanted` names is not built in. A package tells the settings
    of its SDK under the same name in the group `pipelex_like.settings`; without that it has `api_key` and `endpoint`.
    """
    known = (*SETTINGS, *NAMED_ONLY)
    names = {name for settings in known for name in (settings.sdk, *settings.names)}
    foreign = sorted(set(wanted) - names)
    return known + _foreign(foreign) if foreign else known


def _foreign(names: list[str]) -> tuple[SdkSettings, ...]:
    kinds: dict[str, tuple[Kind, ...]] = {
        name: tuple(kind for kind in KINDS if _entry(f"{kind}.{name}", GROUP)) for name in names
    }
    return tuple(_settings_of(name, kinds[name]) for name in names if kinds[name])


def _settings_of(sdk: str, kinds: tuple[Kind, ...]) -> SdkSettings:
    entry = _entry(sdk, SETTINGS_GROUP)
    if entry is not None:
        try:
            settings: object = entry.load()
        except Exception:  # a package's fault must not stop the others; a call to it names the fault
            settings = None
        if isinstance(settings, SdkSettings):
            return settings
    return SdkSettings(sdk=sdk, keys=(SdkKey(name="api_key", secret=True), SdkKey(name="endpoint")), kinds=kinds)


def _entry(name: str, group: str) -> EntryPoint | None:
    # Late, because it costs more than all of this room, and only names that are not built in need it.
    from importlib.metadata import entry_points

    return next(iter(entry_points(group=group, name=name)), None)


class Registry:
    """Workers by (kind, sdk), each imported when it is first asked for."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[Access], Worker]] = {}

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Worker]:
        """Give what makes the worker from an Access; `backend` is named in messages.

        Raises CapabilityError if there is none, or if the package that it needs is not installed.
        """
        name = f"{kind}.{sdk}"
        maker = self._makers.get(name)
        if maker is None:
            maker = self._makers[name] = _load(name, kind, sdk, backend or sdk)
        return maker


def _load(name: str, kind: Kind, sdk: str, backend: str) -> Callable[[Access], Worker]:
    target = BUILT_IN.get(name)
    entry = None if target or _has_name(sdk) else _entry(name, GROUP)
    if target is None and entry is None:
        raise CapabilityError(_no_worker(kind, sdk, backend))
    try:
        return cast("Callable[[Access], Worker]", _attribute(target) if entry is None else entry.load())
    except ModuleNotFoundError as error:
        raise CapabilityError(_needs(sdk, backend, error)) from error
    except Exception as error:  # a package that cannot be imported must not take the others with it
        told = f"{type(error).__name__}: {error}"
        raise CapabilityError(f'backend "{backend}": the worker for sdk "{sdk}" cannot be imported: {told}') from error


def _attribute(target: str | None) -> object:
    module, _, name = (target or "").partition(":")
    return getattr(import_module(module), name)


def _has_name(sdk: str) -> bool:
    return any(settings.sdk == sdk for settings in (*SETTINGS, *NAMED_ONLY))


def _needs(sdk: str, backend: str, error: ModuleNotFoundError) -> str:
    extra = next((settings.extra for settings in SETTINGS if settings.sdk == sdk), None)
    if extra is None:
        return f'backend "{backend}": the worker for sdk "{sdk}" needs the module "{error.name}", not installed here'
    return f'backend "{backend}" needs: pip install "pipelex-like[{extra}]"'


_WORK: Mapping[Kind, str] = {"llm": "language models", "extract": "reading documents", "img_gen": "drawing pictures"}


def _no_worker(kind: Kind, sdk: str, backend: str) -> str:
    kinds = next((settings.kinds for settings in SETTINGS if settings.sdk == sdk), ())
    if kinds:
        served = " and ".join(_WORK[one] for one in kinds)
        return f'backend "{backend}": sdk "{sdk}" serves {served}, not {_WORK[kind]}; name another sdk in the spec'
    if _has_name(sdk):
        return (
            f'backend "{backend}": sdk "{sdk}" is known, but this version has no worker for it yet; '
            "give the model another backend, by a route or a pin"
        )
    hint = did_you_mean(sdk, [settings.sdk for settings in SETTINGS])
    told = f'backend "{backend}": no installed package offers a worker for {_WORK[kind]} through sdk "{sdk}". {hint}'
    return told.strip()
