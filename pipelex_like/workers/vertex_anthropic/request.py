"""A job as the body of a message on Vertex AI, where the model stands in the path and the version in the body.

https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.workers.anthropic.request import Asked, message_body

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob

VERSION = "vertex-2023-10-16"
"""The one value that the documentation knows. The SDK's own method writes the version of Anthropic's own API here;
`extra = { anthropic_version = "..." }` writes another."""


def vertex_body(job: LlmJob, candidate: Candidate, *, stream: bool = False) -> Asked:
    """Give the body. Raises CapabilityError for a document that the protocol cannot carry."""
    asked = message_body(job, candidate, stream=stream)
    body = {key: value for key, value in asked.body.items() if key != "model"}
    return replace(asked, body={"anthropic_version": VERSION, **body})
