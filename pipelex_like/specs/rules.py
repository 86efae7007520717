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

    model_choice: Text | None = Field(default=None, description="word of an older file: how the model is named")
    prompt: Text | None = Field(default=None, description="word of an older file: how the prompt is sent")
    num_images: Annotated[Count | Text | None, Field(union_mode="left_to_right")] = Field(
        default=None, description="most pictures of a request"
    )
    aspect_ratio: Text | None = Field(default=None, description="word of an older file: how a ratio is sent")
    inference: Text | None = Field(default=None, description="word of an older file: how quality or steps are sent")
    safety_checker: Text | None = Field(
        default=None, description="word of an older file: how the check for unsafe content is sent"
    )
    output_format: Annotated[list[Plain] | Text | None, Field(union_mode="left_to_right")] = Field(
        default=None, description="the file formats it writes", examples=[["png", "jpeg"]]
    )
    output_compression: Text | None = Field(
        default=None, description="word of an older file: how a compression is sent"
    )
    background: Text | None = Field(default=None, description='"opaque": it draws no transparent one')
    input_images: Annotated[CountOrNone | Text | None, Field(union_mode="left_to_right")] = Field(
        default=None, description="most pictures to go by; 0 = none"
    )
    input_fidelity: Text | None = Field(
        default=None, description="word of an older file: how closeness to pictures is sent"
    )
    specific: Text | None = Field(default=None, description="word of an older file for one family of models")
    sizes: (
        list[Annotated[str, AfterValidator(_size), Field(json_schema_extra={"pattern": f"^(?:{_SIZE.pattern})$"})]]
        | None
    ) = Field(default=None, description="the only sizes", examples=[["1024x1024", "1536x1024"]])
    aspect_ratios: (
        list[Annotated[str, AfterValidator(_ratio), Field(json_schema_extra={"pattern": f"^(?:{_RATIO.pattern})$"})]]
        | None
    ) = Field(default=None, description="the only ratios", examples=[["square", "16:9"]])
    size_step: Count | None = Field(default=None, description="sides in steps of so many pixels")
    sides: Annotated[list[Count], AfterValidator(_two)] | None = Field(
        default=None, description="the shortest and the longest side in pixels", examples=[[256, 2048]]
    )
    size_fields: Literal["size", "width_height", "aspect_ratio"] | None = Field(
        default=None, description="the fields of the body that hold the shape"
    )
    qualities: Annotated[dict[_Quality, Plain] | list[_Quality] | None, Field(union_mode="left_to_right")] = Field(
        default=None,
        description="its words for our qualities; a list where they are the same",
        examples=[{"low": "standard", "high": "hd"}],
    )
    steps: dict[Literal["low", "medium", "high"], Count] | None = Field(
        default=None, description="steps of diffusion that stand for a quality", examples=[{"low": 4, "high": 28}]
    )
    fields: dict[_Setting, Plain] | None = Field(
        default=None,
        description="what the body calls a setting; with it, nothing else is sent",
        examples=[{"seed": "seed"}],
    )
    input_images_field: Plain | None = Field(default=None, description="the field of the body for pictures to go by")
    stream_usage: bool | None = Field(default=None, description="false: it is not asked for usage in a stream")
    reasoning_summary: bool | None = Field(
        default=None, description="false: it is not asked for a summary of its thinking"
    )
    reasoning_field: Literal["reasoning_content", "reasoning"] | None = Field(
        default=None, description="the field of a message that holds earlier thinking"
    )
    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        default=None, description="the field of the body for max_tokens"
    )
    prompt_cache: Annotated[bool | Literal["5m", "1h"] | None, Field(union_mode="left_to_right")] = Field(
        default=None, description='marks the system prompt and the tools to be kept; "1h" = for an hour'
    )
