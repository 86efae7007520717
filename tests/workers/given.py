"""Values that the tests of the workers start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Candidate, ModelSpec
from pipelex_like.types import FrozenDict, LlmJob, Message, ObjectSchema, TextPart, Tool, freeze
from pipelex_like.workers.base import Access, Limits

if TYPE_CHECKING:
    from pipelex_like.types import Part

KEY = "sk-canary-0123456789abcdef"
LIMITS = Limits(timeout=5, first_event=5, between_events=5)
# A PNG of 1 x 1 pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)


def candidate(model_id: str = "gpt-test", **spec: object) -> Candidate:
    given = {"backend": "acme", "handle": model_id, "sdk": "openai", "model_id": model_id, "kind": "llm", **spec}
    return Candidate(
        handle=model_id,
        backend="acme",
        model_id=model_id,
        sdk="openai",
        spec=ModelSpec(**given),  # pyright: ignore
    )


def access(url: str | None, key: str | None = KEY, **more: object) -> Access:
    keys = {name: value for name, value in {"endpoint": url, "api_key": key}.items() if value is not None}
    return Access(
        backend="acme",
        sdk="openai",
        keys=FrozenDict(keys),
        secrets=frozenset({key} if key else ()),
        **more,  # pyright: ignore
    )


def job(*parts: Part, system: str | None = None, **settings: object) -> LlmJob:
    messages = [Message("system", (TextPart(system),))] if system else []
    messages.append(Message("user", parts or (TextPart("Hello"),)))
    return LlmJob(messages=tuple(messages), settings=freeze(settings))  # pyright: ignore


WEATHER = Tool(
    name="weather",
    description="The weather of a city.",
    parameters=freeze({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),  # pyright: ignore
)
INVOICE = ObjectSchema(
    name="Invoice",
    schema=freeze(  # pyright: ignore
        {
            "type": "object",
            "title": "Invoice",
            "properties": {
                "number": {"type": "string", "title": "Number"},
                "total": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
            },
            "required": ["number"],
        }
    ),
)


def completion(content: object = "Hi", **more: object) -> dict[str, object]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "model": "gpt-test",
        "choices": [choice],
        "usage": usage,
    } | more


def chunk(delta: dict[str, object] | None = None, reason: str | None = None, **more: object) -> dict[str, object]:
    return {"id": "chat-1", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}]} | more
