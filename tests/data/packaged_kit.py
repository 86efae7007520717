"""The packaged kit and this repository's own directory, loaded for an environment that a test makes up."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import Place, load_documents
from pipelex_like.routing import Router, bind
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck
from pipelex_like.types import FrozenDict
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import BoundDeck, ModelDeck
    from pipelex_like.errors import Problem

ROOT = Path(__file__).parents[2]
START = ROOT / ".pipelex" / "inference"
KEYS: Mapping[str, Mapping[str, str]] = {
    "openai": {"OPENAI_API_KEY": "dummy"},
    "anthropic": {"ANTHROPIC_API_KEY": "dummy"},
    "google": {"GEMINI_API_KEY": "dummy"},
    "mistral": {"MISTRAL_API_KEY": "dummy"},
    "fal": {"FAL_KEY": "dummy"},
    "deepseek": {"DEEPSEEK_API_KEY": "dummy"},
    "cohere": {"COHERE_API_KEY": "dummy"},
    "xai": {"XAI_API_KEY": "dummy"},
    "perplexity": {"PERPLEXITYAI_API_KEY": "dummy"},
    "openrouter": {"OPENROUTER_API_KEY": "dummy"},
    "groq": {"GROQ_API_KEY": "dummy"},
    "cerebras": {"CEREBRAS_API_KEY": "dummy"},
    "together": {"TOGETHERAI_API_KEY": "dummy"},
    "nebius": {"NEBIUS_API_KEY": "dummy", "NEBIUS_API_BASE": "https://nebius.invalid/v1"},
    "huggingface": {"HUG_API_KEY": "dummy"},
    "pipelex_inference": {"PIPELEX_INFERENCE_API_KEY": "dummy"},
    "custom": {"AI_BASE_URL": "https://own.invalid/v1"},
    "openai_compatible": {"OPENAI_BASE_URL": "https://compatible.invalid/v1"},
    "litellm_proxy": {"LITELLM_PROXY_URL": "https://proxy.invalid", "LITELLM_PROXY_KEY": "dummy"},
    "bedrock": {"AWS_BEARER_TOKEN_BEDROCK": "dummy"},
    "vertexai": {"VERTEXAI_PROJECT": "dummy", "VERTEXAI_LOCATION": "us-central1"},
    "azure_openai": {"AZURE_API_KEY": "dummy", "AZURE_API_BASE": "https://dummy.openai.azure.invalid/"},
    "azure_ai": {"AZURE_API_KEY": "dummy", "AZURE_API_BASE": "https://dummy.openai.azure.invalid/"},
    "cloudflare": {"CLOUDFLARE_API_TOKEN": "dummy", "CLOUDFLARE_ACCOUNT_ID": "account"},
    "cloudflare_gateway": {
        "CLOUDFLARE_API_TOKEN": "dummy",
        "CLOUDFLARE_ACCOUNT_ID": "account",
        "CLOUDFLARE_GATEWAY_ID": "gateway",
    },
    "ollama": {},
    "vllm": {"VLLM_API_BASE": "http://vllm.invalid:8000"},
    "tgi": {"TGI_API_BASE": "http://tgi.invalid:8080"},
    "internal": {},
    "local": {},
    "sandbox": {},
}
"""For each backend of the kit variables that switch it on; nothing for those that are on anyway."""
AI_MODELS: Mapping[str, str] = {"AI_MODELS": "local-r1:deepseek-r1-distill-qwen-14b,local-llama:llama-3.1-70b"}
ALL_KEYS: Mapping[str, str] = {
    **AI_MODELS,
    **{name: value for keys in KEYS.values() for name, value in keys.items()},
}
SETS: Mapping[str, Mapping[str, str]] = {
    **KEYS,
    "all": ALL_KEYS,
    "none": {},
    "own_models": {**KEYS["custom"], **AI_MODELS},
    "openai_at": {"OPENAI_API_BASE": "http://proxy.invalid:4000", "OPENAI_API_KEY": "anything"},
}
"""Sets of variables by name."""
PROFILES = ("auto", "pipelex_first", "custom_routing", "hybrid", "local", "sandbox")


@cache
def compiled(directory: Path, environment: str | None = None) -> tuple[ModelDeck, tuple[Problem, ...]]:
    """Read and compile a directory, with the problems of both."""
    place = Place(directory=directory, root=ROOT, chosen_by="a test")
    variables = {} if environment is None else {"PIPELEX_ENV": environment}
    documents, found = load_documents(place, variables, KIT, RENAMES, exclusive=EXCLUSIVE)
    deck, more = compile_deck(documents, sdks=sdk_settings(), kit_backends=lambda: frozenset(KEYS))
    return deck, (*found, *more)


def load(
    variables: Mapping[str, str], profile: str | None = None, directory: Path = KIT
) -> tuple[BoundDeck, list[Problem]]:
    """Bind a directory to an environment, under a profile or the one that the directory chooses."""
    deck, problems = compiled(directory, variables.get("PIPELEX_ENV"))
    bound, more = bind(deck, variables, profile=profile)
    return bound, [*problems, *more]


@cache
def _router(variables: FrozenDict[str, str], profile: str | None, directory: Path) -> Router:
    return Router(load(variables, profile, directory)[0])


def router(variables: Mapping[str, str], profile: str | None = None, directory: Path = KIT) -> Router:
    """Give the router of a directory in an environment."""
    return _router(FrozenDict(variables), profile, directory)
