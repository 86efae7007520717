"""Chat completions through Hugging Face's router, which speaks OpenAI's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from pipelex_like.workers.huggingface.endpoint import at_router
from pipelex_like.workers.huggingface.hints import called_there
from pipelex_like.workers.openai.llm import OpenAiLlm

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access
    from pipelex_like.workers.translate import Called


class HuggingFaceLlm(OpenAiLlm):
    """Answers through the router: its address where the backend names none, and its ways out of refusals."""

    def __init__(self, access: Access) -> None:
        super().__init__(at_router(access))

    @override
    def called(self, candidate: Candidate) -> Called:
        return called_there(self._access, candidate)
