"""Every wire format with a golden reply: how its worker is reached, and how the reply is put on the wire."""

from __future__ import annotations

from base64 import b64encode
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from workers.bedrock.aws import access as aws_access
from workers.bedrock.aws import frame
from workers.fal.asked import accepted, completed
from workers.given import LIMITS, PNG, access, candidate, job
from workers.google.test_environment import vertex
from workers.mistral.asked import PDF
from workers.upstream import Answer, json_answer, sse

from pipelex_like.deck import Costs, ImagePrice
from pipelex_like.types import EndPiece, ExtractJob, FrozenDict, ImageJob, TextPiece
from pipelex_like.workers.base import Access
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from workers.upstream import Upstream

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Kind

GOLDEN = Path(__file__).parent / "golden"
ENCODED = b64encode(PNG).decode()
_TYPED = "content-type"

Golden = dict[str, Any]


def golden(name: str) -> Golden:
    raw = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    return orjson.loads(raw.replace("{png}", ENCODED))


NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))
ALL = [(name, worker) for name in NAMES for worker in golden(name)["workers"]]
STREAMED = [(name, worker) for name, worker in ALL if "events" in golden(name)]

_IMAGES = "_images"
_VERTEX = {"gcp_project_id": "acme-prod", "gcp_location": "europe-west4", "gcp_access_token": "ya29.token-of-the-test"}
_SDKS = {"ollama": "openai", "mistral_ocr": "mistral", "azure_images": "azure_openai"}


def _kind(worker: str) -> Kind:
    if worker == "mistral_ocr":
        return "extract"
    return "img_gen" if worker == "fal" or worker.endswith(_IMAGES) else "llm"


def _reached(worker: str, url: str) -> Access:
    if worker == "bedrock":
        return aws_access(url)
    if worker.startswith("vertex_google"):
        return vertex(url)
    if worker.startswith("vertex"):
        return Access(backend="acme", sdk=worker, keys=FrozenDict({**_VERTEX, "endpoint": url}))
    return access(url)


def asked_of(name: str, worker: str) -> Candidate:
    told = golden(name)
    prices = {kind: Decimal(price) for kind, price in told.get("prices", {}).items()}
    per_image = told.get("per_image")
    costs = Costs(
        tokens=FrozenDict(prices),
        per_page=Decimal(told["per_page"]) if "per_page" in told else None,
        per_image=(ImagePrice(price=Decimal(per_image)),) if per_image else (),
    )
    more: dict[str, object] = {"variant": "ollama", "context_window": 4096} if worker == "ollama" else {}
    return candidate(told["model"], kind=_kind(worker), costs=costs, **more)


@asynccontextmanager
async def opened(worker: str, url: str) -> AsyncGenerator[Any]:
    sdk = _SDKS.get(worker, worker.removesuffix(_IMAGES))
    running: Any = Registry().find(_kind(worker), sdk)(_reached(worker, url))
    try:
        yield running
    finally:
        await running.aclose()


async def whole(upstream: Upstream, name: str, worker: str, reply: object) -> Any:
    """What the worker makes of a whole reply."""
    upstream.answers = [json_answer(reply, headers={"x-request-id": "req-1"})]
    if worker == "fal":
        upstream.answers = [accepted(upstream), completed(), *upstream.answers]
    async with opened(worker, upstream.url) as running:
        chosen = asked_of(name, worker)
        match _kind(worker):
            case "llm":
                return await running.generate(job(), chosen, LIMITS)
            case "img_gen":
                return await running.draw(ImageJob(prompt="a boat", n=2 if worker == "fal" else 1), chosen, LIMITS)
            case "extract":
                return await running.extract(ExtractJob(document=PDF), chosen, LIMITS)


async def in_events(upstream: Upstream, name: str, worker: str, events: list[Golden]) -> Any:
    """What the worker makes of the events of a stream: the reply in its last piece."""
    upstream.answers = [wire(worker, events)]
    async with opened(worker, upstream.url) as running:
        pieces = [piece async for piece in running.stream(job(), asked_of(name, worker), LIMITS)]
    (end,) = pieces[-1:]
    assert isinstance(end, EndPiece)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == end.reply.text
    return end.reply


def wire(worker: str, events: list[Golden]) -> Answer:
    return _WIRES.get(worker.removeprefix("vertex_"), _chunks)(events)


def _chunks(events: list[Golden]) -> Answer:
    return sse(*events)


def _bare(events: list[Golden]) -> Answer:
    return sse(*events, end=False)


def _lines(events: list[Golden]) -> Answer:
    return Answer(headers={_TYPED: "application/x-ndjson"}, body=[orjson.dumps(event) + b"\n" for event in events])


def _frames(events: list[Golden]) -> Answer:
    body: list[bytes | None] = [frame(kind, value) for event in events for kind, value in event.items()]
    return Answer(headers={_TYPED: "application/vnd.amazon.eventstream", "x-amzn-requestid": "req-1"}, body=body)


_WIRES: dict[str, Callable[[list[Golden]], Answer]] = {
    "bedrock": _frames,
    "ollama": _lines,
    **dict.fromkeys(("anthropic", "google", "openai_responses", "azure_openai_responses"), _bare),
}
