"""What OpenTelemetry's GenAI semantic conventions call our backends, settings and counts.

https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai

Texts of a request or an answer have no place here, nor have the messages of errors, which may quote them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Kind
    from pipelex_like.types.records import UsageRecord

Value = str | bool | int | float | list[str]

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))

OPERATIONS: Mapping[Kind, str] = FrozenDict({"llm": "chat", "extract": "extract", "img_gen": "generate_content"})
PROVIDERS: Mapping[str, str] = FrozenDict(
    {
        "openai": "openai",
        "anthropic": "anthropic",
        "bedrock": "aws.bedrock",
        "azure_openai": "azure.ai.openai",
        "azure_ai": "azure.ai.inference",
        "google": "gcp.gemini",
        "vertexai": "gcp.vertex_ai",
        "mistral": "mistral_ai",
        "cohere": "cohere",
        "groq": "groq",
        "deepseek": "deepseek",
        "perplexity": "perplexity",
        "xai": "x_ai",
        "moonshot": "moonshot_ai",
        "watsonx": "ibm.watsonx.ai",
    }
)
"""What the conventions call a backend of that name."""
# SDKs that many providers speak (openai, openai_responses) tell nothing of who answers.
PROVIDERS_BY_SDK: Mapping[str, str] = FrozenDict(
    {
        "anthropic": "anthropic",
        "bedrock": "aws.bedrock",
        "azure_openai": "azure.ai.openai",
        "azure_openai_responses": "azure.ai.openai",
        "google": "gcp.gemini",
        "vertex_google": "gcp.vertex_ai",
        "vertex_anthropic": "gcp.vertex_ai",
        "vertex_mistral": "gcp.vertex_ai",
        "mistral": "mistral_ai",
        "cohere": "cohere",
    }
)
_NUMBERS: Mapping[str, type] = FrozenDict(
    {
        "temperature": float,
        "top_p": float,
        "top_k": float,
        "frequency_penalty": float,
        "presence_penalty": float,
        "max_tokens": int,
        "seed": int,
    }
)
_PORTS: Mapping[str, int] = FrozenDict({"https": 443, "http": 80})


def provider_name(backend: str, sdk: str) -> str:
    """Give the conventions' name for whom a backend reaches, else the backend's own."""
    return PROVIDERS.get(backend) or PROVIDERS_BY_SDK.get(sdk) or backend


def server(endpoint: str | None) -> dict[str, Value]:
    """Give the host and port of an address; nothing where they cannot be told."""
    if endpoint is None:
        return {}
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return {}
    if not host or port is None:
        return {}
    return {"server.address": host, "server.port": port}


def asked(candidate: Candidate, settings: Mapping[str, object]) -> dict[str, Value]:
    """Give the numbers among the settings that the conventions know, and who is asked."""
    facts: dict[str, Value] = {
        "pipelex_like.backend": candidate.backend,
        "pipelex_like.handle": candidate.handle,
    }
    if candidate.via is not None:
        facts["pipelex_like.via"] = candidate.via
    for name, form in _NUMBERS.items():
        value = settings.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts[f"gen_ai.request.{name}"] = form(value)
    return facts


def answered(record: UsageRecord, finish_reason: str | None) -> dict[str, Value]:
    """Give what came of a request; counts that are zero are left out."""
    usage = record.usage
    facts: dict[str, Value] = {
        "pipelex_like.attempt": record.attempt,
        "pipelex_like.outcome": record.outcome,
        "pipelex_like.measured": record.measured,
    }
    if usage.total_tokens:
        facts["gen_ai.usage.input_tokens"] = usage.input_tokens
        facts["gen_ai.usage.output_tokens"] = usage.output_tokens
    counts: tuple[tuple[str, float | None], ...] = (
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens + usage.cache_write_1h_tokens),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens),
        ("gen_ai.usage.audio.input_tokens", usage.input_audio_tokens),
        ("gen_ai.usage.audio.output_tokens", usage.output_audio_tokens),
        ("gen_ai.usage.image.input_tokens", usage.input_image_tokens),
        ("pipelex_like.usage.pages", usage.pages),
        ("pipelex_like.usage.images", usage.images),
        ("http.response.status_code", record.status),
    )
    facts |= {name: count for name, count in counts if count}
    if record.cost is not None:
        facts["pipelex_like.cost"] = float(record.cost)
    if record.streamed:
        facts["gen_ai.request.stream"] = True
        if record.first_token is not None:
            facts["gen_ai.response.time_to_first_chunk"] = record.first_token
    if finish_reason is not None:
        facts["gen_ai.response.finish_reasons"] = [finish_reason]
    texts = (
        ("gen_ai.response.id", record.provider_request_id),
        ("pipelex_like.preset", record.preset),
    )
    facts |= {name: text for name, text in texts if text is not None}
    if record.tags:
        facts["pipelex_like.tags"] = list(record.tags)
    if record.simulated:
        facts["pipelex_like.simulated"] = True
    return facts
