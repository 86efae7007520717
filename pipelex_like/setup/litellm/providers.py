"""LiteLLM's providers: which backend of ours each is, and how it writes the names of models.

https://docs.litellm.ai/docs/providers
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider by LiteLLM's prefix. `backend` is the packaged backend, or, with `endpoint`, the name of one that
    is added and speaks OpenAI's protocol; `variable` is where LiteLLM looks for its key, None for a server
    without one. `own_address`: every
    customer has another one, so `api_base` makes no other backend of it."""

    backend: str
    endpoint: str | None = None
    variable: str | None = None
    own_address: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A model as a provider knows it: `sdk` is ours where the name decides it, `region` where it names one."""

    model_id: str
    sdk: str | None = None
    region: str | None = None


def _added(name: str, endpoint: str, variable: str) -> Provider:
    return Provider(backend=name, endpoint=endpoint, variable=variable)


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(backend="openai"),
    "azure": Provider(backend="azure_openai", own_address=True),
    "azure_ai": Provider(backend="azure_ai", own_address=True),
    "anthropic": Provider(backend="anthropic"),
    "gemini": Provider(backend="google"),
    "vertex_ai": Provider(backend="vertexai"),
    "vertex_ai_beta": Provider(backend="vertexai"),
    "bedrock": Provider(backend="bedrock"),
    "bedrock_converse": Provider(backend="bedrock"),
    "mistral": Provider(backend="mistral"),
    "cohere": Provider(backend="cohere"),
    "cohere_chat": Provider(backend="cohere"),
    "deepseek": Provider(backend="deepseek"),
    "xai": Provider(backend="xai"),
    "perplexity": Provider(backend="perplexity"),
    "openrouter": Provider(backend="openrouter"),
    "groq": Provider(backend="groq"),
    "cerebras": Provider(backend="cerebras"),
    "together_ai": Provider(backend="together"),
    "nebius": Provider(backend="nebius", own_address=True),
    "huggingface": Provider(backend="huggingface"),
    "fal_ai": Provider(backend="fal"),
    "cloudflare": Provider(backend="cloudflare"),
    "ollama": Provider(backend="ollama", own_address=True),
    "ollama_chat": Provider(backend="ollama", own_address=True),
    "vllm": Provider(backend="vllm", own_address=True),
    "hosted_vllm": Provider(backend="vllm", own_address=True),
    "litellm_proxy": Provider(backend="litellm_proxy", own_address=True),
    "openai_like": Provider(backend="openai"),
    "custom_openai": Provider(backend="openai"),
    "deepinfra": _added("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "fireworks_ai": _added("fireworks_ai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "moonshot": _added("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia_nim": _added("nvidia_nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "sambanova": _added("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "dashscope": _added("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "lm_studio": Provider(backend="lm_studio", endpoint="${LM_STUDIO_API_BASE}", own_address=True),
}

# What LiteLLM takes a name without a provider for.
_BARE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"(gpt-|chatgpt-|o[1-9](-|$)|dall-e|text-embedding-|whisper-|tts-|ft:|omni-moderation)", "openai"),
        (r"claude-", "anthropic"),
        (r"(gemini-|imagen-|text-bison|chat-bison)", "vertex_ai"),
        (r"command-", "cohere"),
        (r"((us|eu|apac|global)\.)?(anthropic|amazon|meta|mistral|cohere|ai21|deepseek)\.", "bedrock"),
    )
)
_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il)(-gov)?-[a-z]+-\d/")
_SERIES = ("o_series/", "gpt5_series/")


def split_model(text: str, provider: str | None) -> tuple[str | None, str]:
    """Give the provider and the rest of `openai/gpt-4o`; None where nothing tells who it is."""
    if provider is not None:
        return provider, text.removeprefix(f"{provider}/")
    head, slash, rest = text.partition("/")
    if slash and head in PROVIDERS:
        return head, rest
    return next((name for pattern, name in _BARE if pattern.match(text)), None), text


def name_of(provider: str, rest: str) -> Named:
    """Give what the provider itself calls the model, freed from what LiteLLM adds to it."""
    backend = PROVIDERS[provider].backend
    responses = rest.startswith("responses/")
    rest = rest.removeprefix("responses/")
    match backend:
        case "openai" if responses:
            return Named(rest, "openai_responses")
        case "azure_openai":
            for series in _SERIES:
                rest = rest.removeprefix(series)
            return Named(rest, "azure_openai_responses" if responses else None)
        case "bedrock":
            for way in ("converse/", "invoke/", "converse_like/"):
                rest = rest.removeprefix(way)
            region = _REGION.match(rest)
            return Named(rest[region.end() :], None, region.group()[:-1]) if region else Named(rest)
        case "vertexai":
            return Named(rest, _vertex_sdk(rest))
        case "fal":
            return Named(rest if rest.startswith("fal-ai/") else f"fal-ai/{rest}")
        case _:
            return Named(rest)


def _vertex_sdk(name: str) -> str | None:
    if name.startswith("claude"):
        return "vertex_anthropic"
    return "vertex_mistral" if name.startswith(("mistral", "codestral", "magistral")) else None
