"""Marks that ask the provider to keep a prompt, and what they cost and save."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workers.anthropic.wire import events, message, said, started, stopped
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate
from workers.upstream import Upstream, json_answer

from pipelex_like.deck import Costs
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import (
    DocumentPart,
    EndPiece,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    TextPart,
    Usage,
)
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.anthropic.llm import AnthropicLlm
from pipelex_like.workers.anthropic.request import message_body

if TYPE_CHECKING:
    from pipelex_like.types import LlmReply

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def asked(*messages: Message, wish: object = None, **more: object) -> tuple[dict[str, object], tuple[str, ...]]:
    rules = FrozenDict({} if wish is None else {"prompt_cache": wish})
    made = message_body(LlmJob(messages=messages, **more), candidate("claude-test", rules=rules))  # pyright: ignore
    return made.body, made.adapted


def test_a_mark_stands_on_its_own_block() -> None:
    media = Media(mime="image/png", data=PNG)
    parts = (
        TextPart("long story", cache=True),
        ImagePart(media, cache=True),
        DocumentPart(Media(mime="text/plain", data=b"a bill"), cache=True),
        TextPart("question"),
    )
    body, adapted = asked(Message("user", parts))
    blocks = body["messages"][0]["content"]
    assert [block.get("cache_control") for block in blocks] == [MARK, MARK, MARK, None]
    assert adapted == ()


def test_without_marks_nothing_changes() -> None:
    body, _ = asked(Message("system", (TextPart("Be kind."),)), Message("user", (TextPart("Hi"),)))
    assert (body["system"], body["messages"]) == ("Be kind.", [{"role": "user", "content": "Hi"}])


def test_the_system_prompt_carries_marks_too() -> None:
    system = Message("system", (TextPart("Always the same.", cache=True), TextPart(" Today is Monday.")))
    body, _ = asked(system, Message("user", (TextPart("Hi", cache=True),)))
    assert body["system"] == [
        {"type": "text", "text": "Always the same.", "cache_control": MARK},
        {"type": "text", "text": " Today is Monday."},
    ]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]}]


def test_a_spec_marks_system_and_tools() -> None:
    messages = (Message("system", (TextPart("Be kind."),)), Message("user", (TextPart("Hi"),)))
    body, adapted = asked(*messages, wish=True, tools=(WEATHER, WEATHER))
    assert body["system"] == [{"type": "text", "text": "Be kind.", "cache_control": MARK}]
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, MARK]
    assert adapted == ()
    body, _ = asked(*messages, wish="1h", tools=(WEATHER,))
    assert (body["system"][0]["cache_control"], body["tools"][0]["cache_control"]) == (HOUR, HOUR)
    body, _ = asked(Message("user", (TextPart("Hi", cache=True),)), wish="1h")
    assert body["messages"][0]["content"][0]["cache_control"] == HOUR
    body, _ = asked(Message("user", (TextPart("Hi"),)), wish=False)
    assert "cache_control" not in str(body)


def test_the_last_four_marks_count_and_the_rest_is_listed() -> None:
    parts = tuple(TextPart(str(number), cache=True) for number in range(5))
    body, adapted = asked(Message("system", (TextPart("Be kind."),)), Message("user", parts), wish=True)
    assert body["system"] == "Be kind."
    marked = [block["text"] for block in body["messages"][0]["content"] if "cache_control" in block]
    assert marked == ["1", "2", "3", "4"]
    assert adapted == ("marks for the prompt cache: the first 2 left out, Anthropic takes 4",)


def test_a_mark_on_blanks_goes_to_what_stands_before() -> None:
    body, _ = asked(Message("user", (TextPart("Hi"), TextPart("  ", cache=True))))
    assert body["messages"][0]["content"] == [{"type": "text", "text": "Hi", "cache_control": MARK}]
    body, _ = asked(Message("user", (TextPart(" ", cache=True), TextPart("Hi"))))
    assert body["messages"][0]["content"] == "Hi"


def test_a_mark_on_a_signed_turn_stands_beside_its_thoughts() -> None:
    content = (
        FrozenDict(type="text", text="One moment."),
        FrozenDict(type="thinking", thinking="Hm.", signature="c2ln"),
    )
    opaque = OpaquePart(backend="acme", data=FrozenDict(model="claude-test", content=content))
    turn = Message("assistant", (opaque, TextPart("One moment.", cache=True)))
    body, _ = asked(Message("user", (TextPart("Hi"),)), turn, Message("user", (TextPart("Go on"),)))
    blocks = body["messages"][1]["content"]
    assert [(block["type"], block.get("cache_control")) for block in blocks] == [("text", MARK), ("thinking", None)]


def test_an_object_in_words_stands_behind_the_kept_prompt() -> None:
    rules = FrozenDict(prompt_cache=True)
    spec = candidate("claude-test", rules=rules, structure_method="json")
    system = Message("system", (TextPart("Be kind.", cache=True),))
    job = LlmJob(messages=(system, Message("user", (TextPart("Hi"),))), schema=INVOICE)
    first, second = message_body(job, spec).body["system"]
    assert (first["text"], first["cache_control"]) == ("Be kind.", MARK)
    assert "JSON Schema" in second["text"]


PRICES = Costs(
    tokens=FrozenDict(
        {
            "input": Decimal(3),
            "output": Decimal(15),
            "input_cached": Decimal("0.3"),
            "cache_write": Decimal("3.75"),
            "cache_write_1h": Decimal(6),
        }
    )
)
TOLD = {
    "input_tokens": 1000,
    "cache_read_input_tokens": 200_000,
    "cache_creation_input_tokens": 50_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 30_000, "ephemeral_1h_input_tokens": 20_000},
}
# By hand: 1000*3 + 200000*0.3 + 30000*3.75 + 20000*6 + 2000*15, per million.
GOLDEN = Decimal("0.3255")


async def test_a_kept_prompt_costs_the_same_streamed_and_not(upstream: Upstream) -> None:
    spec = candidate("claude-test", costs=PRICES)
    worker = AnthropicLlm(access(upstream.url))
    plain = message(usage=TOLD | {"output_tokens": 2000})
    upstream.answers = [
        json_answer(plain),
        events(started(**TOLD, output_tokens=1), *said(0, "Hi"), *stopped(output_tokens=2000)),
        events(started(**TOLD, output_tokens=1), *said(0, "Hi"), *stopped(**TOLD, output_tokens=2000)),
    ]
    job = LlmJob(messages=(Message("user", (TextPart("Hi", cache=True),)),))
    usages = [(await worker.generate(job, spec, LIMITS)).usage]
    for _ in range(2):
        pieces = [piece async for piece in worker.stream(job, spec, LIMITS)]
        assert isinstance(pieces[-1], EndPiece)
        usages.append(pieces[-1].reply.usage)
    await worker.aclose()
    assert {cost_of(usage, spec.spec)[0] for usage in usages} == {GOLDEN}
    assert usages[0] == Usage(
        input_tokens=251_000,
        output_tokens=2000,
        cached_tokens=200_000,
        cache_write_tokens=30_000,
        cache_write_1h_tokens=20_000,
    )


async def _counts(sandbox: Sandbox, job: LlmJob, wish: object = None, model: str = "claude-test") -> Usage:
    worker = AnthropicLlm(access(sandbox.url, sandbox.api_key))
    rules = FrozenDict({} if wish is None else {"prompt_cache": wish})
    reply: LlmReply = await worker.generate(job, candidate(model, rules=rules), LIMITS)
    await worker.aclose()
    assert reply.usage is not None
    return reply.usage


@pytest.mark.parametrize("wish", [None, "1h"])
async def test_the_sandbox_reads_the_second_time_what_it_wrote_the_first(wish: object) -> None:
    story = TextPart("a long story " * 50, cache=True)
    job = LlmJob(messages=(Message("user", (story, TextPart("and a question"))),))
    other = LlmJob(messages=(Message("user", (story, TextPart("and another question"))),))
    with Sandbox() as sandbox:
        first, second = await _counts(sandbox, job, wish), await _counts(sandbox, other, wish)
        elsewhere = await _counts(sandbox, other, wish, "claude-other")
    wrote = first.cache_write_tokens if wish is None else first.cache_write_1h_tokens
    assert wrote > 100
    assert first.cached_tokens == 0
    assert second.cached_tokens == wrote
    assert second.cache_write_tokens == second.cache_write_1h_tokens == elsewhere.cached_tokens == 0


async def test_the_sandbox_writes_what_was_added_to_a_kept_prompt() -> None:
    start = Message("user", (TextPart("word " * 100, cache=True),))
    longer = (start, Message("assistant", (TextPart("Yes."),)), Message("user", (TextPart("more " * 50, cache=True),)))
    with Sandbox() as sandbox:
        first = await _counts(sandbox, LlmJob(messages=(start,)))
        second = await _counts(sandbox, LlmJob(messages=longer))
    assert second.cached_tokens == first.cache_write_tokens
    assert 50 <= second.cache_write_tokens < 70
