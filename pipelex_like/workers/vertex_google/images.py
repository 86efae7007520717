"""Pictures that Gemini draws on Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.google.images import GoogleImages
from pipelex_like.workers.vertex_google.service import VertexAi

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access


class VertexGoogleImages(GoogleImages):
    """Draws through Vertex AI."""

    def __init__(self, access: Access) -> None:
        super().__init__(access, VertexAi(access))
