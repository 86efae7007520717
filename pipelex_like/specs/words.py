"""The words of spec files: kinds, inputs and outputs, ways to get an object, names of SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.deck import SdkSettings, StructureMethod
    from pipelex_like.types import Kind

ModelType = Literal["llm", "text_extractor", "img_gen", "search", "doc_gen", "judgment"]
UNSERVED = ("search", "doc_gen", "judgment")
"""Kinds that this project does not serve: their models and deck tables are left out."""

_OFFICE = ("pdf", "docx", "pptx", "xlsx")
_PLAIN_FILES = ("html", "md", "csv", "txt", "vtt", "eml")
INPUTS = frozenset(
    ("text", "images", "image", "audio", "video", "web_page", "layout", "template_file", *_OFFICE, *_PLAIN_FILES)
)
OUTPUTS = frozenset(
    ("text", "structured", "image", "images", "pages", "audio", "sourced-answers", "judgments", *_OFFICE)
)

KINDS_BY_TYPE: Mapping[str, Kind] = {"llm": "llm", "text_extractor": "extract", "img_gen": "img_gen"}
_BY_OUTPUT: Sequence[tuple[str, Kind]] = (
    ("text", "llm"),
    ("structured", "llm"),
    ("pages", "extract"),
    ("image", "img_gen"),
    ("images", "img_gen"),
)

_STRUCTURE: Mapping[str, StructureMethod] = {
    "schema": "schema",
    "tools": "tools",
    "json": "json",
    "instructor/openai_tools": "tools",
    "instructor/openai_responses_tools": "tools",
    "instructor/anthropic_tools": "tools",
    "instructor/anthropic_reasoning_tools": "tools",
    "instructor/mistral_tools": "tools",
    "instructor/genai_tools": "tools",
    "instructor/vertexai_tools": "tools",
    "instructor/genai_structured_outputs": "schema",
    "instructor/openrouter_structured_outputs": "schema",
    "instructor/json": "json",
}

METHODS = tuple(_STRUCTURE)
"""Every word for a way to get an object."""

_PLAIN_METHODS = "Write schema, tools or json."


def kind_of(model_type: str | None, outputs: Sequence[str], sdk: SdkSettings | None) -> Kind | None:
    """Give the kind of a model; None where it does none of the three kinds of work.

    A model that says nothing of it has the kind of its SDK, if that has but one, else it is a language model.
    """
    if model_type is not None:
        return KINDS_BY_TYPE.get(model_type)
    for word, kind in _BY_OUTPUT:
        if word in outputs:
            return kind
    if any(word in OUTPUTS for word in outputs):
        return None
    return sdk.kinds[0] if sdk is not None and len(sdk.kinds) == 1 else "llm"


def method_of(word: str) -> StructureMethod:
    """Give our word for a way to get an object. Raises ValueError(message, hint) on an unknown one."""
    found = _STRUCTURE.get(word)
    if found is None:
        raise ValueError("this way to get an object is not known", did_you_mean(word, _STRUCTURE) or _PLAIN_METHODS)
    return found


def sdk_names(sdks: Sequence[SdkSettings]) -> dict[str, str]:
    """Map every accepted name of an SDK to ours: its own, and its further spellings."""
    return {name: sdk.sdk for sdk in sdks for name in (*sdk.names, sdk.sdk)}
