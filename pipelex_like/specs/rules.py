"""The rules of a picture model in backends/<name>.toml."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipelex_like.specs.fields import Count, CountOrNone, Plain, Table, Text

_SIZE = re.compile(r"[1-9]\d{1,4}x[1-9]\d{1,4}")
_RATIO = re.compile(r"square|[1-9]\d{0,2}:[1-9]\d{0,2}|(landscape|portrait)_[1-9]\d{0,2}_[1-9]\d{0,2}")

_Setting = Literal[
    "quality",
    "nb_steps",
    "guidance_scale",
    "is_moderated",
    "safety_tolerance",
    "background",
    "output_format",
    "output_compression",
    "input_fidelity",
    "negative_prompt",
    "is_raw",
    "seed",
]
_Quality = Literal["low", "medium", "high", "auto"]


def _size(text: str) -> str:
    if _SIZE.fullmatch(text) is None:
        raise ValueError(f'"{text}" is no size', "Write it as 1024x768.")
    return text


def _ratio(text: str) -> str:
    if _RATIO.fullmatch(text) is None:
        raise ValueError(f'"{text}" is no aspect ratio', "Write square, 16:9 or landscape_16_9.")
    return text


def _two(sides: list[int]) -> list[int]:
    if len(sides) != 2 or sides[0] > sides[1]:
        raise ValueError("expected the shortest and the longest side", "Write [256, 2048].")
    return sides


class RulesTable(Table):
    """How a picture model wants its parameters: in words that name a family's way, or in plain ones."""

    model_choice: Text | None = None
    prompt: Text | None = None
    num_images: Annotated[Count | Text | None, Field(union_mode="left_to_right")] = None
    aspect_ratio: Text | None = None
    inference: Text | None = None
    safety_checker: Text | None = None
    output_format: Annotated[list[Plain] | Text | None, Field(union_mode="left_to_right")] = None
    output_compression: Text | None = None
    background: Text | None = None
    input_images: Annotated[CountOrNone | Text | None, Field(union_mode="left_to_right")] = None
    input_fidelity: Text | None = None
    specific: Text | None = None
    sizes: list[Annotated[str, AfterValidator(_size)]] | None = None
    aspect_ratios: list[Annotated[str, AfterValidator(_ratio)]] | None = None
    size_step: Count | None = None
    sides: Annotated[list[Count], AfterValidator(_two)] | None = None
    size_fields: Literal["size", "width_height", "aspect_ratio"] | None = None
    qualities: Annotated[dict[_Quality, Plain] | list[_Quality] | None, Field(union_mode="left_to_right")] = None
    steps: dict[Literal["low", "medium", "high"], Count] | None = None
    fields: dict[_Setting, Plain] | None = None
    input_images_field: Plain | None = None
    stream_usage: bool | None = None
    reasoning_summary: bool | None = None
    reasoning_field: Literal["reasoning_content", "reasoning"] | None = None
    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    prompt_cache: Annotated[bool | Literal["5m", "1h"] | None, Field(union_mode="left_to_right")] = None
