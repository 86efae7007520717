"""What the tests of fal start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.given import PNG, candidate
from workers.upstream import Answer, json_answer

from pipelex_like.types import FrozenDict, ImageJob, Media, freeze

if TYPE_CHECKING:
    from workers.upstream import Upstream

    from pipelex_like.deck import Candidate

APP = "fal-ai/flux/dev"
JOB = "764cabcf-b745-4b3e-ae38-1200304cf45b"
PICTURE = Media(mime="image/png", data=PNG)
LINKED = Media(mime="image/jpeg", url="https://example.org/a.jpg")


def painter(application: str = APP, **spec: object) -> Candidate:
    return candidate(application, **{"kind": "img_gen", "sdk": "fal", **spec})


def drawing(*images: Media, n: int = 1, resume: str | None = None, **settings: object) -> ImageJob:
    given = FrozenDict({name: freeze(value) for name, value in settings.items()})  # pyright: ignore
    return ImageJob(prompt="a lighthouse", n=n, images=images, settings=given, resume=resume)


def urls(upstream: Upstream, job_id: str = JOB) -> dict[str, str]:
    base = f"{upstream.url}/fal-ai/flux/requests/{job_id}"
    return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}


def accepted(upstream: Upstream, job_id: str = JOB, **more: object) -> Answer:
    told = {"status": "IN_QUEUE", "request_id": job_id, **urls(upstream, job_id), "queue_position": 0, **more}
    return json_answer(told, headers={"x-fal-request-id": job_id})


def waiting(position: int = 2) -> Answer:
    return json_answer({"status": "IN_QUEUE", "queue_position": position}, status=202)


def running() -> Answer:
    return json_answer({"status": "IN_PROGRESS", "logs": None}, status=202)


def completed(**more: object) -> Answer:
    return json_answer({"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.5}, **more})


def drawn(*addresses: str, **more: object) -> Answer:
    images = [{"url": url, "width": 1, "height": 1, "content_type": "image/png"} for url in addresses]
    return json_answer({"images": images, "seed": 7, "has_nsfw_concepts": [False for _ in images], **more})


def png() -> Answer:
    return Answer(headers={"content-type": "image/png"}, body=[PNG])


def whole_way(upstream: Upstream) -> list[Answer]:
    """Everything that a job which goes well is answered."""
    return [accepted(upstream), completed(), drawn(f"{upstream.url}/files/a.png"), png()]


def steps(upstream: Upstream) -> list[str]:
    """What was asked, in short."""
    short = {"/fal-ai/flux/dev": "submit", f"/fal-ai/flux/requests/{JOB}": "result"}
    short |= {f"/fal-ai/flux/requests/{JOB}/{word}": word for word in ("status", "cancel")}
    return [short.get(seen.path.partition("?")[0], seen.path) for seen in upstream.seen]
