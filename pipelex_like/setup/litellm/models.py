"""What LiteLLM says of a model, in the words of a spec file: kind, prices, limits, abilities; and its settings."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.setup.litellm.access import READ
from pipelex_like.setup.litellm.config import ENVIRON
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.setup.litellm.config import Deployment, Report
    from pipelex_like.setup.litellm.yaml import KeyPath
    from pipelex_like.types import Kind

_MODES: Mapping[str, Kind] = {
    "chat": "llm",
    "completion": "llm",
    "responses": "llm",
    "image_generation": "img_gen",
    "image_edit": "img_gen",
    "ocr": "extract",
}
_OTHER_KINDS = re.compile(r"embed|whisper|(^|[-/])tts|transcribe|rerank|moderation|realtime|speech|(^|/)bge-")
_PICTURES = re.compile(r"dall-e|gpt-image|imagen-|flux|stable-diffusion|sdxl|recraft|ideogram")
_TYPES: Mapping[object, Kind] = {"llm": "llm", "text_extractor": "extract", "img_gen": "img_gen"}
TYPE_OF: Mapping[Kind, str] = {"llm": "llm", "extract": "text_extractor", "img_gen": "img_gen"}

# A token's price there; a million tokens' here.
_TOKEN_PRICES: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "input_cached",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "input_cost_per_image_token": "input_image",
    "output_cost_per_image_token": "output_image",
}
_PIECE_PRICES: Mapping[str, str] = {"output_cost_per_image": "per_image", "ocr_cost_per_page": "per_page"}
_ABOVE = re.compile(r"(?P<price>\w+?)_above_(?P<thousands>\d+)k_tokens")
_LIMITS: Mapping[str, str] = {
    "max_input_tokens": "context_window",
    "max_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
}
_INPUTS: Mapping[str, str] = {
    "supports_vision": "images",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
}
# Labels for the proxy's own pages, and abilities that need no word here.
_LABELS = re.compile(
    r"id|description|db_model|mode|base_model|key|litellm_provider|supports_\w+|updated_\w+|created_\w+"
)

_RENAMED: Mapping[str, str] = {"max_completion_tokens": "max_tokens", "extra_body": "extra"}
_SILENT = frozenset(
    (
        "custom_llm_provider",
        "litellm_credential_name",
        "drop_params",
        "additional_drop_params",
        "weight",
        "order",
        "rpm",
        "tpm",
        "stream",
        "use_in_pass_through",
    )
)
_NEAREST: Mapping[str, str] = {
    "mock_response": 'The backend "sandbox" gives simulated answers.',
    "tags": "A call takes tags of its own.",
    "max_budget": "[budgets] in routing_profiles.toml, and max_cost on a preset or call, bound spending.",
    "budget_duration": "[budgets] in routing_profiles.toml, and max_cost on a preset or call, bound spending.",
    "aws_role_name": "A profile of ~/.aws (aws_profile) can take on a role.",
    "azure_ad_token": "Azure is opened by its api_key here.",
    "tenant_id": "Azure is opened by its api_key here.",
    "client_id": "Azure is opened by its api_key here.",
    "client_secret": "Azure is opened by its api_key here.",
    "fallbacks": "Write them in router_settings, and migrate again.",
}


def kind_of(deployment: Deployment, known: Mapping[str, object], model_id: str) -> Kind | None:
    """Give the kind of work; None for one that is not done here. `known` is what the kit says of the model."""
    mode = deployment.info.get("mode")
    if isinstance(mode, str):
        return _MODES.get(mode)
    if _OTHER_KINDS.search(model_id):
        return None
    if "model_type" in known:
        return _TYPES.get(known["model_type"], "llm")
    if _PICTURES.search(model_id):
        return "img_gen"
    return "extract" if "ocr" in model_id.lower() else "llm"


def facts_of(deployment: Deployment, kind: Kind, report: Report) -> dict[str, object]:
    """Give what `model_info` says, and prices among the params, as keys of a model's table."""
    prices = {key: value for key, value in deployment.params.items() if _is_price(key)}
    said = {key: value for key, value in {**prices, **deployment.info}.items() if value is not None}
    costs = _costs(said)
    table: dict[str, object] = {"costs": costs} if costs else {}
    for key, value in said.items():
        number = _decimal(value)
        if key in _LIMITS and number is not None and number >= 1:
            table[_LIMITS[key]] = int(number)
        elif not (_LABELS.fullmatch(key) or (_is_price(key) and number is not None)):
            where = "model_info" if key in deployment.info else "litellm_params"
            report.lost((*deployment.path, where, key), "this says nothing here.")
    if said.get("supports_function_calling") is False:
        table["listed_constraints"] = ["tools_unsupported"]
    inputs = [word for key, word in _INPUTS.items() if said.get(key) is True]
    if inputs and kind == "llm":
        table["inputs"] = ["text", *inputs]
    return table


