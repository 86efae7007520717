"""The jobs whose requests are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.given import INVOICE, PNG, WEATHER, candidate, job

from pipelex_like.types import FrozenDict, ImagePart, LlmJob, Media, TextPart

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

COMMAND = candidate("command-test")
EVERY_SETTING = {
    "temperature": 0.5,
    "top_p": 1.0,
    "top_k": 5,
    "max_tokens": 100,
    "stop": ["END"],
    "seed": 7,
    "frequency_penalty": 1.5,
    "presence_penalty": -0.5,
    "logit_bias": {"50256": -100},
    "logprobs": 3,
    "user": "u-1",
    "metadata": {"team": "a"},
    "service_tier": "auto",
    "reasoning_effort": "low",
    "extra": {"logit_bias": {"1": 1}},
}
OBJECT = LlmJob(messages=job(system="Short.").messages, schema=INVOICE)
TOOLS = LlmJob(
    messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather", parallel_tool_calls=False)
)

CASES: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), COMMAND),
    "settings": (job(**EVERY_SETTING), COMMAND),
    "image": (job(TextPart("What is it?"), ImagePart(Media(mime="image/png", data=PNG))), COMMAND),
    "tool": (TOOLS, COMMAND),
    "tool_auto": (LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="auto")), COMMAND),
    "no_thinking": (job(reasoning_effort="low"), candidate("command-test", thinking_mode="none")),
    "object": (OBJECT, COMMAND),
    "object_tools": (OBJECT, candidate("command-test", structure_method="tools")),
    "object_json": (OBJECT, candidate("command-test", structure_method="json")),
    "object_beside_tools": (LlmJob(messages=OBJECT.messages, schema=INVOICE, tools=(WEATHER,)), COMMAND),
}
ADAPTED = {
    "settings": [
        "top_k: left out, chat completions have no word for it",
        "metadata: left out, Cohere's endpoint does not take it",
        "logit_bias: left out, Cohere's endpoint does not take it",
        "top_logprobs: left out, Cohere's endpoint does not take it",
        "service_tier: left out, Cohere's endpoint does not take it",
        "frequency_penalty: 1.5 became 1, Cohere takes 0 to 1",
        "presence_penalty: -0.5 became 0, Cohere takes 0 to 1",
        "top_p: 1.0 became 0.99, Cohere takes 0.01 to 0.99",
        "reasoning_effort: low became high, Cohere knows that and none",
    ],
    "tool": [
        "parallel_tool_calls: left out, Cohere's endpoint does not take it",
        "tool_choice: only weather was sent, Cohere cannot be told which of several tools to call",
    ],
    "no_thinking": ["reasoning_effort: left out, the model does not think"],
    "object_beside_tools": ["the object: asked for in words, Cohere takes no form of the answer beside tools"],
}
