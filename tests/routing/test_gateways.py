"""The addresses of services behind Cloudflare's AI Gateway."""

from __future__ import annotations

import pytest

from pipelex_like.routing.gateways import road

ROADS = [
    ("openai", "https://api.openai.com/v1", "openai"),
    ("openai", "https://api.openai.com/v1/", "openai"),
    ("openai_responses", "https://api.openai.com", "openai"),
    ("openai", None, "openai"),
    ("anthropic", "https://api.anthropic.com", "anthropic"),
    ("anthropic", None, "anthropic"),
    ("google", "https://generativelanguage.googleapis.com", "google-ai-studio"),
    ("mistral", "https://api.mistral.ai", "mistral"),
    ("openai", "https://api.groq.com/openai/v1", "groq"),
    ("openai", "https://api.deepseek.com", "deepseek"),
    ("openai", "https://api.deepseek.com/v1", "deepseek"),
    ("openai", "https://api.cerebras.ai/v1", "cerebras"),
    ("openai", "https://api.perplexity.ai", "perplexity-ai"),
    ("openai_responses", "https://api.perplexity.ai/v1", "perplexity-ai/v1"),
    ("openai", "https://openrouter.ai/api/v1", "openrouter"),
    ("openai", "https://api.x.ai/v1", "grok"),
    ("cohere", "https://api.cohere.com", "cohere/compatibility/v1"),
    ("openai", "https://api.cohere.ai/compatibility/v1", "cohere/compatibility/v1"),
    ("openai", "https://api.cloudflare.com/client/v4/accounts/abc/ai/v1", "workers-ai/v1"),
    ("vertex_google", None, "google-vertex-ai"),
    ("openai", "http://127.0.0.1:8000/v1", None),
    ("openai", "https://api.openai.com.evil.example/v1", None),
    ("openai", "https://proxy.example/https://api.openai.com/v1", None),
    ("bedrock", None, None),
    ("fal", "https://api.openai.com/v1", None),
    ("pypdfium2", None, None),
]


@pytest.mark.parametrize(("sdk", "endpoint", "path"), ROADS)
def test_an_address_leads_to_its_part_of_the_gateway(sdk: str, endpoint: str | None, path: str | None) -> None:
    assert road(sdk, endpoint) == path
