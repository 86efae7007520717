"""From the variables as people print them to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelex_like import Inference, NotFoundError
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRINTED = {
    "AZURE_API_KEY": "your-azure-openai-api-key",
    "AZURE_API_BASE": "https://your-resource-name.openai.azure.com/",
    "AZURE_API_VERSION": "2024-02-01",
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def opened(folder: Path, environ: dict[str, str]) -> Inference:
    directory = folder / ".pipelex" / "inference"
    directory.mkdir(parents=True)
    (directory / "backends.toml").write_text('extends = "pipelex_like"\n')
    return Inference.load(directory, environ=environ)


@pytest.mark.parametrize(
    ("reference", "backend", "sdk", "model_id", "variant"),
    [
        ("azure/your-gpt-4o-deployment", "azure_openai", "azure_openai", "your-gpt-4o-deployment", None),
        ("azure/your-gpt-4-turbo-deployment", "azure_openai", "azure_openai", "your-gpt-4-turbo-deployment", None),
        ("azure/gpt-6-sol", "azure_openai", "azure_openai_responses", "gpt-6-sol", None),
        ("azure_ai/gpt-4o", "azure_ai", "azure_openai", "gpt-4o", "model_catalogue"),
        ("azure_ai/mistral-large", "azure_ai", "azure_openai", "mistral-large", "model_catalogue"),
        ("azure_ai/of-tomorrow", "azure_ai", "azure_openai", "of-tomorrow", "model_catalogue"),
    ],
)
def test_a_pin_decides_between_the_two(
    tmp_path: Path, reference: str, backend: str, sdk: str, model_id: str, variant: str | None
) -> None:
    with opened(tmp_path, PRINTED) as ai:
        found = ai.router.resolve(reference, "llm").primary
    assert (found.backend, found.sdk, found.model_id, found.spec.variant) == (backend, sdk, model_id, variant)


def test_both_calls_of_one_pair_of_variables(tmp_path: Path, sandbox: Sandbox) -> None:
    environ = {"AZURE_API_KEY": sandbox.api_key, "AZURE_API_BASE": f"{sandbox.url}/", "AZURE_API_VERSION": "2024-02-01"}
    with opened(tmp_path, environ) as ai:
        assert ai.sync.generate_text("Hi", model="azure/your-gpt-4o-deployment").text
        assert ai.sync.generate_text("Hi", model="azure_ai/mistral-large").text
        assert ai.sync.generate_text("Hi", model="azure/gpt-6-sol").text
    assert [(request.path, dict(request.query)) for request in sandbox.requests] == [
        ("/openai/deployments/your-gpt-4o-deployment/chat/completions", {"api-version": "2024-02-01"}),
        ("/models/chat/completions", {"api-version": "2024-05-01-preview"}),
        ("/openai/v1/responses", {"api-version": "v1"}),
    ]


def test_a_missing_deployment_names_the_way_out(tmp_path: Path, sandbox: Sandbox) -> None:
    environ = {"AZURE_API_KEY": sandbox.api_key, "AZURE_API_BASE": sandbox.url}
    with opened(tmp_path, environ) as ai, pytest.raises(NotFoundError, match="azure/<deployment>"):
        ai.sync.generate_text("Hi", model="azure/fault-status-404")
