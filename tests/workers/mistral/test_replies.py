"""What answers become."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal

import pytest
from workers.given import LIMITS, PNG, access, candidate, chunk, completion, job
from workers.mistral.asked import LINKED, PDF, image, ocr, page, read, reading
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.deck import Costs
from pipelex_like.errors import CallError, InvalidResponseError
from pipelex_like.types import EndPiece, ExtractReply, ReasoningPiece, TextPiece, ToolCallPiece, Usage
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.mistral.llm import MistralLlm
from pipelex_like.workers.mistral.ocr import MistralOcr

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}]}
PIXEL = b64encode(PNG).decode()


async def test_thinking_becomes_reasoning(upstream: Upstream) -> None:
    content = [THINKING, {"type": "text", "text": "Yes"}]
    upstream.answers = [json_answer(completion(content))]
    worker = MistralLlm(access(upstream.url))
    reply = await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert (reply.text, reply.reasoning) == ("Yes", "Hm. ")


async def test_thinking_and_calls_in_a_stream(upstream: Upstream) -> None:
    call = {"id": "D681PevKs", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}, "index": 0}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    upstream.answers = [
        sse(
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": [THINKING]}),
            chunk({"content": "Yes"}),
            chunk({"content": "", "tool_calls": [call]}, "tool_calls", usage=usage),
        )
    ]
    worker = MistralLlm(access(upstream.url))
    pieces = [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
    await worker.aclose()
    end = pieces.pop()
    assert [type(piece) for piece in pieces] == [ReasoningPiece, TextPiece, ToolCallPiece]
    assert isinstance(end, EndPiece)
    assert end.reply.tool_calls[0].id == "D681PevKs"
    assert end.reply.usage == Usage(input_tokens=3, output_tokens=2)
    assert (end.reply.reasoning, end.reply.finish_reason) == ("Hm. ", "tool_calls")


async def test_a_reply_that_the_sdk_would_refuse_is_read(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"choices": [{"message": {"content": "Hi"}}]})]
    worker = MistralLlm(access(upstream.url))
    reply = await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert (reply.text, reply.usage) == ("Hi", None)


async def test_a_model_that_is_about_to_go_still_answers(upstream: Upstream) -> None:
    headers = {"x-model-deprecation-timestamp": "2027-01-01", "mistral-correlation-id": "corr-1"}
    upstream.answers = [json_answer(completion(), headers=headers)]
    worker = MistralLlm(access(upstream.url))
    reply = await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert (reply.text, reply.provider_request_id) == ("Hi", "corr-1")


async def extracted(upstream: Upstream, answer: object, *pages: int, **settings: object) -> ExtractReply:
    upstream.answers = [json_answer(answer)]
    worker = MistralOcr(access(upstream.url))
    try:
        return await worker.extract(reading(PDF, *pages, **settings), ocr(), LIMITS)
    finally:
        await worker.aclose()


async def test_pages_are_numbered_from_one_with_measured_pictures(upstream: Upstream) -> None:
    answer = read(page(0), page(1, "Two", image(f"data:image/png;base64,{PIXEL}", image_annotation="a dot")))
    reply = await extracted(upstream, answer, max_nb_images=5)
    assert [(one.number, one.text) for one in reply.pages] == [(1, "# Bill"), (2, "Two")]
    (picture,) = reply.pages[1].images
    assert (picture.mime, picture.width, picture.height, picture.caption) == ("image/png", 1, 1, "a dot")
    assert reply.usage == Usage(pages=2)


async def test_pages_come_in_the_order_asked_for(upstream: Upstream) -> None:
    reply = await extracted(upstream, read(page(0, "one"), page(1, "two"), page(2, "three")), 3, 1)
    assert [one.text for one in reply.pages] == ["three", "one"]


async def test_a_page_that_does_not_come_is_told(upstream: Upstream) -> None:
    with pytest.raises(InvalidResponseError, match="page 4 was asked for and did not come"):
        await extracted(upstream, read(page(0)), 1, 4)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 0),
        ({"max_nb_images": 0}, 0),
        ({"max_nb_images": 1}, 1),
        ({"image_min_size": 1}, 3),
        ({"image_min_size": 2}, 0),
    ],
)
async def test_pictures_keep_to_the_wish(upstream: Upstream, settings: dict[str, object], count: int) -> None:
    answer = read(page(0, "", image(PIXEL), image(PIXEL)), page(1, "", image(PIXEL)))
    reply = await extracted(upstream, answer, **settings)
    assert sum(len(one.images) for one in reply.pages) == count


@pytest.mark.parametrize("content", [None, "no base64!", b64encode(b"no picture").decode()])
async def test_a_picture_that_cannot_be_read_is_left_out_and_told(upstream: Upstream, content: str | None) -> None:
    reply = await extracted(upstream, read(page(0, "", image(content))), max_nb_images=5)
    assert reply.pages[0].images == ()
    assert "page 1" in reply.adapted[0]


@pytest.mark.parametrize("info", [None, {}, {"pages_processed": -2}, {"pages_processed": "about 2"}])
async def test_a_count_that_cannot_be_believed_is_made_up_for(upstream: Upstream, info: object) -> None:
    reply = await extracted(upstream, read(page(0), page(1), usage_info=info))
    assert reply.usage == Usage(pages=2, estimated=True)


async def test_each_page_costs(upstream: Upstream) -> None:
    reply = await extracted(upstream, read(page(0), page(1), page(2)))
    assert cost_of(reply.usage, ocr(costs=Costs(per_page=Decimal("0.004"))).spec) == (Decimal("0.012"), None)


@pytest.mark.parametrize("answer", [{}, {"pages": None}, {"object": "error", "message": "no"}])
async def test_an_answer_without_pages_is_an_error(upstream: Upstream, answer: object) -> None:
    with pytest.raises(CallError):
        await extracted(upstream, answer)


async def test_a_document_by_its_address_is_not_fetched_here(upstream: Upstream) -> None:
    upstream.answers = [json_answer(read(page(0)))]
    worker = MistralOcr(access(upstream.url))
    reply = await worker.extract(reading(LINKED), ocr(), LIMITS)
    await worker.aclose()
    assert len(reply.pages) == 1
