"""Addresses as they are printed, with and without a trailing slash or `/v1`: the request's path proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelex_like import Inference

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox

CHAT, GEMINI = "/v1/chat/completions", "/v1beta/models"
# Variable, what it holds behind the host, the other variables, the model, and the path that must be asked for.
PRINTED = (
    ("OPENAI_BASE_URL", "/v1", "OPENAI_API_KEY={key}", "openai/gpt-4o-mini", CHAT),
    ("OPENAI_API_BASE", "", "OPENAI_API_KEY={key}", "claude-3-sonnet", CHAT),
    ("OPENAI_BASE_URL", "/v1", "OPENAI_API_KEY={key}", "openai_compatible/any-model", CHAT),
    ("AI_BASE_URL", "/v1", "AI_API_KEY={key} AI_MODELS=local-r1:deepseek-r1-distill-qwen-14b", "local-r1", CHAT),
    ("NEBIUS_API_BASE", "/v1", "NEBIUS_API_KEY={key}", "nebius/llama-3.1-70b-instruct", CHAT),
    ("LITELLM_PROXY_URL", "", "LITELLM_PROXY_KEY={key}", "deepseek-chat", CHAT),
    ("OLLAMA_API_BASE", "", "", "ollama/llama3.1", CHAT),
    ("VLLM_API_BASE", "/v1", "", "vllm/any-model", CHAT),
    ("TGI_API_BASE", "", "", "tgi/any-model", CHAT),
    (
        "AZURE_API_BASE",
        "",
        "AZURE_API_KEY={key} AZURE_API_VERSION=2024-02-01",
        "azure/your-gpt-4o-deployment",
        "/openai/deployments/your-gpt-4o-deployment/chat/completions",
    ),
    ("AZURE_API_BASE", "/models", "AZURE_API_KEY={key}", "azure_ai/mistral-large", "/models/chat/completions"),
)
ENDPOINTS = (
    ("google", "", "GEMINI_API_KEY={key}", "gemini/gemini-1.5-pro", f"{GEMINI}/gemini-1.5-pro:generateContent"),
    ("google", "/v1beta", "GOOGLE_API_KEY={key}", "gemini/gemini-pro", f"{GEMINI}/gemini-pro:generateContent"),
    ("anthropic", "", "ANTHROPIC_API_KEY={key}", "claude-3-5-sonnet-20241022", "/v1/messages"),
    ("mistral", "", "MISTRAL_API_KEY={key}", "mistral/codestral", CHAT),
    ("cohere", "", "COHERE_API_KEY={key}", "cohere/command-r-plus", "/compatibility/v1/chat/completions"),
)
ENDINGS = ("", "/", "/v1", "/v1/")
# Servers that take any key: the sandbox insists on its own.
KEYLESS = {"OLLAMA_API_BASE": "ollama", "VLLM_API_BASE": "vllm", "TGI_API_BASE": "tgi"}


def _environ(others: str, key: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in others.replace("{key}", key).split())
    return {name: value for name, _, value in pairs}


def _endings(path: str) -> tuple[str, ...]:
    return ("", "/") if path.startswith(("/models", "/v1beta")) else ENDINGS


def _directory(folder: Path, table: str) -> Path:
    directory = folder / ".pipelex" / "inference"
    directory.mkdir(parents=True)
    (directory / "backends.toml").write_text(f'extends = "pipelex_like"\n{table}')
    return directory


@pytest.mark.parametrize(
    ("variable", "path", "others", "model", "asked"), PRINTED, ids=[f"{one[0]}-{one[3]}" for one in PRINTED]
)
async def test_a_variable_as_printed(
    tmp_path: Path, sandbox: Sandbox, variable: str, path: str, others: str, model: str, asked: str
) -> None:
    backend = KEYLESS.get(variable)
    directory = _directory(tmp_path, f'[{backend}]\napi_key = "{sandbox.api_key}"\n' if backend else "")
    for ending in _endings(path):
        address = sandbox.url + path.removesuffix("/v1") + ending
        if "azure" in model and ending.startswith("/v1"):
            continue
        environ = {**_environ(others, sandbox.api_key), variable: address}
        async with Inference.load(directory, environ=environ) as ai:
            assert (await ai.generate_text("Hello", model=model)).text
        assert sandbox.requests[-1].path == asked, address


@pytest.mark.parametrize(("backend", "path", "others", "model", "asked"), ENDPOINTS, ids=[one[3] for one in ENDPOINTS])
async def test_an_endpoint_as_written(
    tmp_path: Path, sandbox: Sandbox, backend: str, path: str, others: str, model: str, asked: str
) -> None:
    for at, ending in enumerate(("", "/") if backend == "google" else _endings(path)):
        directory = _directory(tmp_path / str(at), f'[{backend}]\nendpoint = "{sandbox.url}{path}{ending}"\n')
        async with Inference.load(directory, environ=_environ(others, sandbox.api_key)) as ai:
            assert (await ai.generate_text("Hello", model=model)).text
        assert sandbox.requests[-1].path == asked, f"{path}{ending}"
