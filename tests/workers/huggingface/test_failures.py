"""Every refusal carries the way out that Hugging Face's users have."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from workers.given import KEY, LIMITS, PNG, access, candidate, job
from workers.huggingface.given_there import INLINE, MODEL, PICTURE, card, drawing, drawn, painter
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.types import FrozenDict, ImageJob, Media
from pipelex_like.workers.huggingface.endpoint import addresses_of
from pipelex_like.workers.huggingface.hints import provider_hint
from pipelex_like.workers.huggingface.images import HuggingFaceImages
from pipelex_like.workers.huggingface.llm import HuggingFaceLlm

REFUSALS: dict[int, tuple[type[CallError], str]] = {
    400: (BadRequestError, ""),
    401: (CredentialsError, "Check `api_key`"),
    402: (QuotaError, "credit"),
    403: (AccessDeniedError, f"Accept the terms on the model's card (https://huggingface.co/{MODEL})"),
    404: (NotFoundError, f"HUGGINGFACE_MODEL_PROVIDERS={MODEL}:<provider>"),
    408: (CallTimeoutError, ""),
    409: (ServerError, ""),
    413: (CallError, ""),
    422: (BadRequestError, ""),
    429: (RateLimitError, "Try again later"),
    500: (ServerError, ""),
    503: (OverloadedError, ""),
    529: (OverloadedError, ""),
}


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_status_is_an_error_of_ours(upstream: Upstream, status: int) -> None:
    kind, part = REFUSALS[status]
    with pytest.raises(kind) as caught:
        await drawn(upstream, json_answer({"error": f"Sorry, {KEY}."}, status))
    assert (caught.value.status, len(upstream.seen)) == (status, 1)
    assert part in str(caught.value)
    assert "Sorry" in str(caught.value)
    assert KEY not in str(caught.value)


async def test_a_model_that_is_being_loaded_says_how_long(upstream: Upstream) -> None:
    told = {"error": f"Model {MODEL} is currently loading", "estimated_time": 20.5}
    with pytest.raises(OverloadedError, match="currently loading") as caught:
        await drawn(upstream, json_answer(told, 503))
    assert (caught.value.retry_after, caught.value.retryable) == (20.5, True)


async def test_the_wait_of_the_header_goes_before_that_of_the_body(upstream: Upstream) -> None:
    for headers, body, wait in (
        ({"retry-after": "60"}, {"error": "x", "estimated_time": 20}, 60),
        ({}, {"error": "x", "estimated_time": "soon"}, None),
        ({}, [], None),
    ):
        with pytest.raises(OverloadedError) as caught:
            await drawn(upstream, json_answer(body, 503, headers))
        assert caught.value.retry_after == wait


async def test_a_provider_that_does_not_serve_the_model_is_told_before_it_costs(upstream: Upstream) -> None:
    with pytest.raises(NotFoundError, match="It is drawn by replicate") as caught:
        await drawn(upstream, card("replicate", "a/b"), provider="fal-ai")
    assert '"fal-ai" does not draw' in str(caught.value)
    with pytest.raises(NotFoundError, match="No provider draws"):
        await drawn(upstream, card("fal-ai", "a/b", task="text-to-video"), provider="fal-ai")
    assert [seen.method for seen in upstream.seen] == ["GET", "GET"]


async def test_a_card_may_list_its_providers(upstream: Upstream) -> None:
    listed = json_answer(
        {"inferenceProviderMapping": [{"provider": "fal-ai", "providerId": "fal-ai/x", "task": "text-to-image"}]}
    )
    reply = await drawn(upstream, listed, json_answer({"images": [{"url": INLINE}]}), provider="fal-ai")
    assert (upstream.seen[-1].path, reply.images[0].data) == ("/fal-ai/fal-ai/x", PNG)


async def test_a_named_provider_that_refuses_is_named_in_the_way_out(upstream: Upstream) -> None:
    with pytest.raises(NotFoundError, match="Check that fal-ai serves it"):
        await drawn(upstream, card("fal-ai", "x"), json_answer({"detail": "Not found"}, 404), provider="fal-ai")


async def test_a_picture_that_is_not_ready_in_time_is_a_timeout(upstream: Upstream) -> None:
    pending = json_answer({"status": "processing", "output": None, "model": "x"})
    with pytest.raises(CallTimeoutError, match="may be charged"):
        await drawn(upstream, card("replicate", "x"), pending, provider="replicate")
    assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (json_answer({"images": []}), "no picture"),
        (json_answer({"images": [{"url": 3}]}), "no picture"),
        (json_answer({"images": [{"url": "data:image/png;base64,%%%"}]}), "broken base64"),
        (json_answer({"images": [{"url": "data:text/plain,hello"}]}), "none of PNG"),
        (json_answer({"images": [{"url": "http://10.0.0.1/a.png"}]}), "refused"),
        (Answer(headers={"content-type": "text/html"}, body=[b"<html>"]), "HTML"),
        (Answer(body=[b""]), "empty"),
        (Answer(status=302, headers={"location": "https://elsewhere.example/"}), "redirect to elsewhere.example"),
    ],
)
async def test_answers_without_a_picture_are_errors(upstream: Upstream, answer: Answer, part: str) -> None:
    with pytest.raises(InvalidResponseError, match=part):
        await drawn(upstream, card("fal-ai", "x"), answer, provider="fal-ai")


async def test_an_error_inside_a_success_is_an_error(upstream: Upstream) -> None:
    with pytest.raises(ServerError, match="out of memory"):
        await drawn(upstream, json_answer({"error": "CUDA out of memory"}))


async def test_a_picture_beyond_the_limit_is_not_read(upstream: Upstream) -> None:
    upstream.answers = [Answer(headers={"content-type": "image/png"}, body=[PNG * 100])]
    worker = HuggingFaceImages(access(upstream.url))
    with pytest.raises(InvalidResponseError, match="larger than 1000 bytes"):
        await worker.draw(drawing(), painter(), replace(LIMITS, max_response_bytes=1000))
    await worker.aclose()


@pytest.mark.parametrize("body", [[STALL], [PNG[:20], STALL]], ids=["no answer", "half a picture"])
async def test_time_that_is_over_closes_the_connection(upstream: Upstream, body: list[bytes | None]) -> None:
    upstream.answers = [Answer(headers={"content-type": "image/png"}, body=body)]
    worker = HuggingFaceImages(access(upstream.url))
    with pytest.raises(CallTimeoutError):
        await worker.draw(drawing(), painter(), replace(LIMITS, timeout=0.2))
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_a_cancelled_call_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[STALL])]
    worker = HuggingFaceImages(access(upstream.url))
    task = asyncio.create_task(worker.draw(drawing(), painter(), LIMITS))
    while not upstream.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_nobody_there_is_unreachable() -> None:
    worker = HuggingFaceImages(access("http://127.0.0.1:1"))
    with pytest.raises(UnreachableError):
        await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("provider", "asked", "part"),
    [
        ("wavespeed", drawing(), "only hf-inference, fal-ai"),
        ("novita", drawing(), "are not offered"),
        (None, ImageJob(prompt="x", n=2), "one picture, not 2"),
        (None, ImageJob(prompt="x", images=(Media(mime="image/png", data=PNG),)), "reference pictures"),
    ],
)
async def test_the_impossible_is_refused_before_it_costs(
    upstream: Upstream, provider: str | None, asked: ImageJob, part: str
) -> None:
    worker = HuggingFaceImages(access(upstream.url))
    with pytest.raises(CapabilityError, match=part):
        await worker.draw(asked, painter(provider, listed=False), LIMITS)
    await worker.aclose()
    assert upstream.seen == []


async def test_another_size_than_asked_for_is_told(upstream: Upstream) -> None:
    reply = await drawn(upstream, PICTURE, aspect_ratio="16:9", quality="high")
    assert reply.adapted == (
        "quality high: left out, the model has no such choice",
        "aspect_ratio: asked for 16:9, got 1x1",
    )


def test_the_hint_names_the_variable_and_the_model() -> None:
    hint = provider_hint("openai/gpt-oss-120b:sambanova")
    assert "HUGGINGFACE_MODEL_PROVIDERS=openai/gpt-oss-120b:<provider>" in hint


@pytest.mark.parametrize("status", [400, 404])
async def test_text_without_a_provider_gets_the_hint_too(upstream: Upstream, status: int) -> None:
    said = "The requested model 'a/b' is not supported by any provider you have enabled."
    upstream.answers = [json_answer({"error": {"message": said, "code": "model_not_supported"}}, status)]
    worker = HuggingFaceLlm(access(upstream.url))
    with pytest.raises(NotFoundError, match="HUGGINGFACE_MODEL_PROVIDERS=a/b:<provider>"):
        await worker.generate(job(), candidate("a/b"), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("endpoint", "text", "router", "hub"),
    [
        (None, "https://router.huggingface.co/v1", "https://router.huggingface.co", "https://huggingface.co"),
        (
            "https://router.huggingface.co/v1/",
            "https://router.huggingface.co/v1",
            "https://router.huggingface.co",
            "https://huggingface.co",
        ),
        ("https://router.huggingface.co", "https://router.huggingface.co/v1", "https://router.huggingface.co", None),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1:80/v1", "http://127.0.0.1:80", "http://127.0.0.1:80"),
    ],
)
def test_addresses(endpoint: str | None, text: str, router: str, hub: str | None) -> None:
    found = addresses_of(endpoint)
    assert (found.text, found.router, found.hub) == (text, router, hub or "https://huggingface.co")


async def test_text_never_goes_to_openai_for_want_of_an_address() -> None:
    worker = HuggingFaceLlm(access(None))
    assert str(worker._client.base_url) == "https://router.huggingface.co/v1/"
    await worker.aclose()


async def test_headers_of_a_spec_do_not_undo_the_key(upstream: Upstream) -> None:
    upstream.answers = [PICTURE]
    worker = HuggingFaceImages(access(upstream.url, key=None))
    await worker.draw(drawing(), painter(headers=FrozenDict({"x-a": "b"})), LIMITS)
    await worker.aclose()
    assert "authorization" not in upstream.seen[0].headers
