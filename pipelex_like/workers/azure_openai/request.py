"""A job as the body of a chat completion for Azure, in the words that the API's version knows. Pure.

What came with which version: https://learn.microsoft.com/azure/ai-services/openai/api-version-deprecation
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.workers.objects import method_of
from pipelex_like.workers.openai.request import chat_body

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob
    from pipelex_like.workers.azure_openai.endpoint import Place
    from pipelex_like.workers.openai.messages import Body

_FIRST_WITH_SCHEMA = "2024-08-01"
_FIRST_WITH_MORE = "2024-09-01"
_MORE = ("stream_options", "parallel_tool_calls")


def is_catalogue(candidate: Candidate) -> bool:
    """Whether the spec says that the model is one of the catalogue and no deployment of Azure OpenAI."""
    return candidate.spec.variant == "model_catalogue"


def suited(candidate: Candidate, place: Place) -> Candidate:
    """Give the candidate with the way of asking for objects that the API's version knows."""
    if method_of(candidate) != "schema" or not place.before(_FIRST_WITH_SCHEMA):
        return candidate
    return replace(candidate, spec=replace(candidate.spec, structure_method="tools"))


def azure_body(
    job: LlmJob, candidate: Candidate, place: Place, *, stream: bool = False
) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each thing that was changed or left out on the way.

    `candidate` is a suited one. Raises CapabilityError for a document that chat completions cannot carry.
    """
    old = place.before(_FIRST_WITH_MORE)
    body, adapted = chat_body(job, candidate, stream=stream, official=not old and not is_catalogue(candidate))
    if not old:
        return body, adapted
    gone = [name for name in _MORE if body.pop(name, None) is not None]
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    lines = [f"{name}: left out, the API of version {place.version} does not know it" for name in gone]
    return body, (*adapted, *lines)
