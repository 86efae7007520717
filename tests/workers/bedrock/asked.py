"""The jobs whose requests are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.given import INVOICE, PNG, WEATHER, candidate, job

from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
)

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

ID = "us.anthropic.claude-test-v1:0"
CLAUDE = candidate(ID)
NOVA = candidate("amazon.nova-2-lite-v1:0", thinking_mode="adaptive")
ONE = ToolCall(id="tooluse_1", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
TWO = ToolCall(id="call|2 " + "x" * 80, name="weather", arguments=FrozenDict(city="Bonn"), raw='{"city":"Bonn"}')
SIGNED = OpaquePart(
    backend="acme",
    data=FrozenDict(
        model=ID,
        content=(
            FrozenDict(reasoningContent=FrozenDict(reasoningText=FrozenDict(text="I must ask.", signature="c2ln"))),
            FrozenDict(text="One moment."),
            FrozenDict(toolUse=FrozenDict(toolUseId="tooluse_1", name="weather", input=FrozenDict(city="Ulm"))),
            FrozenDict(reasoningContent=FrozenDict(redactedContent="eHh4")),
        ),
    ),
)
HISTORY = LlmJob(
    messages=(
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Weather in Ulm?"),)),
        Message("assistant", (SIGNED, ReasoningPart("I must ask."), TextPart("One moment."), ToolCallPart(ONE))),
        Message("tool", (ToolResultPart(call_id=ONE.id, text="sunny"),)),
        Message("assistant", (TextPart("Sunny. And"), ToolCallPart(TWO))),
        Message("tool", (ToolResultPart(call_id=TWO.id, text="no such town", is_error=True),)),
        Message("user", (TextPart("And"), TextPart("tomorrow?"))),
    ),
    tools=(WEATHER,),
    settings=FrozenDict(tool_choice="auto", parallel_tool_calls=False),
)
EVERY_SETTING = {
    "temperature": 1.5,
    "top_p": 0.5,
    "top_k": 5,
    "max_tokens": 100,
    "stop": ["END", "\n\n"],
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "logit_bias": {"50256": -100},
    "logprobs": 3,
    "user": "u-1",
    "metadata": {"team": "a", "odd": "{}"},
    "service_tier": "flex",
    "tool_choice": "required",
    "extra": {
        "performanceConfig": {"latency": "optimized"},
        "additionalModelRequestFields": {"anthropic_beta": ["some-beta"]},
    },
}
PICTURE = ImagePart(Media(mime="image/png", data=PNG), "low")
STORED = ImagePart(Media(mime="image/*", url="s3://my-bucket/a.JPG"))
PDF = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="the_bill (1).pdf"))
PDF_AGAIN = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.5", name="the bill (1).pdf"))
SHEET = DocumentPart(Media(mime="application/vnd.ms-excel", url="s3://my-bucket/a.xls", name="a.xls"))
NOTE = DocumentPart(Media(mime="text/markdown", data=b"# Note <b>", name="note.md"))
OBJECT = LlmJob(messages=job(system="Short.").messages, schema=INVOICE)
KEPT = LlmJob(
    messages=(
        Message("system", (TextPart("Long rules.", cache=True), TextPart("Short rule."))),
        Message("user", (TextPart("Long story.", cache=True), TextPart("And?"))),
    )
)


def claude(**spec: object) -> Candidate:
    return candidate(ID, **spec)


CASES: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), CLAUDE),
    "settings": (job(**EVERY_SETTING), CLAUDE),
    "history_with_tools": (HISTORY, CLAUDE),
    "history_without_tools": (LlmJob(messages=HISTORY.messages), CLAUDE),
    "images": (job(TextPart("What is it?"), PICTURE, STORED), CLAUDE),
    "documents": (job(TextPart("Sum up."), PDF, PDF_AGAIN, SHEET, NOTE), CLAUDE),
    "document_alone": (job(PDF), CLAUDE),
    "kept_prompt": (KEPT, CLAUDE),
    "kept_by_rule": (
        LlmJob(messages=KEPT.messages, tools=(WEATHER,)),
        claude(rules=FrozenDict(prompt_cache="1h")),
    ),
    "kept_too_often": (job(*(TextPart(f"{at}", cache=True) for at in range(6))), CLAUDE),
    "kept_by_nova": (
        LlmJob(messages=KEPT.messages, tools=(WEATHER,)),
        candidate("amazon.nova-pro-v1:0", rules=FrozenDict(prompt_cache=True)),
    ),
    "not_kept": (KEPT, candidate("us.meta.llama4-maverick-17b-instruct-v1:0")),
    "tool": (LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather")), CLAUDE),
    "object_tools": (OBJECT, CLAUDE),
    "object_schema": (OBJECT, claude(structure_method="schema")),
    "object_json": (OBJECT, claude(structure_method="json")),
    "object_mistral": (OBJECT, candidate("mistral.mistral-large-2407-v1:0")),
    "object_llama": (OBJECT, candidate("us.meta.llama4-maverick-17b-instruct-v1:0")),
    "thinking_manual": (job(reasoning_effort="high", temperature=0.5), claude(thinking_mode="manual")),
    "thinking_adaptive": (
        LlmJob(messages=job().messages, schema=INVOICE, settings=FrozenDict(reasoning_effort="high")),
        claude(thinking_mode="adaptive", max_tokens=128000),
    ),
    "thinking_nova": (job(reasoning_effort="max", temperature=0.5, max_tokens=100), NOVA),
    "thinking_gpt_oss": (job(reasoning_budget=5000, top_k=3), candidate("openai.gpt-oss-120b-1:0")),
    "nova": (job(top_k=20, top_p=0.9, temperature=0.5), candidate("us.amazon.nova-pro-v1:0")),
}
ADAPTED = {
    "settings": [
        "temperature: 1.5 lowered to 1, the most that Bedrock takes",
        "top_p: left out, Claude takes a temperature or it, not both",
        "stop: blanks left out, Bedrock takes none as a stop",
        "metadata: labels left out, Bedrock takes 16 of 256 signs at most, and not every sign",
        "seed: left out, Converse has no word for it",
        "frequency_penalty: left out, Converse has no word for it",
        "presence_penalty: left out, Converse has no word for it",
        "logit_bias: left out, Converse has no word for it",
        "logprobs: left out, Converse has no word for it",
        "tool_choice: left out, there are no tools",
    ],
    "history_with_tools": ["parallel_tool_calls: left out, Converse has no word for it"],
    "history_without_tools": ["the tools called before: named again, Converse wants them beside their results"],
    "images": ["detail of pictures: left out, Converse has no word for it"],
    "document_alone": ['a document alone: sent with the words "See the document.", Converse wants some'],
    "kept_too_often": ["marks for the prompt cache: the first 2 left out, Bedrock takes 4"],
    "not_kept": ["marks for the prompt cache: left out, Bedrock keeps none for this model"],
    "thinking_manual": ["temperature: left out, a model that thinks does not take it"],
    "thinking_adaptive": [
        "the object: asked for in words, since a model that thinks cannot be forced to call a tool",
    ],
    "thinking_nova": [
        "reasoning_effort: max became high, the nearest that the model knows",
        "max_tokens: left out, Nova takes none at the highest effort",
        "temperature: left out, a model that thinks does not take it",
    ],
    "thinking_gpt_oss": [
        'reasoning_budget: 5000 became the effort "medium", the model takes no budget',
        "top_k: left out, this model has no word for it on Bedrock",
    ],
}
