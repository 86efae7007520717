"""Marks that ask for a prompt to be kept, where chat completions have a word for them, and what kept prompts cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from workers.given import LIMITS, access, candidate, chunk, completion
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.deck import Costs
from pipelex_like.types import EndPiece, FrozenDict, LlmJob, Message, TextPart
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.mistral.request import chat_body as mistral_body
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.openai.request import chat_body

MARKED = LlmJob(
    messages=(
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("A long story.", cache=True), TextPart("A question."))),
    )
)
LEFT_OUT = "marks for the prompt cache: left out, no rule prompt_cache says that this service takes them"


def test_openai_keeps_prompts_by_itself() -> None:
    for rules in (FrozenDict(), FrozenDict(prompt_cache=True)):
        body, adapted = chat_body(MARKED, candidate(rules=rules), official=True)
        assert "cache_control" not in str(body)
        assert adapted == ()


def test_others_are_told_of_it_only_if_their_spec_says_so() -> None:
    body, adapted = chat_body(MARKED, candidate())
    assert "cache_control" not in str(body)
    assert adapted == (LEFT_OUT,)
    assert mistral_body(MARKED, candidate())[1] == (LEFT_OUT,)


@pytest.mark.parametrize(("wish", "mark"), [(True, {"type": "ephemeral"}), ("1h", {"type": "ephemeral", "ttl": "1h"})])
def test_a_service_that_passes_marks_on_gets_them(wish: object, mark: object) -> None:
    body, adapted = chat_body(MARKED, candidate(rules=FrozenDict(prompt_cache=wish)))
    assert adapted == ()
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be kind.", "cache_control": mark}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "A long story.", "cache_control": mark},
                {"type": "text", "text": "A question."},
            ],
        },
    ]


PRICES = Costs(
    tokens=FrozenDict(
        {"input": Decimal(2), "output": Decimal(8), "input_cached": Decimal("0.5"), "cache_write": Decimal("2.5")}
    )
)
# By hand: (1000-600-100)*2 + 600*0.5 + 100*2.5 + 300*8, and (1000-600)*2 + 600*0.5 + 300*8, per million.
GOLDEN = [
    ({"prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100}}, Decimal("0.00355")),
    ({"prompt_tokens_details": {"cached_tokens": 600}}, Decimal("0.0035")),
    ({"prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400}, Decimal("0.0035")),
]


@pytest.mark.parametrize(("details", "cost"), GOLDEN)
async def test_a_kept_prompt_costs_the_same_streamed_and_not(
    upstream: Upstream, details: dict[str, object], cost: Decimal
) -> None:
    spec = candidate(costs=PRICES)
    usage = {"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300, **details}
    upstream.answers = [
        json_answer(completion(usage=usage)),
        sse(chunk({"content": "Hi"}), chunk(reason="stop"), {"id": "chat-1", "choices": [], "usage": usage}),
    ]
    worker = OpenAiLlm(access(upstream.url))
    whole = await worker.generate(MARKED, spec, LIMITS)
    pieces = [piece async for piece in worker.stream(MARKED, spec, LIMITS)]
    await worker.aclose()
    assert isinstance(pieces[-1], EndPiece)
    streamed = pieces[-1].reply
    assert streamed.usage == whole.usage
    assert cost_of(whole.usage, spec.spec) == cost_of(streamed.usage, spec.spec) == (cost, None)
