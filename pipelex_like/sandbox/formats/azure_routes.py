"""The addresses of Azure's ways to OpenAI's formats."""

from __future__ import annotations

import re

from pipelex_like.sandbox.formats.azure import (
    catalogue_chat,
    catalogue_info,
    dated_models,
    dated_responses,
    deployed,
    deployed_chat,
    undated,
)
from pipelex_like.sandbox.formats.azure_dialect import AZURE, AZURE_CATALOGUE, AZURE_RESPONSES
from pipelex_like.sandbox.formats.base import Route
from pipelex_like.sandbox.formats.openai_chat import answer_chat
from pipelex_like.sandbox.formats.openai_dialect import OPENAI, OPENAI_RESPONSES
from pipelex_like.sandbox.formats.openai_edits import answer_edits
from pipelex_like.sandbox.formats.openai_images import answer_images
from pipelex_like.sandbox.formats.openai_models import list_models
from pipelex_like.sandbox.formats.openai_responses import answer_responses

# Other vendors have OpenAI's formats at the same address (Groq), and send their keys as bearers.
_SHARED = "bearer"
AZURE_ROUTES = (
    Route(
        method="POST",
        path=re.compile(r"/openai/deployments/(?P<model>[^/]+)/chat/completions"),
        dialect=AZURE,
        answer=deployed_chat(answer_chat),
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/deployments/(?P<model>[^/]+)/images/generations"),
        dialect=AZURE,
        answer=deployed(answer_images),
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/deployments/(?P<model>[^/]+)/images/edits"),
        dialect=AZURE,
        answer=deployed(answer_edits),
        files=True,
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/responses"),
        dialect=AZURE_RESPONSES,
        answer=dated_responses(answer_responses),
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/chat/completions"),
        dialect=OPENAI,
        answer=answer_chat,
        scheme=_SHARED,
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/responses"),
        dialect=OPENAI_RESPONSES,
        answer=answer_responses,
        scheme=_SHARED,
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/images/generations"),
        dialect=OPENAI,
        answer=answer_images,
        scheme=_SHARED,
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/images/edits"),
        dialect=OPENAI,
        answer=answer_edits,
        scheme=_SHARED,
        files=True,
    ),
    Route(method="POST", path=re.compile(r"/openai/v1/chat/completions"), dialect=AZURE, answer=undated(answer_chat)),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/responses"),
        dialect=AZURE_RESPONSES,
        answer=undated(answer_responses),
    ),
    Route(
        method="POST", path=re.compile(r"/openai/v1/images/generations"), dialect=AZURE, answer=undated(answer_images)
    ),
    Route(
        method="POST",
        path=re.compile(r"/openai/v1/images/edits"),
        dialect=AZURE,
        answer=undated(answer_edits),
        files=True,
    ),
    Route(method="GET", path=re.compile(r"/openai/models"), dialect=AZURE, answer=dated_models),
    Route(
        method="GET",
        path=re.compile(r"/openai/v1/models"),
        dialect=OPENAI,
        answer=list_models,
        scheme=_SHARED,
    ),
    Route(method="GET", path=re.compile(r"/openai/v1/models"), dialect=AZURE, answer=undated(list_models)),
    Route(method="GET", path=re.compile(r"(?:/models)?/info"), dialect=AZURE_CATALOGUE, answer=catalogue_info),
    Route(
        method="POST",
        path=re.compile(r"/models/chat/completions"),
        dialect=AZURE_CATALOGUE,
        answer=catalogue_chat(answer_chat),
    ),
)
"""Deployments, the surface without dated versions, and the model catalogue."""