def _costs(said: Mapping[str, object]) -> dict[str, object]:
    """Give the prices: of a million tokens, and of those beyond a length of the input."""
    costs: dict[str, object] = {}
    tiers: dict[int, dict[str, object]] = {}
    for key, value in said.items():
        number = _decimal(value)
        if number is None or not _is_price(key):
            continue
        above = _ABOVE.fullmatch(key)
        if key in _TOKEN_PRICES:
            costs[_TOKEN_PRICES[key]] = _price(number * 1_000_000)
        elif above is not None:
            tier = tiers.setdefault(int(above["thousands"]) * 1000, {})
            tier[_TOKEN_PRICES[above["price"]]] = _price(number * 1_000_000)
        else:
            costs[_PIECE_PRICES[key]] = _price(number)
    if tiers:
        costs["above"] = [{"input_tokens": bound, **tiers[bound]} for bound in sorted(tiers)]
    return costs


def settings_of(deployment: Deployment, kind: Kind, report: Report) -> dict[str, object]:
    """Give the settings that every call of the deployment has; the rest of the params is told."""
    found: dict[str, object] = {}
    for key, value in deployment.params.items():
        path = (*deployment.path, "litellm_params", key)
        name = _RENAMED.get(key, key)
        if key in READ or key in _SILENT or _is_price(key):
            continue
        if key == "thinking" and is_table(value) and isinstance(value.get("budget_tokens"), int):
            name, value = "reasoning_budget", value["budget_tokens"]
        if name not in SETTINGS[kind] or name == "metadata":
            report.lost(path, "there is no such setting here.", _nearest(key, kind))
            continue
        if name == "stop" and isinstance(value, str):
            value = [value]
        fault = fault_of(kind, name, value)
        if isinstance(value, str) and value.startswith(ENVIRON):
            fault = "a variable cannot stand in a deck"
        if fault is not None:
            report.lost(path, f"{fault}.")
        else:
            found[name] = value
    _tell_limits(deployment, report)
    return found


def _tell_limits(deployment: Deployment, report: Report) -> None:
    for key in ("rpm", "tpm"):
        if key in deployment.params:
            path: KeyPath = (*deployment.path, "litellm_params", key)
            message = "requests and tokens per minute are not counted; among deployments of one name it is the share."
            report.once(path, message, "max_concurrency on a backend bounds what is in flight.")
            return


def _nearest(key: str, kind: Kind) -> str:
    if key in _NEAREST:
        return _NEAREST[key]
    return "A field of the request's body goes into `extra`." if kind == "llm" else ""


def _is_price(key: str) -> bool:
    above = _ABOVE.fullmatch(key)
    return key in _TOKEN_PRICES or key in _PIECE_PRICES or (above is not None and above["price"] in _TOKEN_PRICES)


def _price(number: Decimal) -> float:
    """Give a number that TOML writes as people would; multiplied as a Decimal, it has no tail of nines."""
    return int(number) if number == number.to_integral_value() else float(number)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() and number >= 0 else None
