"""What the tests of Hugging Face's worker start from."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from workers.given import LIMITS, PNG, access, candidate
from workers.upstream import Answer, json_answer

from pipelex_like.types import FrozenDict, ImageJob
from pipelex_like.workers.huggingface.images import HuggingFaceImages

if TYPE_CHECKING:
    from workers.upstream import Upstream

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageReply

MODEL = "stabilityai/stable-diffusion-xl-base-1.0"
INLINE = f"data:image/png;base64,{b64encode(PNG).decode()}"
PICTURE = Answer(headers={"content-type": "image/png", "x-request-id": "req-7"}, body=[PNG])


def painter(provider: str | None = None, **spec: object) -> Candidate:
    model_id = f"{MODEL}:{provider}" if provider else MODEL
    return candidate(model_id, kind="img_gen", **spec)


def drawing(**settings: object) -> ImageJob:
    return ImageJob(prompt="a boat", settings=FrozenDict(settings))


def card(provider: str, name: str, task: str = "text-to-image") -> Answer:
    return json_answer({"inferenceProviderMapping": {provider: {"providerId": name, "status": "live", "task": task}}})


async def drawn(upstream: Upstream, *answers: Answer, provider: str | None = None, **settings: object) -> ImageReply:
    upstream.answers = list(answers)
    worker = HuggingFaceImages(access(f"{upstream.url}/v1"))
    try:
        return await worker.draw(drawing(**settings), painter(provider), LIMITS)
    finally:
        await worker.aclose()
