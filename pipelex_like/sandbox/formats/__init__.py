"""The wire formats, one module each, and the table of their addresses."""

from __future__ import annotations

import re

from pipelex_like.sandbox.formats.anthropic_dialect import ANTHROPIC
from pipelex_like.sandbox.formats.anthropic_messages import answer_messages
from pipelex_like.sandbox.formats.base import Route
from pipelex_like.sandbox.formats.mistral_chat import answer_mistral_chat
from pipelex_like.sandbox.formats.mistral_dialect import AGENT, MISTRAL, validated
from pipelex_like.sandbox.formats.mistral_ocr import answer_ocr
from pipelex_like.sandbox.formats.openai_chat import answer_chat
from pipelex_like.sandbox.formats.openai_dialect import OPENAI, OPENAI_RESPONSES
from pipelex_like.sandbox.formats.openai_images import answer_images
from pipelex_like.sandbox.formats.openai_models import health, list_models, one_model
from pipelex_like.sandbox.formats.openai_responses import answer_responses

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
    Route(method="POST", path=re.compile(r"/v1/messages"), dialect=ANTHROPIC, answer=answer_messages),
    Route(method="GET", path=re.compile(r"/v1/models"), dialect=OPENAI, answer=list_models),
    Route(method="GET", path=re.compile(r"/v1/models/(?P<model>.+)"), dialect=OPENAI, answer=one_model),
    Route(method="GET", path=re.compile(r"/health"), dialect=OPENAI, answer=health, open=True),
)
"""Every address that is answered; an unknown one is refused in OpenAI's form."""

__all__ = ["OPENAI", "ROUTES"]
