"""Responses of Azure's deployments through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from pipelex_like.workers.azure_openai.client import open_client
from pipelex_like.workers.azure_openai.endpoint import read_endpoint
from pipelex_like.workers.azure_openai.hints import called_at
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access
    from pipelex_like.workers.translate import Called


class AzureResponsesLlm(ResponsesLlm):
    """Answers through a deployment of Azure OpenAI, whose name goes as the model's."""

    def __init__(self, access: Access) -> None:
        self._endpoint = read_endpoint(access.text("endpoint"), access.text("api_version"))
        super().__init__(access, open_client(access, self._endpoint))

    @override
    def _called(self, candidate: Candidate) -> Called:
        return called_at(self._access, candidate, self._endpoint, self._endpoint.responses(), catalogue=False)

    @override
    def _place(self) -> tuple[str, Mapping[str, str]]:
        place = self._endpoint.responses()
        return place.path, place.query
