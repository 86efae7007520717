"""Directories in the forms that Pipelex 0.11 to 0.92 wrote: each loads, and goes where it went there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelex_like import Inference, ResolveError

HERE = Path(__file__).parent
VARIABLES = [
    "ANTHROPIC_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_API_KEY",
    "AZURE_API_VERSION",
    "FAL_API_KEY",
    "GCP_CREDENTIALS_FILE_PATH",
    "GCP_LOCATION",
    "GCP_PROJECT_ID",
    "GOOGLE_API_KEY",
    "HF_TOKEN",
    "LINKUP_API_KEY",
    "MINIMAX_API_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_API_KEY",
    "PERPLEXITY_API_KEY",
    "PIPELEX_GATEWAY_API_KEY",
    "PORTKEY_API_KEY",
    "SCALEWAY_API_KEY",
    "XAI_API_KEY",
]
ENVIRON = dict.fromkeys(VARIABLES, "dummy") | {"AZURE_API_BASE": "https://own.openai.azure.example"}

# reference -> (backend, model id, sdk) of each candidate
EXPECTED = {
    "v0_11": {
        "gpt-4o-mini": [("openai", "gpt-4o-mini", "openai")],
        "llm_o1": [("openai", "o1", "openai")],
        "gpt-image-1": [("openai", "gpt-image-1", "openai")],
        "gpt-4o": [("azure_openai", "gpt-4o-2024-11-20", "azure_openai")],
        "bedrock-mistral-large": [("bedrock", "mistral.mistral-large-2402-v1:0", "bedrock")],
        "bedrock-nova-pro": [("bedrock", "us.amazon.nova-pro-v1:0", "bedrock")],
        "claude-4-sonnet": [("anthropic", "claude-sonnet-4-20250514", "anthropic")],
        "bedrock/claude-4-sonnet": [("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", "bedrock")],
        "gemini-2.0-flash": [("vertexai", "google/gemini-2.0-flash", "openai")],
        "llm_chain": [
            ("anthropic", "claude-sonnet-4-20250514", "anthropic"),
            ("azure_openai", "gpt-4o-2024-11-20", "azure_openai"),
        ],
        "base_ocr": [("mistral", "mistral-ocr-latest", "mistral")],
        "base_img": [("fal", "fal-ai/flux-pro/v1.1", "fal")],
        "flux-pro/v1.1": [("fal", "fal-ai/flux-pro/v1.1", "fal")],
        "fast_img": [("fal", "fal-ai/fast-lightning-sdxl", "fal")],
        "pypdfium2-extract-text": [("internal", "extract-text", "pypdfium2")],
    },
    "v0_12": {
        "gpt-5": [("openai", "gpt-5", "openai_responses")],
        "gpt-4.1": [("openai", "gpt-4.1", "openai")],
        "text": [("google", "gemini-2.5-flash", "google")],
        "llm_to_engineer": [
            ("anthropic", "claude-sonnet-4-5-20250929", "anthropic"),
            ("openai", "gpt-5", "openai_responses"),
        ],
        "grok-4": [("xai", "grok-4", "openai")],
        "gemma3-4b": [("ollama", "gemma3:4b", "openai")],
        "pdf": [("internal", "extract-text", "pypdfium2")],
    },
    "v0_15": {
        "gpt-5-nano": [("openai", "gpt-5-nano", "openai_responses")],
        "retrieval": [("openai", "gpt-5-nano", "openai_responses"), ("google", "gemini-2.5-pro", "google")],
        "vision": [("google", "gemini-2.5-pro", "google")],
        "~extractors": [("internal", "docling-extract-text", "docling_sdk"), ("internal", "extract-text", "pypdfium2")],
        "picture": [("openai", "gpt-image-1", "openai")],
        "qwen": [("huggingface", "Qwen/Qwen-Image", "huggingface")],
        "nano-banana": [("google", "gemini-2.5-flash-image", "google")],
        "sonar": [("perplexity", "sonar", "openai")],
    },
    "v0_18": {
        "writing-creative": [("anthropic", "claude-sonnet-4-5-20250929", "anthropic")],
        "deep": [
            ("anthropic", "claude-opus-4-6", "anthropic"),
            ("portkey", "@openai/gpt-4o", "openai"),
            ("azure_openai", "gpt-5-mini-2025-08-07", "azure_openai_responses"),
        ],
        "gpt-5": [("portkey", "gpt-5", "openai_responses")],
        "gen-image": [("azure_openai", "gpt-image-1", "azure_openai")],
        "mistral-small-3.2": [("scaleway", "mistral-small-3.2-24b-instruct-2506", "openai")],
        "default-extract": [("internal", "extract-text", "pypdfium2")],
    },
    "v0_92": {
        "cheap": [("minimax", "MiniMax-M2", "openai")],
        "smart": [("openai", "gpt-5-mini", "openai_responses")],
        "draw": [("openai", "gpt-image-2", "openai")],
        "pdf": [("internal", "extract-text", "pypdfium2")],
        "web": [("linkup", "linkup-fetch", "linkup_fetch")],
    },
}


def load(form: str) -> Inference:
    return Inference.load(HERE / form, environ=ENVIRON)


@pytest.mark.parametrize(
    ("form", "reference"), [(form, reference) for form, references in EXPECTED.items() for reference in references]
)
def test_form_loads_and_resolves(form: str, reference: str) -> None:
    with load(form) as ai:
        route = ai.router.resolve(reference)
        assert [(c.backend, c.model_id, c.sdk) for c in route.candidates] == EXPECTED[form][reference]


@pytest.mark.parametrize(
    ("form", "kind", "slot", "reference"),
    [
        ("v0_11", "llm", "for_text", "llm_cheap"),
        ("v0_11", "llm", "for_object", "llm_chain"),
        ("v0_11", "extract", "default", "base_ocr"),
        ("v0_18", "img_gen", "default", "$gen-image"),
        ("v0_18", "extract", "default", "@default-extract"),
        ("v0_92", "llm", "for_text", "$cheap"),
    ],
)
def test_choices_of_every_spelling(form: str, kind: str, slot: str, reference: str) -> None:
    with load(form) as ai:
        assert ai.router.default(kind, slot) == reference
        assert ai.router.resolve(reference, kind=kind).kind == kind


def test_constraints_of_every_spelling_act_on_what_is_sent() -> None:
    with load("v0_11") as ai:
        candidate = ai.router.resolve("llm_o1").primary
        assert candidate.settings.get("temperature", 1) == 1
        assert any("temperature" in line for line in candidate.adapted)
    with load("v0_18") as ai:
        opus, gpt, mini = ai.router.resolve("deep").candidates
        assert "temperature" not in opus.settings
        assert gpt.settings["temperature"] == 0.3
        assert mini.settings["temperature"] == 1
        assert gpt.spec.headers["x-portkey-provider"] == "@openai"


def test_an_override_keeps_what_it_does_not_name() -> None:
    with load("v0_18") as ai:
        assert ai.router.resolve("writing-creative").primary.settings["temperature"] == 0.9


def test_a_disabled_backend_is_told_when_its_model_is_asked_for() -> None:
    with load("v0_12") as ai, pytest.raises(ResolveError, match="groq"):
        ai.router.resolve("kimi-k2")


def test_a_name_from_the_network_is_a_warning() -> None:
    with load("v0_92") as ai:
        assert any("claude-9-opus" in warning.message for warning in ai.deck.warnings)


def test_kinds_that_are_not_served_here_are_noted() -> None:
    with load("v0_92") as ai:
        noted = " ".join(f"{warning.file} {warning.message}" for warning in ai.deck.warnings)
        for word in ("search", "doc_gen", "judgment"):
            assert word in noted
