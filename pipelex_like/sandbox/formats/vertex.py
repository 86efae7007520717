"""The makers' own models on Vertex AI: Anthropic's and Mistral's formats under Google's addresses.

What is different there: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai (the model in the
path, `anthropic_version` in the body) and https://docs.mistral.ai/deployment/cloud/vertex/. The gate before the models
is Google's and refuses in Google's form (https://google.aip.dev/193); what is wrong with the body the maker's server
says, in its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.anthropic_dialect import ANTHROPIC
from pipelex_like.sandbox.formats.anthropic_messages import answer_messages
from pipelex_like.sandbox.formats.base import Dialect, Refusal, Route
from pipelex_like.sandbox.formats.mistral_chat import answer_mistral_chat
from pipelex_like.sandbox.formats.mistral_dialect import MISTRAL, validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

_STATUS: Mapping[int, str] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
# What the maker's server says itself.
_MAKERS = (400, 413, 422, 529)
_VERSION = "anthropic_version"
_VERSIONS = re.compile(r"(?:vertex-)?20\d\d-\d\d-\d\d")
_PLACE = r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[a-z0-9-]+)/publishers"
_MODEL = r"models/(?P<model>[^/]+):(?P<verb>rawPredict|streamRawPredict)"


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _google_error(refusal: Refusal) -> bytes:
    status = _STATUS.get(refusal.status, "INVALID_ARGUMENT" if refusal.status < 500 else "INTERNAL")
    return orjson.dumps({"error": {"code": refusal.status, "message": refusal.message, "status": status}})


def _behind_google(maker: Dialect) -> Dialect:
    def error(refusal: Refusal) -> bytes:
        return maker.error(refusal) if refusal.status in _MAKERS else _google_error(refusal)

    return Dialect(credential=_bearer, error=error, stream_error=maker.stream_error)


def _claude(call: Call) -> Reply:
    body = dict(call.body)
    if "model" in body:
        raise Refusal("model: Extra inputs are not permitted", param="model")
    version = body.pop(_VERSION, None)
    if version is None:
        raise Refusal(f"{_VERSION}: Field required", param=_VERSION)
    if not _VERSIONS.fullmatch(checks.string({_VERSION: version}, _VERSION, "")):
        raise Refusal(f"{_VERSION}: '{version}' is not a valid version", param=_VERSION)
    return _answered(answer_messages, call, {**body, "model": call.parts["model"]}, version=str(version))


def _mistral(call: Call) -> Reply:
    return _answered(validated(answer_mistral_chat), call, call.body)


def _answered(
    answer: Callable[[Call], Reply], call: Call, body: Mapping[str, object], *, version: str | None = None
) -> Reply:
    streams = call.parts["verb"] == "streamRawPredict"
    if bool(body.get("stream")) and not streams:
        raise Refusal("stream: only streamRawPredict streams", param="stream")
    said = {} if version is None else {"anthropic-version": version.removeprefix("vertex-")}
    return answer(replace(call, body=body, headers={**call.headers, **said}))


VERTEX_ROUTES = (
    Route(
        method="POST",
        path=re.compile(f"{_PLACE}/anthropic/{_MODEL}"),
        dialect=_behind_google(ANTHROPIC),
        answer=_claude,
    ),
    Route(
        method="POST",
        path=re.compile(f"{_PLACE}/mistralai/{_MODEL}"),
        dialect=_behind_google(MISTRAL),
        answer=_mistral,
    ),
)
"""The addresses of both makers."""
