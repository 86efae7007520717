"""Google's addresses: those of the Gemini API, and those of Vertex AI for a project at a location."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Route, json_reply
from pipelex_like.sandbox.formats.google_dialect import GOOGLE
from pipelex_like.sandbox.formats.google_generate import answer_content, count_tokens
from pipelex_like.sandbox.formats.openai_models import MODELS

if TYPE_CHECKING:
    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

_METHOD = r"(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)"
_PLACE = r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/google/models"


def _model(name: str) -> dict[str, object]:
    methods = ["generateContent", "streamGenerateContent"]
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}


def _list(call: Call) -> Reply:
    del call
    return json_reply({"models": [_model(name) for name in MODELS]})


def _one(call: Call) -> Reply:
    return json_reply(_model(call.parts["model"]))


GOOGLE_ROUTES = (
    Route(
        method="POST",
        path=re.compile(rf"/(?:v1|v1beta)/(?:models|tunedModels)/{_METHOD}"),
        dialect=GOOGLE,
        answer=answer_content,
    ),
    Route(
        method="POST", path=re.compile(rf"/(?:v1|v1beta1)/{_PLACE}/{_METHOD}"), dialect=GOOGLE, answer=answer_content
    ),
    Route(
        method="POST",
        path=re.compile(rf"/(?:v1|v1beta1)/{_PLACE}/(?P<model>[^/:]+):countTokens"),
        dialect=GOOGLE,
        answer=count_tokens,
    ),
    # What is at /v1/models tells OpenAI's look-alikes.
    Route(method="GET", path=re.compile(r"/v1beta/models"), dialect=GOOGLE, answer=_list),
    Route(method="GET", path=re.compile(r"/v1beta/models/(?P<model>[^/:]+)"), dialect=GOOGLE, answer=_one),
)
