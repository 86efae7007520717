"""The wire formats, one module each, and the table of their addresses."""

from __future__ import annotations

import re

from pipelex_like.sandbox.formats import fal_queue
from pipelex_like.sandbox.formats.anthropic_dialect import ANTHROPIC
from pipelex_like.sandbox.formats.anthropic_messages import answer_messages
from pipelex_like.sandbox.formats.azure_routes import AZURE_ROUTES
from pipelex_like.sandbox.formats.base import Route
from pipelex_like.sandbox.formats.bedrock_converse import (
    answer_converse,
    answer_converse_stream,
    list_foundation_models,
)
from pipelex_like.sandbox.formats.bedrock_dialect import BEDROCK
from pipelex_like.sandbox.formats.cohere_chat import COHERE, answer_cohere
from pipelex_like.sandbox.formats.fal_dialect import FAL, SCHEME
from pipelex_like.sandbox.formats.google_routes import GOOGLE_ROUTES
from pipelex_like.sandbox.formats.google_token import TOKEN, answer_token
from pipelex_like.sandbox.formats.huggingface import HUGGINGFACE_ROUTES
from pipelex_like.sandbox.formats.mistral_chat import answer_mistral_chat
from pipelex_like.sandbox.formats.mistral_dialect import AGENT, MISTRAL, validated
from pipelex_like.sandbox.formats.mistral_ocr import answer_ocr
from pipelex_like.sandbox.formats.ollama_chat import OLLAMA, answer_ollama
from pipelex_like.sandbox.formats.openai_chat import answer_chat
from pipelex_like.sandbox.formats.openai_dialect import OPENAI, OPENAI_RESPONSES
from pipelex_like.sandbox.formats.openai_edits import answer_edits
from pipelex_like.sandbox.formats.openai_images import answer_images
from pipelex_like.sandbox.formats.openai_models import health, list_anthropic_models, list_models, one_model
from pipelex_like.sandbox.formats.openai_responses import answer_responses
from pipelex_like.sandbox.formats.vertex import VERTEX_ROUTES

# fal's addresses are any two words and more: they come last, and only for its own sort of key or its own owner.
_JOB = r"(?P<base>/(?P<owner>[^/]+)/(?P<model>[^/]+)/requests/(?P<job>[^/]+))"
_ORDER = r"(?P<model>[^/]+(?:/[^/]+)*)"
FAL_ROUTES = (
    Route(
        method="GET",
        path=re.compile(r"/files/(?P<job>[^/]+)/(?P<place>[0-9]{1,3})\.png"),
        dialect=FAL,
        answer=fal_queue.picture,
        open=True,
    ),
    Route(method="GET", path=re.compile(f"{_JOB}/status"), dialect=FAL, answer=fal_queue.status, scheme=SCHEME),
    Route(method="PUT", path=re.compile(f"{_JOB}/cancel"), dialect=FAL, answer=fal_queue.cancel, scheme=SCHEME),
    Route(method="GET", path=re.compile(_JOB), dialect=FAL, answer=fal_queue.result, scheme=SCHEME),
    Route(
        method="POST",
        path=re.compile(f"/(?P<owner>[^/]+)/{_ORDER}"),
        dialect=FAL,
        answer=validated(fal_queue.submit),
        scheme=SCHEME,
    ),
    Route(
        method="POST",
        path=re.compile(f"/(?P<owner>fal-ai)/{_ORDER}"),
        dialect=FAL,
        answer=validated(fal_queue.submit),
    ),
)
# OpenAI's formats stand under another path at many vendors: /openai/v1 (Groq), /api/v1 (OpenRouter), or none.
_PREFIX = r"(?:/[\w.@~:-]+)*"
ROUTES = (
    Route(
        method="POST",
        path=re.compile(r"/v1/chat/completions"),
        dialect=MISTRAL,
        answer=validated(answer_mistral_chat),
        agent=AGENT,
    ),
    Route(method="POST", path=re.compile(r"/v1/ocr"), dialect=MISTRAL, answer=validated(answer_ocr)),
    Route(method="POST", path=re.compile(r"/v1/chat/completions"), dialect=OPENAI, answer=answer_chat),
    Route(method="POST", path=re.compile(r"/v1/responses"), dialect=OPENAI_RESPONSES, answer=answer_responses),
    Route(method="POST", path=re.compile(r"/v1/images/generations"), dialect=OPENAI, answer=answer_images),
    Route(method="POST", path=re.compile(r"/v1/images/edits"), dialect=OPENAI, answer=answer_edits, files=True),
    Route(method="POST", path=re.compile(r"/compatibility/v1/chat/completions"), dialect=COHERE, answer=answer_cohere),
    *AZURE_ROUTES,
    *GOOGLE_ROUTES,
    Route(method="POST", path=re.compile(r"/v1/messages"), dialect=ANTHROPIC, answer=answer_messages),
    Route(method="POST", path=re.compile(rf"{_PREFIX}/chat/completions"), dialect=OPENAI, answer=answer_chat),
    Route(method="POST", path=re.compile(rf"{_PREFIX}/responses"), dialect=OPENAI_RESPONSES, answer=answer_responses),
    Route(method="POST", path=re.compile(rf"{_PREFIX}/images/generations"), dialect=OPENAI, answer=answer_images),
    Route(
        method="POST",
        path=re.compile(rf"{_PREFIX}/images/edits"),
        dialect=OPENAI,
        answer=answer_edits,
        files=True,
    ),
    Route(method="POST", path=re.compile(r"/api/chat"), dialect=OLLAMA, answer=answer_ollama),
    Route(
        method="GET",
        path=re.compile(r"/v1/models"),
        dialect=ANTHROPIC,
        answer=list_anthropic_models,
        header="anthropic-version",
    ),
    Route(method="GET", path=re.compile(rf"{_PREFIX}/models"), dialect=OPENAI, answer=list_models),
    Route(method="GET", path=re.compile(r"/v1/models/(?P<model>.+)"), dialect=OPENAI, answer=one_model),
    *VERTEX_ROUTES,
    Route(method="POST", path=re.compile(r"/token"), dialect=TOKEN, answer=answer_token, open=True, form=True),
    Route(method="GET", path=re.compile(r"/foundation-models"), dialect=BEDROCK, answer=list_foundation_models),
    Route(
        method="POST",
        path=re.compile(r"/model/(?P<model>.+)/converse"),
        dialect=BEDROCK,
        answer=answer_converse,
    ),
    Route(
        method="POST",
        path=re.compile(r"/model/(?P<model>.+)/converse-stream"),
        dialect=BEDROCK,
        answer=answer_converse_stream,
    ),
    Route(method="GET", path=re.compile(r"/health"), dialect=OPENAI, answer=health, open=True),
    *HUGGINGFACE_ROUTES,
    *FAL_ROUTES,
)
"""Every address that is answered; an unknown one is refused in OpenAI's form."""

__all__ = ["OPENAI", "ROUTES"]
