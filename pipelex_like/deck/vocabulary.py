"""The settings that a preset, an alias, an inline table or a call may give, and what values each takes.

One vocabulary for every provider; workers say in their own words what a model understands.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal

from pipelex_like.types import is_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Kind

Form = Literal["number", "integer", "text", "texts", "flag", "table", "flag or integer", "text or table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What values a setting takes; `words` are the only texts allowed, or in a number's place."""

    form: Form
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    meaning: str


LLM_SETTINGS: Mapping[str, Setting] = {
    "temperature": Setting(form="number", least=0, most=2, meaning="randomness"),
    "top_p": Setting(form="number", least=0, most=1, meaning="nucleus sampling"),
    "top_k": Setting(form="integer", least=1, meaning="sample among the k most likely tokens"),
    "max_tokens": Setting(form="integer", least=1, words=("auto",), meaning="most tokens of the answer"),
    "stop": Setting(form="texts", meaning="texts that end the answer"),
    "seed": Setting(form="integer", meaning="for repeatable answers, where the provider offers it"),
    "frequency_penalty": Setting(form="number", least=-2, most=2, meaning="less repetition of frequent tokens"),
    "presence_penalty": Setting(form="number", least=-2, most=2, meaning="less repetition of any token"),
    "logit_bias": Setting(form="table", meaning="token id to bias"),
    "logprobs": Setting(form="flag or integer", least=0, most=20, meaning="log probabilities of tokens"),
    "tool_choice": Setting(form="text or table", meaning="auto, none, required, or a tool's name"),
    "parallel_tool_calls": Setting(form="flag", meaning="several tool calls in one turn"),
    "reasoning_effort": Setting(
        form="text",
        words=("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        meaning="how much the model thinks",
    ),
    "reasoning_budget": Setting(form="integer", least=0, meaning="most tokens of thinking"),
    "user": Setting(form="text", meaning="your user's id, for the provider"),
    "metadata": Setting(form="table", meaning="labels that the provider stores"),
    "service_tier": Setting(form="text", meaning="the provider's tier of service"),
    "extra": Setting(form="table", meaning="goes into the request body unchanged"),
}
EXTRACT_SETTINGS: Mapping[str, Setting] = {
    "max_nb_images": Setting(form="integer", least=0, meaning="most pictures returned, 0 for none"),
    "image_min_size": Setting(form="integer", least=0, meaning="smallest side of a picture worth returning, pixels"),
    "page_images": Setting(form="flag", meaning="a picture of every page too"),
    "extra": Setting(form="table", meaning="goes into the request body unchanged"),
}
IMG_GEN_SETTINGS: Mapping[str, Setting] = {
    "quality": Setting(form="text", words=("low", "medium", "high", "auto"), meaning="in place of nb_steps"),
    "nb_steps": Setting(form="integer", least=1, meaning="steps of diffusion, in place of quality"),
    "guidance_scale": Setting(form="number", least=0, meaning="how closely the prompt is followed"),
    "is_moderated": Setting(form="flag", meaning="let the provider check for unsafe content"),
    "safety_tolerance": Setting(form="integer", least=1, most=6, meaning="1 strict to 6 lenient"),
    "aspect_ratio": Setting(form="text", meaning="square, landscape_16_9, ..., or 16:9"),
    "size": Setting(form="text", meaning="1024x1024, in place of aspect_ratio"),
    "background": Setting(form="text", words=("transparent", "opaque", "auto"), meaning="of the picture"),
    "output_format": Setting(form="text", words=("png", "jpg", "jpeg", "webp"), meaning="file format"),
    "output_compression": Setting(form="integer", least=0, most=100, meaning="per cent, for jpeg and webp"),
    "input_fidelity": Setting(form="text", words=("low", "high"), meaning="closeness to reference pictures"),
    "negative_prompt": Setting(form="text", meaning="what the picture shall not show"),
    "is_raw": Setting(form="flag", meaning="a less processed look"),
    "seed": Setting(form="integer", meaning="for repeatable pictures, where the provider offers it"),
    "extra": Setting(form="table", meaning="goes into the request body unchanged"),
}
SETTINGS: Mapping[Kind, Mapping[str, Setting]] = {
    "llm": LLM_SETTINGS,
    "extract": EXTRACT_SETTINGS,
    "img_gen": IMG_GEN_SETTINGS,
}


def fault_of(kind: Kind, name: str, value: object) -> str | None:
    """Say what is wrong with the value of a known setting, or None. The value None always fits: send none."""
    setting = SETTINGS[kind][name]
    if value is None:
        return None
    if isinstance(value, str) and (setting.words or setting.form in ("text", "texts", "text or table")):
        if setting.words and value not in setting.words:
            return f'"{value}" is not one of {", ".join(setting.words)}'
        return None
    return _misfit(setting, value)


def _misfit(setting: Setting, value: object) -> str | None:
    wanted = f"expected {setting.form}{' or ' + repr(setting.words[0]) if setting.words == ('auto',) else ''}"
    match setting.form:
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return _outside(setting, value)
        case "integer" | "flag or integer" if isinstance(value, int) and not isinstance(value, bool):
            return _outside(setting, value)
        case "flag" | "flag or integer" if isinstance(value, bool):
            return None
        case "texts" if is_list(value) and all(isinstance(item, str) for item in value):
            return None
        case "table" | "text or table" if isinstance(value, dict):
            return None
        case _:
            return f"{wanted}, got {_named(value)}"


def _outside(setting: Setting, value: float) -> str | None:
    if isinstance(value, float) and not isfinite(value):
        return "the number must be finite"
    if setting.least is not None and value < setting.least:
        return f"{value} is below {setting.least:g}"
    if setting.most is not None and value > setting.most:
        return f"{value} is above {setting.most:g}"
    return None


def _named(value: object) -> str:
    names: dict[type, str] = {
        bool: "a flag",
        int: "an integer",
        float: "a number",
        str: "a text",
        dict: "a table",
        list: "a list",
    }
    return names.get(type(value), type(value).__name__)


_NAMES: Mapping[type, str] = {
    bool: "a flag",
    int: "an integer",
    float: "a number",
    str: "a text",
    dict: "a table",
    list: "a list",
    tuple: "a list",
}
