"""Azure's ways to OpenAI's formats: deployments by name, the surface without dated versions, the model catalogue.

Versions and what came with which: https://learn.microsoft.com/azure/ai-services/openai/api-version-deprecation and
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle; the catalogue, which refuses what it does
not know unless the header `extra-parameters` says otherwise: https://learn.microsoft.com/rest/api/aifoundry/modelinference/
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.azure_dialect import NO_SUCH_PLACE
from pipelex_like.sandbox.formats.base import Refusal, json_reply
from pipelex_like.sandbox.formats.openai_models import MODELS
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

    Answer = Callable[[Call], Reply]

_DATED = re.compile(r"20\d\d-\d\d-\d\d(-preview)?\Z")
_CATALOGUE_VERSION = "2024-05-01-preview"
_FIRST_WITH_RESPONSES = "2025-03-01"
_CAME_WITH: Mapping[str, str] = {
    "max_completion_tokens": "2024-09-01",
    "parallel_tool_calls": "2024-09-01",
    "stream_options": "2024-09-01",
    "reasoning_effort": "2024-12-01",
}
_CATALOGUE_CHAT = frozenset(
    {
        *("model", "messages", "temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty"),
        *("stop", "seed", "stream", "tools", "tool_choice", "response_format", "modalities"),
    }
)
_CHAT = _CATALOGUE_CHAT | {
    *("n", "logit_bias", "logprobs", "top_logprobs", "user", "metadata", "store", "service_tier", "verbosity"),
    *("data_sources", "prediction", "audio", "functions", "function_call", "prompt_cache_key", "safety_identifier"),
    *_CAME_WITH,
}
_FILTERED = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def deployed(answer: Answer) -> Answer:
    """Answer for the deployment in the path; its name stands for the model's."""

    def answered(call: Call) -> Reply:
        _dated(call)
        return answer(replace(call, body={**call.body, "model": call.parts["model"]}))

    return answered


def deployed_chat(answer: Answer) -> Answer:
    """Answer chats, as far as the API's version knows their parameters, with what the content filter found."""

    def answered(call: Call) -> Reply:
        version = _dated(call)
        _refuse_unknown(call.body, _CHAT)
        for name, first in _CAME_WITH.items():
            if name in call.body and version < first:
                raise _unrecognized(name)
        wanted = call.body.get("response_format")
        if is_table(wanted) and wanted.get("type") == "json_schema" and version < "2024-08-01":
            raise Refusal("'json_schema' came with the API version 2024-08-01-preview.", param="response_format")
        return _filtered(answer(call))

    return deployed(answered)


def dated_responses(answer: Answer) -> Answer:
    """Answer responses at the place with dated versions."""

    def answered(call: Call) -> Reply:
        if _dated(call) < _FIRST_WITH_RESPONSES:
            raise Refusal(
                "Responses came with the API version 2025-03-01-preview.", code="BadRequest", param="api-version"
            )
        return answer(call)

    return answered


def undated(answer: Answer) -> Answer:
    """Answer at the surface whose version is `v1` or `preview`, or is not told."""

    def answered(call: Call) -> Reply:
        if call.query.get("api-version", "v1") not in ("v1", "preview"):
            raise Refusal("This API version is not supported here.", code="BadRequest", param="api-version")
        return answer(call)

    return answered


def catalogue_chat(answer: Answer) -> Answer:
    """Answer chats of the model catalogue."""

    def answered(call: Call) -> Reply:
        _of_the_catalogue(call)
        if call.headers.get("extra-parameters", "error") not in ("drop", "pass-through"):
            _refuse_unknown(call.body, _CATALOGUE_CHAT)
        return answer(call)

    return answered


def catalogue_info(call: Call) -> Reply:
    """Tell which model the catalogue's address serves."""
    _of_the_catalogue(call)
    return json_reply({"model_name": MODELS[0], "model_type": "chat-completion", "model_provider_name": "sandbox"})


def dated_models(call: Call) -> Reply:
    """List what could be deployed: https://learn.microsoft.com/rest/api/azureopenai/models/list"""
    _dated(call)
    rows = [{"id": name, "object": "model", "status": "succeeded", "lifecycle_status": "preview"} for name in MODELS]
    return json_reply({"object": "list", "data": rows})


def _of_the_catalogue(call: Call) -> None:
    version = call.query.get("api-version")
    if version is None:
        raise _nowhere()
    if version != _CATALOGUE_VERSION:
        raise Refusal("This API version is not supported here.", code="BadRequest", param="api-version")


def _nowhere() -> Refusal:
    return Refusal("There is no such resource.", status=404, code=NO_SUCH_PLACE)


def _dated(call: Call) -> str:
    version = call.query.get("api-version", "")
    if not _DATED.match(version):
        raise _nowhere()
    return version


def _refuse_unknown(body: Mapping[str, object], known: frozenset[str]) -> None:
    unknown = sorted(body.keys() - known)
    if unknown:
        raise _unrecognized(unknown[0])


def _unrecognized(name: str) -> Refusal:
    return Refusal(f"The argument '{name}' is not recognized.", param=name)


def _filtered(reply: Reply) -> Reply:
    prompt = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERED}]}
    if reply.events is not None:
        first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], **prompt}
        return replace(reply, events=(b"data: " + orjson.dumps(first) + b"\n\n", *reply.events))
    value: object = orjson.loads(reply.body)
    body = {**value, **prompt} if is_table(value) else {}
    choices = body.get("choices")
    told = (
        [{**one, "content_filter_results": _FILTERED} for one in choices if is_table(one)] if is_list(choices) else []
    )
    return replace(reply, body=orjson.dumps({**body, "choices": told}))
