"""An object that does not fit: the same model is told once what is wrong with it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, USAGE, Stage, load, write
from pydantic import BaseModel, field_validator
from workers.given import completion
from workers.upstream import Upstream, json_answer

from pipelex_like import (
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    Inference,
    InvalidResponseError,
    Message,
    RateLimitError,
    TextPart,
)
from pipelex_like.types import LlmReply

if TYPE_CHECKING:
    from pathlib import Path


class Never(BaseModel):
    vendor: str

    @field_validator("vendor")
    @classmethod
    def refuse(cls, value: str) -> str:
        raise ValueError("no vendor is good enough")


BAD = '{"vendor": "ACME"}'
GOOD = '{"vendor": "ACME", "total": 3}'


class Invoice(BaseModel):
    vendor: str
    total: float


def said(text: str, **more: object) -> LlmReply:
    return LlmReply(text=text, usage=USAGE, **more)  # pyright: ignore[reportArgumentType]


async def test_the_conversation_goes_on_with_the_answer_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage({"a": [said(BAD), said(GOOD)]})) as ai:
        result = await ai.generate_object("read it", Invoice)
    assert result.object == Invoice(vendor="ACME", total=3)
    assert stage.order == ["a", "a"]
    first, second = (request.job for request in stage.sent)
    assert second.schema == first.schema
    assert second.messages[:-2] == first.messages
    assert second.messages[-2] == Message("assistant", (TextPart(BAD),))
    assert second.messages[-1].role == "user"
    assert "total: Field required" in second.messages[-1].text


async def test_both_requests_are_attempts_and_paid_for(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage({"a": [said(BAD), said(GOOD)]})) as ai:
        result = await ai.generate_object("read it", Invoice)
    assert [(one.backend, one.outcome, one.usage) for one in result.attempts] == [
        ("a", "failed", USAGE),
        ("a", "ok", USAGE),
    ]
    assert result.attempts[0].error is not None
    assert result.attempts[0].error.type == "InvalidResponseError"
    assert result.usage == USAGE + USAGE
    assert result.cost == Decimal(4)


async def test_a_second_misfit_is_an_error(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [said(BAD), said("still wrong")], "b": [said(GOOD)]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(InvalidResponseError, match="does not fit"):
            await ai.generate_object("read it", Invoice)
    assert stage.order == ["a", "a"]


@pytest.mark.parametrize("word", ["invalid_object", "invalid_response"])
async def test_a_second_misfit_goes_on_where_that_is_declared(tmp_path: Path, word: str) -> None:
    write(tmp_path)
    stage = Stage({"a": [said(BAD), said("still wrong")], "b": [said(GOOD)]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_object("read it", Invoice, actions={word: "next"})
    assert stage.order == ["a", "a", "b"]
    assert stage.sent[2].job.messages == stage.sent[0].job.messages
    assert result.cost == Decimal(6)


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        ({}, 2),
        ({"max_repairs": 0}, 1),
        ({"max_repairs": 2}, 3),
        ({"max_repairs": 5, "max_retries": 2}, 3),
        ({"max_retries": 0}, 1),
        ({"max_attempts": 1}, 1),
        ({"max_repairs": 0, "actions": {"invalid_response": "retry"}}, 3),
        ({"actions": {"invalid_response": "stop"}}, 2),
    ],
)
async def test_repairs_are_bounded(tmp_path: Path, options: dict[str, object], requests: int) -> None:
    write(tmp_path)
    stage = Stage({"a": [said(BAD)] * 9})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(InvalidResponseError, match="total: Field required") as raised:
            await ai.generate_object("read it", Invoice, model="a-large", **options)
    assert len(stage.sent) == len(raised.value.attempts) == requests


async def test_a_file_says_it_too(tmp_path: Path) -> None:
    write(tmp_path, deck='+\n[llm.presets.strict]\nmodel = "a-large"\nmax_repairs = 0\n')
    stage = Stage({"a": [said(BAD)] * 9})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(InvalidResponseError):
            await ai.generate_object("read it", Invoice, model="preset:strict")
    assert len(stage.sent) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (said('{"vendor": "A', finish_reason="length"), InvalidResponseError),
        (said("I won't.", finish_reason="content_filter"), ContentPolicyError),
    ],
)
async def test_what_was_cut_or_refused_is_not_asked_for_again(
    tmp_path: Path, reply: LlmReply, error: type[CallError]
) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage({"a": [reply]})) as ai:
        with pytest.raises(error):
            await ai.generate_object("read it", Invoice, model="a-large")
    assert len(stage.sent) == 1


async def test_a_repair_that_fails_otherwise_follows_the_table(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [said(BAD), RateLimitError("busy", status=429)], "b": [said(GOOD)]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_object("read it", Invoice)
    assert [(one.backend, one.outcome, one.status) for one in result.attempts] == [
        ("a", "failed", None),
        ("a", "failed", 429),
        ("b", "ok", None),
    ]


async def test_a_repair_ends_with_the_deadline(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [said(BAD), HANG]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(CallTimeoutError) as raised:
            await ai.generate_object("read it", Invoice, timeout=0.2)
    assert [one.outcome for one in raised.value.attempts] == ["failed", "abandoned"]
    assert stage.stopped == ["a"]


async def test_an_empty_answer_can_be_told_of(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage({"a": [said(" "), said(GOOD)]})) as ai:
        await ai.generate_object("read it", Invoice)
    assert stage.sent[1].job.messages[-2].text.strip()


CHAT = """
[acme]
enabled = true
endpoint = "{url}"
api_key = "some-key-for-tests"
"""
MODELS = """
[a-model]
sdk = "openai"
inputs = ["text"]
outputs = ["text", "structured"]
structure_method = "{method}"
costs = {{ input = 1, output = 1 }}
"""


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_the_wire_carries_it_as_plain_turns_whatever_the_method(tmp_path: Path, method: str) -> None:
    def answer(text: str) -> object:
        if method != "tools":
            return completion(text)
        call = {"id": "c1", "type": "function", "function": {"name": "Invoice", "arguments": text}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])

    async with Upstream() as upstream:
        directory = tmp_path / ".pipelex" / "inference"
        (directory / "backends").mkdir(parents=True)
        (directory / "deck").mkdir()
        (directory / "deck" / "base_deck.toml").write_text("")
        (directory / "backends.toml").write_text(CHAT.format(url=upstream.url))
        (directory / "backends" / "acme.toml").write_text(MODELS.format(method=method))
        upstream.answers += [json_answer(answer(BAD)), json_answer(answer(GOOD))]
        async with Inference.load(directory, environ={"HOME": str(tmp_path)}) as ai:
            result = await ai.generate_object("read it", Invoice, model="a-model")
    assert result.object.total == 3
    assert (result.usage.input_tokens, result.usage.output_tokens) == (6, 4)
    first, second = (request.body for request in upstream.seen)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert {key for key in first if key != "messages"} == {key for key in second if key != "messages"}
    assert second["messages"][:-2] == first["messages"]
    assert second["messages"][-2] == {"role": "assistant", "content": BAD}
    assert second["messages"][-1]["role"] == "user"


async def test_the_sandbox_takes_a_repair_in_every_format_it_speaks(tmp_path: Path) -> None:
    directory = tmp_path / ".pipelex" / "inference"
    (directory / "deck").mkdir(parents=True)
    (directory / "deck" / "own.toml").write_text("")
    (directory / "backends.toml").write_text('extends = "pipelex_like"\n[sandbox]\nmirror = true\n')
    # The sandbox keeps to the schema it is sent, so only what a schema cannot say is left to fail.
    async with Inference.load(directory, environ={"HOME": str(tmp_path)}, profile="sandbox") as ai:
        for model in ("sandbox/gpt-4o-mini", "sandbox/claude-4.5-haiku", "sandbox/mistral-small"):
            with pytest.raises(CallError) as raised:
                await ai.generate_object("Vendor: ACME, total: 3", Never, model=model)
            assert [(one.outcome, one.status) for one in raised.value.attempts] == [("failed", None)] * 2, model
