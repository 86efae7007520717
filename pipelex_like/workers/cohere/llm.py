"""Cohere's chat completions through the openai SDK: its own SDK would be a second client for the same models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from pipelex_like.errors import NotFoundError
from pipelex_like.workers.cohere.endpoint import compatible
from pipelex_like.workers.cohere.request import cohere_body, suited
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.translate import Called

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.exchange import Exchange
    from pipelex_like.workers.openai.messages import Body

_MODELS = "Cohere's current models stand at https://docs.cohere.com/docs/models; old ones are closed to new accounts."


class CohereLlm(OpenAiLlm):
    """Answers through Cohere's OpenAI-compatible endpoint."""

    def __init__(self, access: Access) -> None:
        super().__init__(compatible(access))

    @override
    def called(self, candidate: Candidate) -> Called:
        return replace(Called.of(self._access, candidate), ways_out={NotFoundError: _MODELS})

    @override
    def body(self, job: LlmJob, candidate: Candidate, *, stream: bool) -> tuple[Body, tuple[str, ...]]:
        return cohere_body(job, candidate, stream=stream)

    @override
    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, *, stream: bool = False) -> Exchange:
        return super()._exchange(job, suited(job, candidate), limits, stream=stream)
