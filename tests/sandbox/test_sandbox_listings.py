"""Lists of models, and other questions that cost nothing: real SDKs read them, and what is wrong is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from anthropic import AsyncAnthropic

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from pipelex_like.sandbox import Sandbox

NAMES = ["sandbox-text", "sandbox-image"]
BODY = {"contents": [{"role": "user", "parts": [{"text": "one two"}]}]}
PLACE = "/v1beta1/projects/p/locations/us-central1/publishers/google/models/m:countTokens"


def fetch(sandbox: Sandbox, path: str, *, method: str = "GET", body: object = None, **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx2.Client(trust_env=False) as client:
        return client.request(method, f"{sandbox.url}{path}", headers=sent, json=body)


async def test_openais_list(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == NAMES


async def test_anthropics_list_page_by_page(sandbox: Sandbox) -> None:
    async with AsyncAnthropic(api_key=sandbox.api_key, base_url=sandbox.url, max_retries=0) as running:
        assert [model.id async for model in running.models.list(limit=1)] == NAMES
    known = {"x_api_key": sandbox.api_key, "anthropic_version": "2023-06-01"}
    assert len(sandbox.requests) == 2
    refused = [fetch(sandbox, f"/v1/models?{query}", **known) for query in ("limit=0", "limit=x", "after_id=nobody")]
    assert [reply.status_code for reply in refused] == [400] * 3
    assert refused[0].json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/v1/models", "/openai/v1/models", "/api/v1/models", "/foundation-models"])
def test_a_list_wants_a_key(sandbox: Sandbox, path: str) -> None:
    assert fetch(sandbox, path).status_code == 401
    assert fetch(sandbox, path, authorization="Bearer wrong").status_code == 401
    assert fetch(sandbox, path, authorization=f"Bearer {sandbox.api_key}").status_code == 200


def test_coheres_list(sandbox: Sandbox) -> None:
    bearer = f"Bearer {sandbox.api_key}"
    told = fetch(sandbox, "/v1/models?page_size=1000", authorization=bearer).json()
    assert [model["name"] for model in told["models"]] == NAMES
    assert fetch(sandbox, "/v1/models?page_size=1001", authorization=bearer).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/openai/models?api-version=2024-10-21", 200),
        ("/openai/models", 404),
        ("/openai/v1/models", 200),
        ("/openai/v1/models?api-version=2024-10-21", 400),
        ("/models/info?api-version=2024-05-01-preview", 200),
        ("/info?api-version=2024-05-01-preview", 200),
        ("/info?api-version=2024-10-21", 400),
        ("/info", 404),
    ],
)
def test_azure_wants_its_version(sandbox: Sandbox, path: str, status: int) -> None:
    assert fetch(sandbox, path, api_key=sandbox.api_key).status_code == status


def test_whose_token_it_is(sandbox: Sandbox) -> None:
    assert fetch(sandbox, "/api/whoami-v2", authorization=f"Bearer {sandbox.api_key}").json()["name"] == "sandbox"
    assert fetch(sandbox, "/api/whoami-v2", authorization="Bearer wrong").status_code == 401


def test_tokens_are_counted(sandbox: Sandbox) -> None:
    bearer = f"Bearer {sandbox.api_key}"
    assert fetch(sandbox, PLACE, method="POST", body=BODY, authorization=bearer).json() == {"totalTokens": 2}
    for body in ({**BODY, "labels": {}}, {}):
        assert fetch(sandbox, PLACE, method="POST", body=body, authorization=bearer).status_code == 400
